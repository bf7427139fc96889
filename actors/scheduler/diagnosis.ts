import type { Rejection } from "./framework";
import type { Diagnosis } from "./schedule";

/** "0/6 nodes are available: 3 Insufficient cpu, 3 node(s) were unschedulable." as an event says it; `preemption` says what evicting pods would bring. */
export function unschedulableMessage({ nodeCount, rejections, preFilter }: Diagnosis, preemption?: string): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const histogram = preFilter ?? histogramOf(rejections.values());
  return `0/${nodeCount} nodes are available:${histogram && ` ${histogram}.`}${preemption === undefined ? "" : ` preemption: ${preemption}`}`;
}

/** Each reason with its count, sorted as texts ("10 a" before "2 b"), as Kubernetes prints them. */
export function histogramOf(rejections: Iterable<Rejection>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join(", ");
}
