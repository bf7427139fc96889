import type { Node, Pod } from "../../protocol/kinds/generated";
import type { Change } from "../client";
import type { ClusterEvent } from "./framework";
import { heldBesides, podRequests } from "./resource-amounts";

/** Which events a change of a node is; none for what does not concern where pods may go, such as a heartbeat. */
export function nodeEvents(change: Change<Node>): readonly ClusterEvent[] {
  if (change.type === "added") return ["NodeAdd"];
  if (change.type === "deleted") return ["NodeDelete"];
  const { old, object } = change;
  const events: ClusterEvent[] = [];
  const differs = (of: (node: Node) => unknown) => JSON.stringify(of(old)) !== JSON.stringify(of(object));
  if (differs((node) => node.status?.allocatable)) events.push("NodeAllocatable");
  if (differs((node) => node.metadata?.labels)) events.push("NodeLabel");
  if (differs((node) => [node.spec?.taints, node.spec?.unschedulable])) events.push("NodeTaint");
  return events;
}

/** Which events a change of a pod with a node is; `known` says that it counted there before. */
export function podEvents(change: Change<Pod>, known: boolean): readonly ClusterEvent[] {
  if (!known) return ["AssignedPodAdd"];
  if (change.type !== "updated") return [];
  const { old, object } = change;
  const events: ClusterEvent[] = [];
  if (JSON.stringify(old.metadata?.labels) !== JSON.stringify(object.metadata?.labels)) events.push("AssignedPodLabel");
  if (takesLess(old, object)) events.push("AssignedPodScaleDown");
  return events;
}

/** Whether a pod that was resized has given something back. */
function takesLess(old: Pod, now: Pod): boolean {
  if (heldBesides(old).length === 0) return false;
  const [before, after] = [podRequests(old), podRequests(now)];
  return after.milliCpu < before.milliCpu || after.memory < before.memory;
}
