import type { Node, Pod } from "../../protocol/kinds/generated";
import { controllerOf, isBeingDeleted, type Stored } from "../../protocol/kinds/object";

/** The condition Ready of a pod's or a node's status. */
export function isReady(object: Pod | Node): boolean {
  return object.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** Whether its containers will never run again. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Neither finished nor on its way out: it counts as a replica. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !isBeingDeleted(pod);
}

/** Whether something other than its own controller ends it: an eviction, a taint of its node, preemption. */
export function wasDisrupted(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "DisruptionTarget" && status === "True") ?? false;
}

/** The uid of the ReplicaSet, Job or other controller it belongs to, or "". */
export function controllerUid(object: Stored): string {
  return controllerOf(object)?.uid ?? "";
}

/** A number or a percentage of `total`, as maxSurge (rounded up) and maxUnavailable (rounded down) are written. */
export function scaledValue(value: number | string | undefined, total: number, rounding: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const share = (Number(value.replace("%", "")) * total) / 100;
  return rounding === "up" ? Math.ceil(share) : Math.floor(share);
}
