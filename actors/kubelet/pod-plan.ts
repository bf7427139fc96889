import { type BackOffLimits, backOffUntilMs } from "./back-off";
import { podPhase } from "./pod-phase";
import { type ContainerWorker, isStarted, type PodWorker, shouldRestart } from "./pod-worker";

/** The next thing to do for a pod. */
export type PodAction =
  | { readonly type: "startSandbox" }
  | { readonly type: "stopSandbox" }
  | { readonly type: "start"; readonly container: string }
  | { readonly type: "stop"; readonly container: string; readonly graceMs: number; readonly message: string }
  /** Everything is down; the end may be reported, and where deletion was asked for, confirmed. */
  | { readonly type: "finish" };

export interface PodPlan {
  readonly actions: readonly PodAction[];
  /** When to look again, if nothing happens before. Monotonic ms. */
  readonly wakeAtMs: number | undefined;
}

/** Decides what to do for a pod now; what is under way is left alone. Source: "Pod Lifecycle", "Init Containers", "Sidecar Containers". */
export function planPod(worker: Readonly<PodWorker>, nowMs: number, limits: BackOffLimits): PodPlan {
  if (worker.rejected) return { actions: [{ type: "finish" }], wakeAtMs: undefined };
  // There is no time to lose, or as much as a soft threshold leaves; who is deleted as well gets no more than that.
  if (worker.evicted) return planTermination(worker, nowMs, Math.max(nowMs, worker.evicted.dueMs));
  if (worker.terminating) return planTermination(worker, nowMs, worker.terminating.sinceMs + worker.terminating.graceMs);
  const phase = podPhase(worker);
  if (phase === "Succeeded" || phase === "Failed") return planTermination(worker, nowMs, nowMs + graceMs(worker));
  return planRunning(worker, nowMs, limits);
}

/** The grace a pod's containers get by its own specification. */
export function graceMs({ pod }: Readonly<PodWorker>): number {
  return (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
}

/** Main containers first, then the sidecars one by one from the last to the first, then the sandbox. */
function planTermination(worker: Readonly<PodWorker>, nowMs: number, deadlineMs: number): PodPlan {
  const actions: PodAction[] = [];
  const left = Math.max(0, deadlineMs - nowMs);
  const stop = (container: ContainerWorker) => {
    const { state } = container;
    // A stop under way is repeated only to shorten its grace.
    if (state.is !== "running" || (state.stopping && state.killAtMs <= deadlineMs)) return;
    actions.push({ type: "stop", container: container.name, graceMs: left, message: `Stopping container ${container.name}` });
  };
  const up = [...worker.containers.values()].filter(({ state }) => state.is === "running" || state.is === "busy");
  const ordinary = up.filter(({ kind }) => kind !== "sidecar");
  if (ordinary.length > 0) ordinary.forEach(stop);
  else {
    const last = up.at(-1);
    if (last) stop(last);
  }
  if (up.length > 0) return { actions, wakeAtMs: undefined };
  switch (worker.sandbox.is) {
    case "ready":
      return { actions: [{ type: "stopSandbox" }], wakeAtMs: undefined };
    case "none":
    case "stopped":
      return { actions: [{ type: "finish" }], wakeAtMs: undefined };
    case "starting":
    case "stopping":
      return { actions: [], wakeAtMs: undefined };
  }
}

function planRunning(worker: Readonly<PodWorker>, nowMs: number, limits: BackOffLimits): PodPlan {
  const actions: PodAction[] = [];
  let wakeAtMs: number | undefined;
  const wake = (atMs: number) => {
    if (wakeAtMs === undefined || atMs < wakeAtMs) wakeAtMs = atMs;
  };
  const deadlineSeconds = worker.pod.spec?.activeDeadlineSeconds;
  if (deadlineSeconds !== undefined) wake(worker.startedMs + deadlineSeconds * 1000);

  for (const { name, state, condemned } of worker.containers.values())
    if (condemned && state.is === "running" && !state.stopping)
      actions.push({ type: "stop", container: name, graceMs: condemned.graceMs, message: condemned.message });

  if (worker.sandbox.is === "none") {
    if (worker.sandbox.retryAtMs > nowMs) wake(worker.sandbox.retryAtMs);
    else actions.push({ type: "startSandbox" });
  }
  if (worker.sandbox.is !== "ready") return { actions, wakeAtMs };

  /** Starts what waits or has ended and may be restarted, when its back-off is over. */
  const startWhenDue = (container: ContainerWorker) => {
    const { state, name } = container;
    let dueMs: number;
    if (state.is === "waiting") dueMs = state.retryAtMs;
    else if (state.is === "ended" && shouldRestart(worker.pod, container, state.exitCode))
      dueMs = backOffUntilMs(container.crashBackOff, state.finishedMs, limits);
    else return;
    if (dueMs <= nowMs) actions.push({ type: "start", container: name });
    else wake(dueMs);
  };

  const { begun } = worker;
  let initialized = true;
  for (const container of worker.containers.values()) {
    if (container.kind === "ephemeral") startWhenDue(container);
    else if (container.kind === "main") {
      if (initialized) startWhenDue(container);
    } else if (container.kind === "sidecar") {
      if (!initialized) continue;
      startWhenDue(container);
      if (!begun && !isStarted(container)) initialized = false;
    } else if (!begun && initialized) {
      const { state } = container;
      if (state.is === "ended" && state.exitCode === 0) continue;
      startWhenDue(container);
      initialized = false;
    }
  }
  return { actions, wakeAtMs };
}
