import { type ContainerWorker, isStarted, type PodWorker, shouldRestart } from "./pod-worker";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

/** Whether an init container is past: it has succeeded, or, as a sidecar, is up. Once the main containers have begun, all are. */
export function isInitialized(worker: Readonly<PodWorker>): boolean {
  return worker.begun || incompleteInits(worker).length === 0;
}

/** The init containers that still have to succeed or come up. */
export function incompleteInits(worker: Readonly<PodWorker>): readonly ContainerWorker[] {
  return [...worker.containers.values()].filter((container) => {
    if (container.kind === "main" || container.kind === "ephemeral") return false;
    if (container.kind === "sidecar") return !isStarted(container) && !worker.begun;
    return !(container.state.is === "ended" && container.state.exitCode === 0) && !worker.begun;
  });
}

/** The phase that follows from the containers. A phase that is final in the API stays. Source: "Pod Lifecycle", pod phase. */
export function podPhase(worker: Readonly<PodWorker>): PodPhase {
  const before = worker.pod.status?.phase;
  if (before === "Succeeded") return "Succeeded";
  if (before === "Failed") return "Failed";
  if (worker.rejected || worker.evicted || worker.deadlineExceeded) return "Failed";
  const failedInit = [...worker.containers.values()].some(
    (container) =>
      container.kind === "init" &&
      container.state.is === "ended" &&
      container.state.exitCode !== 0 &&
      !shouldRestart(worker.pod, container, container.state.exitCode),
  );
  if (failedInit) return "Failed";
  if (!isInitialized(worker)) return "Pending";

  let running = 0;
  let waiting = 0;
  let failed = 0;
  let restarting = 0;
  for (const container of worker.containers.values()) {
    if (container.kind !== "main") continue;
    const { state, last } = container;
    if (state.is === "running") running += 1;
    else if (state.is === "ended") {
      // On its way down nothing is restarted, so what has ended has ended for good.
      if (!worker.terminating && shouldRestart(worker.pod, container, state.exitCode)) restarting += 1;
      else if (state.exitCode !== 0) failed += 1;
    } else if (last) restarting += 1;
    else waiting += 1;
  }
  if (waiting > 0 && !worker.terminating) return "Pending";
  if (running + restarting > 0) return "Running";
  // Brought down before it ever ran.
  if (waiting > 0) return "Failed";
  return failed > 0 ? "Failed" : "Succeeded";
}
