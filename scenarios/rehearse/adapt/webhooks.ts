import type { Service } from "../../../protocol/kinds/generated";
import { matchesLabelMap } from "../../../protocol/kinds/label-selector";
import type { JsonObject } from "../../../protocol/kinds/object";
import { objectId } from "../../history";
import type { Manifest } from "../../manifests";
import type { Note } from "../note";
import { workloadOf } from "../workload";
import { type Adaptation, changed, noteOn } from "./adaptation";

const webhookKinds: ReadonlySet<string> = new Set(["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]);

interface Webhook {
  readonly name?: string;
  readonly clientConfig?: { readonly service?: { readonly namespace: string; readonly name: string } };
}

/** A webhook is asked where it runs in the manifests' own pods and somebody has declared what it answers (`admission` of its image); others are left out. */
export const webhooks: Adaptation = (manifests, { answersAdmission }) => {
  const notes: Note[] = [];
  const kept = manifests.flatMap((manifest): readonly Manifest[] => {
    if (!webhookKinds.has(manifest.kind.kind)) return [manifest];
    const all = ((manifest.object as unknown as JsonObject).webhooks ?? []) as readonly Webhook[];
    const asked = all.filter((webhook) => imagesBehind(webhook, manifests).some(answersAdmission));
    const left = all.flatMap((webhook, i) => (asked.includes(webhook) ? [] : [i]));
    const why =
      "left out: what it would answer is not known, so what it would refuse or change is not seen (declare `admission` of its image)";
    if (asked.length === 0) notes.push(noteOn(manifest, [], objectId(manifest.object), why));
    else for (const i of left) notes.push(noteOn(manifest, ["webhooks", i], `${objectId(manifest.object)}: ${all[i]!.name}`, why));
    return asked.length === 0 ? [] : [changed(manifest, ["webhooks"], asked)];
  });
  return { manifests: kept, notes };
};

/** The images of the pods behind a webhook's Service. */
function imagesBehind({ clientConfig }: Webhook, manifests: readonly Manifest[]): readonly string[] {
  const { namespace, name } = clientConfig?.service ?? {};
  const service = manifests.find(
    ({ kind, object }) => kind.kind === "Service" && object.metadata.namespace === namespace && object.metadata.name === name,
  );
  const selector = (service?.object as Service | undefined)?.spec?.selector;
  if (!selector) return [];
  return manifests.flatMap((manifest) => {
    const workload = workloadOf(manifest);
    if (!workload || workload.namespace !== namespace || !matchesLabelMap(selector, workload.labels)) return [];
    return workload.podSpec.containers.map(({ image = "" }) => image);
  });
}
