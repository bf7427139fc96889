import type { Pod } from "../../protocol/kinds/generated";
import { type Stored, timeMs } from "../../protocol/kinds/object";
import { isPodReady, podCondition } from "./pod-state";

/**
 * The pods to lose when a ReplicaSet has too many, first to go first. Source: "ReplicaSet" in the documentation, scaling a ReplicaSet: unassigned, pending and unready pods first,
 * then by deletion cost, then where a node has several, then the younger, times being compared by magnitude so that zones are not emptied one after the other.
 * `related` are the active pods of all ReplicaSets of the same controller.
 */
export function deletionOrder(pods: readonly Stored<Pod>[], related: readonly Stored<Pod>[], nowMs: number): Stored<Pod>[] {
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? "";
    if (node !== "") perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const crowd = (pod: Pod) => perNode.get(pod.spec?.nodeName ?? "") ?? 0;
  return [...pods].sort((a, b) => {
    const plain =
      Number(!!a.spec?.nodeName) - Number(!!b.spec?.nodeName) ||
      phaseRank(a) - phaseRank(b) ||
      Number(isPodReady(a)) - Number(isPodReady(b)) ||
      deletionCost(a) - deletionCost(b) ||
      crowd(b) - crowd(a);
    if (plain !== 0) return plain;
    const readyA = readySince(a);
    const readyB = readySince(b);
    if (isPodReady(a) && readyA !== readyB) return byAge(a, readyA, b, readyB, nowMs);
    const restarts = restartsOf(b) - restartsOf(a);
    if (restarts !== 0) return restarts;
    return byAge(a, timeMs(a.metadata.creationTimestamp), b, timeMs(b.metadata.creationTimestamp), nowMs);
  });
}

function phaseRank(pod: Pod): number {
  return pod.status?.phase === "Running" ? 2 : pod.status?.phase === "Unknown" ? 1 : 0;
}

/** The annotation controller.kubernetes.io/pod-deletion-cost; 0 where it is absent or no 32-bit number. */
function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.["controller.kubernetes.io/pod-deletion-cost"];
  if (text === undefined || !/^(0|-?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

const readySince = (pod: Pod) => timeMs(podCondition(pod, "Ready")?.lastTransitionTime);

function restartsOf(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0));
}

/** The one whose time lies nearer goes first; within one power of two the uid decides. */
function byAge(a: Stored<Pod>, sinceA: number | undefined, b: Stored<Pod>, sinceB: number | undefined, nowMs: number): number {
  const difference = magnitude(nowMs, sinceA) - magnitude(nowMs, sinceB);
  if (difference !== 0) return difference;
  return a.metadata.uid < b.metadata.uid ? -1 : a.metadata.uid > b.metadata.uid ? 1 : 0;
}

/** floor(log2) of an age in nanoseconds, -1 for none. */
function magnitude(nowMs: number, sinceMs: number | undefined): number {
  let age = sinceMs === undefined ? 0 : (nowMs - sinceMs) * 1_000_000;
  if (age <= 0) return -1;
  let power = 0;
  for (; age >= 2; age /= 2) power += 1;
  return power;
}
