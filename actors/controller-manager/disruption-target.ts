import type { Pod } from "../../protocol/kinds/generated";
import { type Stored, timestamp } from "../../protocol/kinds/object";
import { withCondition } from "./condition";

/** A patch of a pod's status that says why it is about to be taken away. Source: "Disruptions" in the documentation, pod disruption conditions. */
export function disruptionTarget(
  pod: Stored<Pod>,
  reason: string,
  message: string,
  nowMs: number,
  more: Readonly<Record<string, unknown>> = {},
) {
  const condition = { type: "DisruptionTarget", status: "True", reason, message, lastTransitionTime: timestamp(nowMs) };
  const conditions = withCondition(pod.status?.conditions ?? [], condition, nowMs);
  return { metadata: { uid: pod.metadata.uid }, status: { conditions, ...more } };
}
