import type { CriContainer } from "../../protocol/cri";
import { backOffUntilMs } from "./back-off";
import { type ContainerWorker, type Ended, type PodWorker, shouldRestart } from "./pod-worker";
import { type Ctx, containerEvent, nowMsOf, type State } from "./state";

/** How an instance ended, as the runtime tells it. */
export function endedOf(told: CriContainer, nowMs: number): Ended {
  return {
    id: told.id,
    exitCode: told.exitCode,
    reason: told.reason,
    message: told.message,
    startedWallMs: told.startedUs / 1000,
    finishedWallMs: told.finishedUs / 1000,
    finishedMs: nowMs,
  };
}

/** A container has ended: its probes and its sentence end with it. */
export function endContainer(state: State, worker: PodWorker, container: ContainerWorker, told: CriContainer, ctx: Ctx): void {
  const nowMs = nowMsOf(ctx);
  container.state = { is: "ended", ...endedOf(told, nowMs) };
  container.actual = undefined;
  container.probes.clear();
  // What had to go for the sake of its specification has done nothing wrong: it need not wait.
  container.renewed = container.condemned?.renews ?? false;
  if (container.renewed) container.crashBackOff = undefined;
  container.condemned = undefined;
  for (const timer of ["poststart", "prestop"]) ctx.cancelTimer(`${timer}:${worker.uid}:${container.name}`);
  const waits = backOffUntilMs(container.crashBackOff, nowMs, state.times) > nowMs;
  if (waits && !worker.terminating && shouldRestart(worker.pod, container, told.exitCode)) {
    const { namespace = "", name } = worker.pod.metadata;
    const message = `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${worker.uid})`;
    containerEvent(state, worker, container, "Warning", "BackOff", message, ctx);
  }
}
