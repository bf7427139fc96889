import type { CriListed } from "../../protocol/cri";
import type { Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { Change } from "../client";
import { rejectionOf } from "./admission";
import { graceMs } from "./pod-plan";
import { newPodWorker, type PodWorker, takeNews } from "./pod-worker";
import { refusedByPressure } from "./pressure";
import { allocatedPod } from "./resize";
import { takeOver } from "./runtime-link";
import { type Ctx, nowMsOf, type State, wallMsOf } from "./state";
import { dropWorker } from "./status-writer";
import { syncPod } from "./sync-pod";

const orphanGraceMs = 30_000;

/**
 * Begins to run pods, once the API has said which there are, the Node is known, and the runtime has said what runs: before that a kubelet
 * would take what it has not heard of yet for something that should not be.
 */
export function beginPods(state: State, listed: CriListed, ctx: Ctx): void {
  if (state.begun || !state.runtimeUp || !state.pods.synced || !state.services.synced || !state.lastNode) return;
  state.begun = true;
  for (const pod of state.pods.store.list()) addPod(state, pod, listed, ctx);
  for (const sandbox of listed.sandboxes) if (!state.workers.has(sandbox.uid)) removeOrphan(state, sandbox.id, listed, ctx);
}

const nothing: CriListed = { kind: "cri.listed", sandboxes: [], containers: [], images: [] };

/** A pod of this node changed in the API. */
export function onPodChange(state: State, change: Change<Pod>, ctx: Ctx): void {
  if (!state.begun) return;
  const { object: pod } = change;
  const worker = state.workers.get(pod.metadata.uid);
  if (change.type === "deleted") {
    if (worker) onGone(state, worker, pod, ctx);
    return;
  }
  if (!worker) {
    addPod(state, pod, nothing, ctx);
    return;
  }
  if (Number(pod.metadata.resourceVersion) >= Number(worker.pod.metadata.resourceVersion)) takeNews(worker, pod);
  noteDeletion(worker, ctx);
  syncPod(state, worker, ctx);
}

function addPod(state: State, pod: Stored<Pod>, listed: CriListed, ctx: Ctx): void {
  if (pod.spec?.nodeName !== state.config.node) return;
  const worker = newPodWorker(pod, nowMsOf(ctx), wallMsOf(ctx));
  const isKnown = listed.sandboxes.some(({ uid }) => uid === worker.uid) || pod.status?.startTime !== undefined;
  const over = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  if (!isKnown && !over && !isBeingDeleted(pod)) {
    const others = [...state.workers.values()].filter(({ finished }) => !finished).map(allocatedPod);
    worker.rejected = refusedByPressure(state, pod) ?? rejectionOf(pod, state.lastNode!, others);
    if (worker.rejected) state.recorder.event(ctx, pod, "Warning", worker.rejected.reason, worker.rejected.message);
  }
  state.workers.set(worker.uid, worker);
  takeOver(state, worker.uid, listed, ctx);
  noteDeletion(worker, ctx);
  syncPod(state, worker, ctx);
}

/** Deletion was asked for, or asked for again with less grace. */
function noteDeletion(worker: PodWorker, ctx: Ctx): void {
  if (!isBeingDeleted(worker.pod)) return;
  const seconds = worker.pod.metadata.deletionGracePeriodSeconds;
  const allowedMs = seconds === undefined ? graceMs(worker) : seconds * 1000;
  const nowMs = nowMsOf(ctx);
  const before = worker.terminating;
  if (!before) worker.terminating = { sinceMs: nowMs, graceMs: allowedMs };
  else if (nowMs + allowedMs < before.sinceMs + before.graceMs && allowedMs < before.graceMs)
    worker.terminating = { sinceMs: nowMs, graceMs: allowedMs };
}

/** The object is gone, perhaps while this node was cut off: what still runs of it is stopped all the same. */
function onGone(state: State, worker: PodWorker, last: Stored<Pod>, ctx: Ctx): void {
  worker.orphaned = true;
  worker.pod = last;
  if (worker.finished) {
    dropWorker(state, worker, ctx);
    return;
  }
  worker.terminating ??= { sinceMs: nowMsOf(ctx), graceMs: graceMs(worker) };
  syncPod(state, worker, ctx);
}

/** Something runs here that no pod in the API accounts for: it was deleted while this kubelet was away. */
function removeOrphan(state: State, sandboxId: string, listed: CriListed, ctx: Ctx): void {
  const running = listed.containers.filter((container) => container.sandboxId === sandboxId && container.state === "running");
  const remove = (later: Ctx) =>
    later.ask(
      state.runtime,
      { kind: "cri.removePodSandbox", sandboxId } as { readonly kind: string },
      { deadlineMs: 120_000 },
      () => undefined,
    );
  let left = running.length;
  if (left === 0) remove(ctx);
  for (const { id } of running) {
    const request = { kind: "cri.stopContainer", containerId: id, timeoutMs: orphanGraceMs };
    ctx.ask(state.runtime, request, { deadlineMs: 2 * orphanGraceMs }, (_s, _answer, later) => {
      left -= 1;
      if (left === 0) remove(later);
      return undefined;
    });
  }
}
