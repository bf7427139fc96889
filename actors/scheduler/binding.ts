import { isNotFound } from "../../protocol/status";
import { pods } from "../client";
import type { PodInfo } from "./framework";
import type { QueuedPod } from "./queue";
import { type Ctx, nowMsOf, referenceOf, type State, wake } from "./state";

const settleMs = 1_000;

/** Tells the API where an assumed pod goes; `begunMs` is when the attempt began. */
export function bind(state: State, queued: QueuedPod, node: string, begunMs: number, ctx: Ctx): void {
  const { info } = queued;
  const { uid, namespace, name } = info;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { namespace, name, uid },
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
  const askedMs = nowMsOf(ctx);
  state.client.createSubresource(ctx, pods, { namespace, name, subresource: "binding" }, binding, (s, result, later) => {
    if (result.ok || !result.unknown) s.figures.bound(result.ok, askedMs, nowMsOf(later));
    if (result.ok) {
      later.record({ kind: "scheduler.bound", pod: info.key, node });
      s.figures.attempted("scheduled", begunMs, nowMsOf(later));
      s.figures.scheduled(queued, nowMsOf(later));
      s.recorder.event(later, referenceOf(info), "Normal", "Scheduled", `Successfully assigned ${info.key} to ${node}`, "Binding");
      s.queue.done(uid);
      s.nominated.delete(uid);
    } else if (result.unknown) settle(s, info, node, later);
    else {
      s.figures.attempted("error", begunMs, nowMsOf(later));
      bindingFailed(s, info, result.status.message, later);
    }
    return undefined;
  });
}

/** Nobody knows whether the binding was carried out: the API is asked until it says, and the pod stays assumed meanwhile. */
export function settle(state: State, info: PodInfo, node: string, ctx: Ctx): void {
  const { uid, namespace, name } = info;
  state.client.get(ctx, pods, { namespace, name }, (s, result, later) => {
    if (!s.cache.isAssumed(uid)) return undefined;
    if (!result.ok && !isNotFound(result.status)) {
      s.unsettled.set(uid, { info, node });
      later.setTimer("settle", settleMs);
      return undefined;
    }
    if (result.ok && result.object.metadata.uid === uid && result.object.spec?.nodeName) {
      if (result.object.spec.nodeName === node) later.record({ kind: "scheduler.bound", pod: info.key, node });
      s.cache.setPod(result.object);
      s.queue.done(uid);
      s.nominated.delete(uid);
    } else bindingFailed(s, info, "nobody knows what became of the binding", later);
    return undefined;
  });
}

/** What was assumed is taken back, so that neither the pod nor the room is lost. */
function bindingFailed(state: State, info: PodInfo, why: string, ctx: Ctx): void {
  state.cache.forget(info.uid);
  state.queue.moveBy("AssignedPodDelete", nowMsOf(ctx));
  state.queue.requeue(info.uid, new Set(), nowMsOf(ctx));
  const message = `running Bind plugin "DefaultBinder": ${why}`;
  state.recorder.event(ctx, referenceOf(info), "Warning", "FailedScheduling", message, "Scheduling");
  wake(state, ctx);
}
