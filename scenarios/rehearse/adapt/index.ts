import type { CustomObject, Manifest } from "../../manifests";
import type { Note } from "../note";
import type { Adaptation, Adapted, Declared } from "./adaptation";
import { autoscalers } from "./autoscalers";
import { customResources } from "./custom-resources";
import { helmHooks } from "./helm-hooks";
import { initContainers } from "./init-containers";
import { jobs } from "./jobs";
import { kinds } from "./kinds";
import { placeNames } from "./place-names";
import { placement } from "./placement";
import { ports } from "./ports";
import { references } from "./references";
import { volumes } from "./volumes";
import { webhooks } from "./webhooks";

/** Autoscalers are looked at before kinds are left out, and what is referred to last of all: an empty volume refers to nothing. */
const adaptations: readonly Adaptation[] = [
  ...[helmHooks, autoscalers, customResources, kinds, webhooks, volumes],
  ...[initContainers, jobs, placement, placeNames, ports, references],
];

/** Kinds that others need come first, as `kustomize build` sorts them. */
const first = ["Namespace", "CustomResourceDefinition", "PriorityClass", "ServiceAccount", "ConfigMap", "Secret"];

/**
 * Makes manifests that can be applied to the simulated cluster out of a user's own, and says what was left out or taken for granted. The lines stay
 * those of the user's files.
 */
export function runnable(manifests: readonly Manifest[], custom: readonly CustomObject[], declared: Declared): Adapted {
  const notes: Note[] = custom.map(({ file, line, apiVersion, kind, name }) => ({
    file,
    line,
    what: `${kind} ${name} (${apiVersion})`,
    became: "left out: its definition is not among the manifests, and no operator runs that would act on it",
  }));
  let current = manifests;
  for (const adapt of adaptations) {
    const adapted = adapt(current, declared);
    current = adapted.manifests;
    notes.push(...adapted.notes);
  }
  // Webhooks come last: whom they would be asked about is there by then, and so are they.
  const rank = ({ kind }: Manifest) =>
    kind.kind.endsWith("WebhookConfiguration") ? first.length + 1 : (first.indexOf(kind.kind) + first.length + 1) % (first.length + 1);
  return { manifests: [...current].sort((a, b) => rank(a) - rank(b)), notes };
}
