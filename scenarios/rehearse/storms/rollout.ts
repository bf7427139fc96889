import type { JsonObject } from "../../../protocol/kinds/object";
import type { Workload } from "../workload";

/** A rollout without a change, as `kubectl rollout restart` makes it. */
export function rollout({ kind, namespace, name }: Workload, at: string): JsonObject {
  const annotations = { "kubectl.kubernetes.io/restartedAt": `rehearsal, ${at}` };
  const patch = { spec: { template: { metadata: { annotations } } } };
  return { at, action: "patch", apiVersion: "apps/v1", kind, namespace, name, patch };
}

/** Gives the first container of a workload another image, which rolls it out. */
export function setImage({ kind, namespace, name, podSpec }: Workload, image: string, at: string): JsonObject {
  const containers = [{ name: podSpec.containers[0]!.name, image }];
  return { at, action: "patch", apiVersion: "apps/v1", kind, namespace, name, patch: { spec: { template: { spec: { containers } } } } };
}

export function imageOf({ podSpec }: Workload): string {
  return podSpec.containers[0]?.image ?? "";
}

/** The image without its tag and digest. */
export function repositoryOf(image: string): string {
  const plain = image.split("@")[0]!;
  const colon = plain.lastIndexOf(":");
  return colon > plain.lastIndexOf("/") ? plain.slice(0, colon) : plain;
}
