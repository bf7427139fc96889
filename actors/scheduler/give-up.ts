import { timestamp } from "../../protocol/kinds/object";
import { isNotFound } from "../../protocol/status";
import { pods } from "../client";
import { unschedulableMessage } from "./diagnosis";
import type { PodInfo, Snapshot } from "./framework";
import { plugins } from "./plugins";
import { preempt } from "./preemption";
import type { Diagnosis, Stopwatch } from "./schedule";
import { type Ctx, nowMsOf, referenceOf, type State, schedulerName } from "./state";

/** No node will do: say why, make room if that is allowed, and wait for something to change. */
export function giveUp(state: State, info: PodInfo, diagnosis: Diagnosis, snapshot: Snapshot, watch: Stopwatch, ctx: Ctx): void {
  const begunUs = watch.nowUs();
  const preemption =
    diagnosis.nodeCount === 0
      ? undefined
      : preempt(info, snapshot, plugins, diagnosis, [...state.informers.budgets.store.list()], state.nextNode);
  if (preemption) watch.point("PostFilter", preemption.possible ? "Success" : "Unschedulable", watch.nowUs() - begunUs);
  const message = unschedulableMessage(diagnosis, preemption && !preemption.possible ? preemption.message : undefined);
  ctx.record({ kind: "scheduler.unschedulable", pod: info.key, reason: message });
  if (preemption) state.figures.preempted(preemption.possible ? preemption.victims.length : undefined);
  state.recorder.event(ctx, referenceOf(info), "Warning", "FailedScheduling", message, "Scheduling");
  // Without nodes no plug-in was asked; only a node can help.
  state.queue.requeue(info.uid, diagnosis.nodeCount === 0 ? new Set(["NodeName"]) : diagnosis.rejectors, nowMsOf(ctx));
  if (preemption?.possible) evict(state, info, preemption.node, preemption.victims, ctx);
  else state.nominated.delete(info.uid);
  writeCondition(state, info, message, preemption?.possible ? preemption.node : "", ctx);
}

function writeCondition(state: State, info: PodInfo, message: string, nominatedNodeName: string, ctx: Ctx): void {
  const { pod, namespace, name, uid } = info;
  const old = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const sameNomination = (pod.status?.nominatedNodeName ?? "") === nominatedNodeName;
  if (old?.status === "False" && old.reason === "Unschedulable" && old.message === message && sameNomination) return;
  const now = timestamp(ctx.wallUs() / 1000);
  const condition = {
    type: "PodScheduled",
    observedGeneration: pod.metadata?.generation,
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: old?.status === "False" ? old.lastTransitionTime : now,
  };
  const patch = { metadata: { uid }, status: { conditions: [condition], nominatedNodeName: nominatedNodeName || null } };
  state.client.patch(ctx, pods, { namespace, name, subresource: "status" }, "strategic", patch, () => undefined);
}

/** Takes their place from less important pods: each is told why, and deleted with its own grace. */
function evict(state: State, info: PodInfo, node: string, victims: readonly PodInfo[], ctx: Ctx): void {
  state.nominated.set(info.uid, { info, node });
  for (const victim of victims) {
    const { namespace, name, uid } = victim;
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(ctx.wallUs() / 1000),
    };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    state.client.patch(ctx, pods, { namespace, name, subresource: "status" }, "strategic", patch, (s, result, later) => {
      if (!result.ok && isNotFound(result.status)) return undefined;
      s.client.delete(later, pods, { namespace, name }, { preconditions: { uid } }, () => undefined);
      return undefined;
    });
    const message = `Preempted by pod ${info.uid} on node ${node}`;
    state.recorder.event(ctx, referenceOf(victim), "Normal", "Preempted", message, "Preempting");
  }
}
