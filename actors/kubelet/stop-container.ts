import { runHandler } from "./handler";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import { type Ctx, containerEvent, nowMsOf, type State } from "./state";

/** However little grace is left, a process gets this long between SIGTERM and SIGKILL. */
const leastGraceMs = 2_000;
const answerMarginMs = 10_000;

/** Stops a container: its preStop hook first, then SIGTERM, then SIGKILL when the grace is over. The hook's time counts. */
export function stopContainer(
  state: State,
  worker: PodWorker,
  container: ContainerWorker,
  graceMs: number,
  message: string,
  ctx: Ctx,
): void {
  const { state: before, spec, name } = container;
  if (before.is !== "running") return;
  container.state = { ...before, stopping: true, killAtMs: nowMsOf(ctx) + graceMs };
  const hook = spec.lifecycle?.preStop;
  if (!before.stopping) containerEvent(state, worker, container, "Normal", "Killing", message, ctx);
  if (before.stopping || !hook || graceMs === 0) {
    terminate(state, container, ctx);
    return;
  }
  const { uid } = worker;
  runHandler(state, worker, container, before.id, hook, `prestop:${uid}:${name}`, graceMs, ctx, (s, failure, later) => {
    const pod = s.workers.get(uid);
    const one = pod?.containers.get(name);
    if (pod && one && failure !== undefined)
      containerEvent(s, pod, one, "Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`, later);
    afterPreStop(s, uid, name, later);
    return undefined;
  });
}

/** The preStop hook is over. */
export function afterPreStop(state: State, uid: string, name: string, ctx: Ctx): void {
  const container = state.workers.get(uid)?.containers.get(name);
  if (container) terminate(state, container, ctx);
}

function terminate(state: State, container: ContainerWorker, ctx: Ctx): void {
  const { state: running } = container;
  if (running.is !== "running") return;
  const timeoutMs = Math.max(running.killAtMs - nowMsOf(ctx), leastGraceMs);
  const request = { kind: "cri.stopContainer", containerId: running.id, timeoutMs };
  // The exit is heard of through the runtime's events; if the runtime is lost, through the next listing.
  ctx.ask(state.runtime, request, { deadlineMs: Math.ceil(timeoutMs) + answerMarginMs }, () => undefined);
}
