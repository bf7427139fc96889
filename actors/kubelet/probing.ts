import { runCheck } from "./handler";
import { type ContainerWorker, isStarted, type PodWorker } from "./pod-worker";
import { afterProbe, type ProbeKind, probeKinds, probeOf, probeTimeoutMs } from "./probe";
import { type Ctx, containerEvent, nowMsOf, type State } from "./state";
import { arm, syncPod } from "./sync-pod";

/** The probes that are to be run for a container as it is: startup first, the others once that is over; only readiness while the pod ends. */
function activeProbes(worker: Readonly<PodWorker>, container: Readonly<ContainerWorker>): readonly ProbeKind[] {
  if (container.state.is !== "running" || !container.state.hooked) return [];
  return probeKinds.filter((kind) => {
    if (!container.probes.has(kind)) return false;
    if (worker.terminating && kind !== "readiness") return false;
    return kind === "startup" ? container.probes.get(kind)!.result !== "success" : isStarted(container);
  });
}

/** When the next probe of the pod is due; undefined where there is none. */
export function nextProbeMs(worker: Readonly<PodWorker>): number | undefined {
  let next: number | undefined;
  for (const container of worker.containers.values())
    for (const kind of activeProbes(worker, container)) {
      const { inFlight, dueMs } = container.probes.get(kind)!;
      if (!inFlight && (next === undefined || dueMs < next)) next = dueMs;
    }
  return next;
}

/** Sends out the probes that are due. */
export function advanceProbes(state: State, worker: PodWorker, ctx: Ctx): void {
  const nowMs = nowMsOf(ctx);
  for (const container of worker.containers.values())
    for (const kind of activeProbes(worker, container)) {
      const progress = container.probes.get(kind)!;
      if (!progress.inFlight && progress.dueMs <= nowMs) run(state, worker, container, kind, ctx);
    }
}

function run(state: State, worker: PodWorker, container: ContainerWorker, kind: ProbeKind, ctx: Ctx): void {
  const probe = probeOf(container.spec, kind);
  if (!probe || container.state.is !== "running") return;
  const { uid } = worker;
  const { id } = container.state;
  container.probes.set(kind, { ...container.probes.get(kind)!, inFlight: true });
  runCheck(state, worker, container, id, probe, probeTimeoutMs(probe), ctx, (s, failure, later) => {
    const pod = s.workers.get(uid);
    const one = pod?.containers.get(container.name);
    const progress = one?.probes.get(kind);
    if (!pod || one?.state.is !== "running" || one.state.id !== id || !progress) return undefined;
    const after = afterProbe(progress, probe, failure === undefined, nowMsOf(later));
    one.probes.set(kind, after);
    s.probes.probed(pod, one.name, kind, failure === undefined, (other) => s.workers.has(other));
    if (failure !== undefined) {
      const name = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
      containerEvent(s, pod, one, "Warning", "Unhealthy", `${name} probe failed: ${failure}`, later);
    }
    if (after.result === "failure" && kind !== "readiness" && !one.condemned) {
      const seconds = probe.terminationGracePeriodSeconds ?? pod.pod.spec?.terminationGracePeriodSeconds ?? 30;
      one.condemned = { message: `Container ${one.name} failed ${kind} probe, will be restarted`, graceMs: seconds * 1000 };
    }
    // Most outcomes change nothing: then only the next date is set.
    if (after.result !== progress.result || one.condemned) syncPod(s, pod, later);
    else arm(s, pod, later);
    return undefined;
  });
}
