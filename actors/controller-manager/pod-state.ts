import type { Pod, PodCondition } from "../../protocol/kinds/generated";
import { isBeingDeleted, timeMs } from "../../protocol/kinds/object";

/** What the other controllers ask of a Pod. Sources: the API reference's Pod conditions, "Pod Lifecycle". */

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Succeeded or Failed: its containers will not run again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Neither terminal nor on its way out: counts towards replicas. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isBeingDeleted(pod);
}

/** Ready for at least minReadySeconds without a break. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return availableAtMs(pod, minReadySeconds) <= nowMs;
}

/** When a pod that stays ready becomes available; never while it is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return Number.POSITIVE_INFINITY;
  if (minReadySeconds === 0) return Number.NEGATIVE_INFINITY;
  const since = timeMs(ready.lastTransitionTime);
  return since === undefined ? Number.POSITIVE_INFINITY : since + minReadySeconds * 1000;
}
