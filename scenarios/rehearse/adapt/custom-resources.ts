import type { CustomResourceDefinition } from "../../../protocol/kinds/generated";
import { objectId } from "../../history";
import type { Manifest } from "../../manifests";
import { type Adaptation, noteOn } from "./adaptation";

/** Custom resources are stored and validated like any other, but nobody acts on them; those that a webhook of their own would have to convert are left out. */
export const customResources: Adaptation = (manifests) => {
  const converted = new Set(manifests.filter(needsWebhook).map(({ object }) => object.metadata.name ?? ""));
  const isConverted = ({ kind, object }: Manifest) =>
    kind.custom
      ? converted.has(kind.custom.definitionName)
      : kind.kind === "CustomResourceDefinition" && converted.has(object.metadata.name ?? "");
  return {
    manifests: manifests.filter((manifest) => !isConverted(manifest)),
    notes: manifests.flatMap((manifest) => {
      if (isConverted(manifest))
        return [noteOn(manifest, [], objectId(manifest.object), "left out: the webhook that converts it is not known")];
      return manifest.kind.custom
        ? [noteOn(manifest, [], objectId(manifest.object), "applied, without effect: no operator runs that would act on it")]
        : [];
    }),
  };
};

function needsWebhook({ kind, object }: Manifest): boolean {
  return (
    kind.kind === "CustomResourceDefinition" && (object as unknown as CustomResourceDefinition).spec.conversion?.strategy === "Webhook"
  );
}
