import type { CriAnswer } from "../../protocol/cri";
import { isCritical } from "./eviction";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import { qosClass } from "./qos-class";
import { allocatedPod, differing, isResizable, judgeResize, memoryLimitOf, needsRestart, wantsResize } from "./resize";
import { detailOf } from "./start-container";
import { type Ctx, nowMsOf, type State } from "./state";
import { syncPod } from "./sync-pod";

const retryMs = 10_000;
const updateDeadlineMs = 120_000;

/** Sets aside what a pod asks for where the node has it, and gives its containers what was set aside. Each step goes on when the runtime has answered. */
export function resizePod(state: State, worker: PodWorker, ctx: Ctx): void {
  if (!isResized(state, worker)) return;
  allocate(state, worker, ctx);
  actuate(state, worker, ctx);
}

/** What goes down keeps what it has; without a runtime nothing can be given. */
function isResized({ runtimeUp }: State, { rejected, evicted, terminating, finished }: PodWorker): boolean {
  return runtimeUp && !rejected && !evicted && !terminating && !finished;
}

/** When something about a pod's resize is to be tried again. */
export function nextResizeMs(state: State, worker: PodWorker): number | undefined {
  if (!isResized(state, worker)) return undefined;
  const { resize } = worker;
  const dates = [resize.pending?.retryAtMs, resize.inProgress?.retryAtMs].filter((date) => date !== undefined);
  return dates.length === 0 ? undefined : Math.min(...dates);
}

function allocate(state: State, worker: PodWorker, ctx: Ctx): void {
  const { resize, pod } = worker;
  if (!wantsResize(worker)) {
    resize.pending = undefined;
    return;
  }
  const nowMs = nowMsOf(ctx);
  // What is pending is judged again when there is news of the pod, when others have given something back, or after a while.
  const others = [...state.workers.values()].filter((other) => other !== worker && !other.finished && !other.rejected).map(allocatedPod);
  const verdict = judgeResize(pod, state.lastNode ?? {}, others);
  if (verdict.type === "pending") {
    const { reason, message } = verdict;
    if (resize.pending?.reason !== reason || resize.pending.message !== message)
      state.recorder.event(ctx, pod, "Warning", `Resize${reason}`, `Pod resize ${reason}: ${summaryOf(worker)}: ${message}`);
    resize.pending = { reason, message, retryAtMs: nowMs + retryMs };
    return;
  }
  resize.pending = undefined;
  for (const container of worker.containers.values()) if (isResizable(container)) container.allocated = container.spec.resources;
  if (!resize.inProgress) state.recorder.event(ctx, pod, "Normal", "ResizeStarted", `Pod resize started: ${summaryOf(worker)}`);
  resize.inProgress = { error: "", retryAtMs: undefined };
}

function summaryOf({ pod, containers }: PodWorker): string {
  const resized = [...containers.values()].filter(isResizable).map(({ name, spec }) => ({ name, resources: spec.resources }));
  return JSON.stringify({ containers: resized, generation: pod.metadata.generation });
}

function actuate(state: State, worker: PodWorker, ctx: Ctx): void {
  const { resize } = worker;
  let open = false;
  for (const container of worker.containers.values()) {
    if (!isResizable(container)) continue;
    // What was stopped for its size has it only when it runs again.
    if (container.renewed) open = true;
    if (container.state.is !== "running" || !container.actual) continue;
    if (differing(container.allocated, container.actual).length === 0) continue;
    open = true;
    resize.inProgress ??= { error: "", retryAtMs: undefined };
    if (needsRestart(container)) condemn(worker, container);
    else if (!container.resizing && isDue(resize.inProgress.retryAtMs, ctx)) giveResources(state, worker, container, ctx);
  }
  if (open || !resize.inProgress) return;
  // What does not run yet gets its new size when it starts.
  resize.inProgress = undefined;
  state.recorder.event(ctx, worker.pod, "Normal", "ResizeCompleted", `Pod resize completed: ${summaryOf(worker)}`);
  retryOthers(state, worker, ctx);
}

const isDue = (retryAtMs: number | undefined, ctx: Ctx) => retryAtMs === undefined || retryAtMs <= nowMsOf(ctx);

function condemn({ pod }: PodWorker, container: ContainerWorker): void {
  const graceMs = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  container.condemned ??= { message: `Container ${container.name} resize requires restart`, graceMs, renews: true };
}

function giveResources(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const { uid } = worker;
  const { name, state: before } = container;
  if (before.is !== "running") return;
  const given = container.allocated;
  container.resizing = true;
  if (worker.resize.inProgress) worker.resize.inProgress = { ...worker.resize.inProgress, retryAtMs: undefined };
  const request = { kind: "cri.updateContainerResources", containerId: before.id, memoryLimit: memoryLimitOf(given) };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs: updateDeadlineMs }, (s, answer, later) => {
    const now = s.workers.get(uid);
    const one = now?.containers.get(name);
    if (!now || !one) return undefined;
    one.resizing = false;
    if (one.state.is !== "running" || one.state.id !== before.id) return undefined;
    if (answer.ok && answer.body.kind === "cri.done") {
      one.actual = given ?? {};
      if (now.resize.inProgress) now.resize.inProgress = { error: "", retryAtMs: undefined };
    } else {
      const error = detailOf(answer);
      if (now.resize.inProgress?.error !== error) s.recorder.event(later, now.pod, "Warning", "ResizeError", `Pod resize error: ${error}`);
      now.resize.inProgress = { error, retryAtMs: nowMsOf(later) + retryMs };
    }
    syncPod(s, now, later);
    return undefined;
  });
}

/** Something was given back: those that wait for more are asked again, the most important ones first. */
export function retryOthers(state: State, worker: PodWorker, ctx: Ctx): void {
  const rank = ({ pod }: PodWorker) => ["Guaranteed", "Burstable", "BestEffort"].indexOf(qosClass(pod));
  const waiting = [...state.workers.values()]
    .filter((other) => other !== worker && other.resize.pending?.reason === "Deferred")
    .sort(
      (a, b) =>
        Number(isCritical(b.pod)) - Number(isCritical(a.pod)) ||
        (b.pod.spec?.priority ?? 0) - (a.pod.spec?.priority ?? 0) ||
        rank(a) - rank(b),
    );
  for (const other of waiting) if (other.resize.pending) syncPod(state, other, ctx);
}
