import type { JsonObject } from "../../../protocol/kinds/object";
import { type Adaptation, changed } from "./adaptation";

interface Autoscaler {
  readonly minReplicas?: number;
  readonly scaleTargetRef: { readonly kind: string; readonly name: string };
}

/** An autoscaler keeps its target at the least number of replicas that it allows, or above: with that number it is rehearsed. */
export const autoscalers: Adaptation = (manifests) => {
  const scalers = manifests.filter(({ kind }) => kind.kind === "HorizontalPodAutoscaler");
  return {
    manifests: manifests.map((manifest) => {
      const scaler = scalers.find(
        ({ object }) =>
          object.metadata.namespace === manifest.object.metadata.namespace &&
          specOf(object).scaleTargetRef.kind === manifest.kind.kind &&
          specOf(object).scaleTargetRef.name === manifest.object.metadata.name,
      );
      if (!scaler) return manifest;
      const least = specOf(scaler.object).minReplicas ?? 1;
      const spec = (manifest.object as unknown as { readonly spec?: JsonObject }).spec;
      const replicas = spec?.replicas as number | undefined;
      if (replicas !== undefined && replicas >= least) return manifest;
      // The number is the autoscaler's, and so is the line on which it stands.
      const lineOf: typeof manifest.lineOf = (path) =>
        path.join(".") === "spec.replicas" ? scaler.lineOf(["spec", "minReplicas"]) : manifest.lineOf(path);
      return { ...changed(manifest, ["spec", "replicas"], least), lineOf };
    }),
    notes: [],
  };
};

const specOf = (object: unknown) => (object as { readonly spec: Autoscaler }).spec;
