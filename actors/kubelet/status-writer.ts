import type { Pod, PodCondition, PodStatus } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import { isConflict, isNotFound } from "../../protocol/status";
import { pods, type Result } from "../client";
import { isPodReady, podStatus, resizeConditions } from "./pod-status";
import { type PodWorker, takeNews } from "./pod-worker";
import { retryOthers } from "./resize-pod";
import { type Ctx, nowMsOf, type State, wallMsOf } from "./state";
import { arm, syncPod } from "./sync-pod";

const retryMs = 2_000;

/** Writes the pod's status if it has changed; one write at a time, so that an older status never overtakes a newer one. */
export function writeStatus(state: State, worker: PodWorker, ctx: Ctx): void {
  const nowMs = nowMsOf(ctx);
  const status = podStatus(worker, state.config, nowMs, wallMsOf(ctx), state.times);
  noteReadiness(state, worker, isPodReady(status), ctx);
  if (worker.orphaned || worker.writing || worker.deleting) return;
  if (worker.retryAtMs !== undefined && worker.retryAtMs > nowMs) return;
  worker.retryAtMs = undefined;
  const text = JSON.stringify(status);
  // After a restart most pods are as the API has them.
  if (worker.written === "" && worker.pod.status && says(worker.pod.status, status)) worker.written = text;
  if (text === worker.written) {
    if (worker.finished && isBeingDeleted(worker.pod)) confirmDeletion(state, worker, ctx);
    return;
  }
  worker.writing = true;
  const { uid } = worker;
  const { namespace = "", name } = worker.pod.metadata;
  const patch = statusPatch(worker.pod.status, status, uid);
  state.client.patch(ctx, pods, { namespace, name, subresource: "status" }, "strategic", patch, (s, result, later) => {
    const now = s.workers.get(uid);
    if (now) afterWrite(s, now, text, result, later);
    return undefined;
  });
}

/** Whether a status has all that another says. */
function says(has: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null || typeof has !== "object" || has === null) return has === wanted;
  if (Array.isArray(wanted) && (!Array.isArray(has) || has.length !== wanted.length)) return false;
  return Object.entries(wanted).every(
    ([key, value]) => value === undefined || says((has as Readonly<Record<string, unknown>>)[key], value),
  );
}

function noteReadiness(state: State, worker: PodWorker, ready: boolean, ctx: Ctx): void {
  if (ready === worker.ready) return;
  worker.ready = ready;
  ctx.record({ kind: "pod.ready", pod: keyOf(worker.pod), node: state.config.node, ready });
}

function afterWrite(state: State, worker: PodWorker, text: string, result: Result<Stored<Pod>>, ctx: Ctx): void {
  worker.writing = false;
  if (result.ok) {
    worker.written = text;
    if (Number(result.object.metadata.resourceVersion) >= Number(worker.pod.metadata.resourceVersion)) takeNews(worker, result.object);
  } else if (isNotFound(result.status) || isConflict(result.status)) {
    // The pod is gone, or another has its name: the informer will say so, and there is nobody to tell.
    worker.retryAtMs = nowMsOf(ctx) + 5 * retryMs;
  } else worker.retryAtMs = nowMsOf(ctx) + retryMs * (1 + ctx.random("status.retry"));
  syncPod(state, worker, ctx);
}

/**
 * The strategic merge patch that makes one status into the other: fields that went away are set to null, addresses that went away are deleted by ip.
 * The uid makes the server refuse when another pod has taken the name.
 */
export function statusPatch(before: PodStatus | undefined, after: PodStatus, uid: string): unknown {
  const gone = Object.keys(before ?? {}).filter((key) => !(key in after) && ownedFields.has(key));
  const dropped = (old: readonly { readonly ip?: string }[] = [], now: readonly { readonly ip?: string }[] = []) =>
    old.filter(({ ip }) => !now.some((one) => one.ip === ip)).map(({ ip }) => ({ $patch: "delete", ip }));
  const lost = { podIPs: dropped(before?.podIPs, after.podIPs), hostIPs: dropped(before?.hostIPs, after.hostIPs) };
  const over = (before?.conditions ?? []).filter(
    ({ type }) => resizeConditions.has(type) && after.conditions && !after.conditions.some((one) => one.type === type),
  );
  return {
    metadata: { uid },
    status: {
      ...after,
      ...Object.fromEntries(gone.map((key) => [key, null])),
      ...(after.conditions
        ? {
            conditions: [
              ...after.conditions.map((condition) => withoutOldWords(before?.conditions ?? [], condition)),
              ...over.map(({ type }) => ({ $patch: "delete", type })),
            ],
          }
        : {}),
      ...(after.podIPs && lost.podIPs.length > 0 ? { podIPs: [...after.podIPs, ...lost.podIPs] } : {}),
      ...(after.hostIPs && lost.hostIPs.length > 0 ? { hostIPs: [...after.hostIPs, ...lost.hostIPs] } : {}),
    },
  };
}

/** Conditions are merged by type: what an old one said and the new one does not would stay. */
function withoutOldWords(before: readonly PodCondition[], condition: PodCondition): unknown {
  const old = before.find(({ type }) => type === condition.type);
  const nulls = (["reason", "message"] as const).filter((field) => old?.[field] !== undefined && condition[field] === undefined);
  return { ...condition, ...Object.fromEntries(nulls.map((field) => [field, null])) };
}

const ownedFields: ReadonlySet<string> = new Set(["reason", "message", "nominatedNodeName"]);

/** Nothing of the pod runs any more: the end may be told, and a sandbox that nobody asks for any more goes. */
export function finishPod(state: State, worker: PodWorker, ctx: Ctx): void {
  const before = worker.finished;
  worker.finished = true;
  if (!before) retryOthers(state, worker, ctx);
  if (worker.orphaned) dropWorker(state, worker, ctx);
}

/** Deletion was asked for and everything has stopped: only now may the object go, and only if it is still the same one. */
function confirmDeletion(state: State, worker: PodWorker, ctx: Ctx): void {
  worker.deleting = true;
  const { uid } = worker;
  const { namespace = "", name } = worker.pod.metadata;
  state.client.delete(ctx, pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }, (s, result, later) => {
    const now = s.workers.get(uid);
    if (!now) return undefined;
    now.deleting = false;
    now.retryAtMs = nowMsOf(later) + (result.ok ? 10 * retryMs : retryMs);
    if (!result.ok && (isNotFound(result.status) || isConflict(result.status))) {
      now.orphaned = true;
      dropWorker(s, now, later);
    } else arm(s, now, later);
    return undefined;
  });
}

/** Forgets a pod that is gone from the API and from the node. */
export function dropWorker(state: State, worker: PodWorker, ctx: Ctx): void {
  state.workers.delete(worker.uid);
  ctx.cancelTimer(`pod:${worker.uid}`);
  noteReadiness(state, worker, false, ctx);
  if (worker.sandbox.is === "stopped" || worker.sandbox.is === "ready") {
    const request = { kind: "cri.removePodSandbox", sandboxId: worker.sandbox.id };
    ctx.ask(state.runtime, request, { deadlineMs: 120_000 }, () => undefined);
  }
}
