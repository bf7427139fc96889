import type { Lease, Node, NodeCondition } from "../../protocol/kinds/generated";
import { type Stored, timestamp } from "../../protocol/kinds/object";
import { conditionOf } from "./condition";

/** Whether a node still reports. Times are this manager's own monotonic ms: what a node's clock says proves nothing. */
export interface Health {
  /** The last sign of life. */
  readonly aliveMs: number;
  /** What the signs were, to see new ones: the Ready condition's heartbeat and the Lease's renewal. */
  readonly heartbeat: string;
  readonly renewed: string;
}

export interface GracePeriods {
  /** node-monitor-grace-period. */
  readonly monitorMs: number;
  /** node-startup-grace-period, for nodes that have not posted a status yet. */
  readonly startupMs: number;
}

/** What is known of a node after a look at its status and its Lease. */
export function observeHealth(
  node: Stored<Node>,
  lease: Stored<Lease> | undefined,
  before: Health | undefined,
  monotonicMs: number,
): Health {
  const ready = conditionOf(node.status?.conditions, "Ready");
  const heartbeat =
    ready && ready.status !== "Unknown"
      ? `${ready.lastHeartbeatTime ?? ""}/${ready.lastTransitionTime ?? ""}/${ready.status}`
      : (before?.heartbeat ?? "");
  const renewed = lease?.spec?.renewTime ?? before?.renewed ?? "";
  if (before && before.heartbeat === heartbeat && before.renewed === renewed) return before;
  return { aliveMs: monotonicMs, heartbeat, renewed };
}

export function isOverdue(node: Stored<Node>, health: Health, grace: GracePeriods, monotonicMs: number): boolean {
  const limitMs = conditionOf(node.status?.conditions, "Ready") ? grace.monitorMs : grace.startupMs;
  return monotonicMs > health.aliveMs + limitMs;
}

const judged = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The conditions of a node that reports no longer: nothing is known of it. The same list when that is what they say. */
export function unknownConditions(node: Stored<Node>, nowMs: number): readonly NodeCondition[] {
  const now = timestamp(nowMs);
  let conditions = node.status?.conditions ?? [];
  for (const type of judged) {
    const old = conditionOf(conditions, type);
    if (!old) {
      const reason = "NodeStatusNeverUpdated";
      const never = {
        type,
        status: "Unknown",
        reason,
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: now,
      };
      conditions = [...conditions, never];
    } else if (old.status !== "Unknown") {
      const unknown = {
        ...old,
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        lastTransitionTime: now,
      };
      conditions = conditions.map((each) => (each.type === type ? unknown : each));
    }
  }
  return conditions;
}
