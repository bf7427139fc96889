import { formatDurationMs } from "../../protocol/kinds/duration";
import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from "../../protocol/kinds/generated";
import { timestamp } from "../../protocol/kinds/object";
import { type BackOffLimits, backOffUntilMs } from "./back-off";
import { boundedMessage } from "./container-files";
import { incompleteInits, isInitialized, type PodPhase, podPhase } from "./pod-phase";
import { type ContainerWorker, type Ended, isContainerReady, isStarted, type PodWorker, shouldRestart } from "./pod-worker";
import { qosClass } from "./qos-class";
import { resourceStatus } from "./resize";

/** What a containerID begins with: the name of the runtime, as in the node's containerRuntimeVersion. */
export const containerScheme = "wavetank://";

/** What of the node goes into a pod's status. */
export interface NodeFacts {
  readonly internalIp: string;
}

/** The status that the API is to show. Conditions that did not change keep their transition time. Wall clock in milliseconds. */
export function podStatus(worker: Readonly<PodWorker>, node: NodeFacts, nowMs: number, wallMs: number, limits: BackOffLimits): PodStatus {
  const { pod } = worker;
  const phase = podPhase(worker);
  const common = {
    observedGeneration: pod.metadata.generation,
    phase,
    conditions: conditions(worker, phase, wallMs),
    ...(pod.status?.nominatedNodeName ? { nominatedNodeName: pod.status.nominatedNodeName } : {}),
    startTime: pod.status?.startTime ?? timestamp(worker.startedWallMs),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
  const failure = worker.rejected ?? worker.evicted ?? (worker.deadlineExceeded ? deadline : undefined);
  const why = failure ?? { reason: pod.status?.reason, message: pod.status?.message };
  const reasons = { ...(why.reason ? { reason: why.reason } : {}), ...(why.message ? { message: why.message } : {}) };
  if (worker.rejected) return { ...common, ...reasons };

  const ip = "ip" in worker.sandbox ? worker.sandbox.ip : pod.status?.podIP;
  const statuses = (kinds: readonly string[]) =>
    [...worker.containers.values()].filter(({ kind }) => kinds.includes(kind)).map((one) => containerStatus(worker, one, limits, nowMs));
  const inits = statuses(["init", "sidecar"]);
  const ephemerals = statuses(["ephemeral"]);
  return {
    ...common,
    ...reasons,
    hostIP: node.internalIp,
    hostIPs: [{ ip: node.internalIp }],
    ...(ip ? { podIP: ip, podIPs: [{ ip }] } : {}),
    ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
    containerStatuses: statuses(["main"]),
    ...(ephemerals.length > 0 ? { ephemeralContainerStatuses: ephemerals } : {}),
  };
}

const deadline = { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" };

function containerStatus(worker: Readonly<PodWorker>, container: ContainerWorker, limits: BackOffLimits, nowMs: number): ContainerStatus {
  const { state, spec, last, restartCount, imageRef } = container;
  const shown = shownState(worker, container, limits, nowMs);
  // What waits to be restarted shows its last end as the last state.
  const previous = state.is === "ended" && !shown.terminated ? state : showsLast(container) ? undefined : last;
  const id = state.is === "running" || state.is === "ended" ? state.id : last?.id;
  return {
    name: container.name,
    state: shown,
    lastState: previous ? { terminated: terminated(worker, previous) } : {},
    ready: isContainerReady(container),
    restartCount,
    image: spec.image ?? "",
    imageID: imageRef,
    ...(id ? { containerID: `${containerScheme}${id}` } : {}),
    started: isStarted(container),
    ...resourceStatus(container),
  };
}

/** Until the next instance is created, a restart that did not have to wait shows how the old one ended. */
const showsLast = ({ state, restarting, renewed, last }: ContainerWorker) =>
  state.is === "busy" && state.reason === "" && restarting && !renewed && last !== undefined;

function shownState(worker: Readonly<PodWorker>, container: ContainerWorker, limits: BackOffLimits, nowMs: number): ContainerState {
  const { state } = container;
  switch (state.is) {
    case "running":
      return { running: { startedAt: timestamp(state.startedWallMs) } };
    case "waiting":
    case "busy": {
      if (showsLast(container)) return { terminated: terminated(worker, container.last!) };
      const initial =
        container.kind === "ephemeral" || (container.kind === "main" && isInitialized(worker)) ? "ContainerCreating" : "PodInitializing";
      return { waiting: { reason: state.reason || initial, ...(state.message ? { message: state.message } : {}) } };
    }
    case "ended": {
      // By its policy it would stay as it is: that it has ended is no news, then.
      if (container.renewed) return { waiting: { reason: "ContainerCreating" } };
      const again =
        !worker.terminating && !worker.evicted && !worker.deadlineExceeded && shouldRestart(worker.pod, container, state.exitCode);
      const untilMs = backOffUntilMs(container.crashBackOff, state.finishedMs, limits);
      if (!again || untilMs <= nowMs) return { terminated: terminated(worker, state) };
      return { waiting: { reason: "CrashLoopBackOff", message: crashLoopMessage(worker, container) } };
    }
  }
}

/** "back-off 10s restarting failed container=web pod=web-1_shop(…)". */
export function crashLoopMessage({ pod, uid }: Readonly<PodWorker>, { crashBackOff, name }: ContainerWorker): string {
  const { namespace = "", name: podName } = pod.metadata;
  return `back-off ${formatDurationMs(crashBackOff?.delayMs ?? 0)} restarting failed container=${name} pod=${podName}_${namespace}(${uid})`;
}

function terminated({ pod }: Readonly<PodWorker>, ended: Ended) {
  return {
    exitCode: ended.exitCode,
    reason: ended.reason,
    ...(ended.message ? { message: boundedMessage(ended.message, pod) } : {}),
    startedAt: timestamp(ended.startedWallMs),
    finishedAt: timestamp(ended.finishedWallMs),
    containerID: `${containerScheme}${ended.id}`,
  };
}

interface Judged {
  readonly type: string;
  readonly ok: boolean;
  readonly reason?: string;
  readonly message?: string;
}

/** These are there while there is something to say, and then go. */
export const resizeConditions: ReadonlySet<string> = new Set(["PodResizePending", "PodResizeInProgress"]);

const owned: ReadonlySet<string> = new Set([
  ...["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"],
  ...resizeConditions,
]);

/** What there is to say of a resize. */
function judgeResizing({ resize, terminating, evicted }: Readonly<PodWorker>, phase: PodPhase): readonly Judged[] {
  if (terminating || evicted || ended(phase)) return [];
  const { pending, inProgress } = resize;
  return [
    ...(pending ? [{ type: "PodResizePending", ok: true, reason: pending.reason, message: pending.message }] : []),
    ...(inProgress
      ? [{ type: "PodResizeInProgress", ok: true, ...(inProgress.error ? { reason: "Error", message: inProgress.error } : {}) }]
      : []),
  ];
}

/** The conditions a kubelet keeps: five that are always there, two for a resize; those of others are left as they are. */
function conditions(worker: Readonly<PodWorker>, phase: PodPhase, wallMs: number): readonly PodCondition[] {
  const before = worker.pod.status?.conditions ?? [];
  const containersReady = judgeContainersReady(worker, phase);
  const judged: readonly Judged[] = [
    { type: "PodReadyToStartContainers", ok: worker.sandbox.is === "ready" },
    judgeInitialized(worker, phase),
    judgeReady(worker, containersReady),
    containersReady,
    { type: "PodScheduled", ok: true },
    ...judgeResizing(worker, phase),
  ];
  const own = judged.map(({ type, ok, reason, message }): PodCondition => {
    const status = ok ? "True" : "False";
    const old = before.find((condition) => condition.type === type);
    return {
      type,
      observedGeneration: worker.pod.metadata.generation,
      status,
      lastTransitionTime: old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : timestamp(wallMs),
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
    };
  });
  const others = before.filter(({ type }) => !owned.has(type) && !(worker.evicted && type === disruptionTarget));
  return [...own, ...others, ...(worker.evicted ? [terminationByKubelet(worker, worker.evicted.message, wallMs)] : [])];
}

const disruptionTarget = "DisruptionTarget";

/** Tells whoever counts failures that it was not the pod's own. Source: "Disruptions", pod disruption conditions. */
function terminationByKubelet({ pod }: Readonly<PodWorker>, message: string, wallMs: number): PodCondition {
  const old = pod.status?.conditions?.find(({ type, status }) => type === disruptionTarget && status === "True");
  return {
    type: disruptionTarget,
    observedGeneration: pod.metadata.generation,
    status: "True",
    lastTransitionTime: old?.lastTransitionTime ?? timestamp(wallMs),
    reason: "TerminationByKubelet",
    message,
  };
}

const ended = (phase: PodPhase) => (phase === "Succeeded" ? "PodCompleted" : phase === "Failed" ? "PodFailed" : undefined);

function judgeInitialized(worker: Readonly<PodWorker>, phase: PodPhase): Judged {
  if (phase === "Succeeded") return { type: "Initialized", ok: true, reason: "PodCompleted" };
  const incomplete = incompleteInits(worker);
  if (incomplete.length === 0) return { type: "Initialized", ok: true };
  const message = `containers with incomplete status: [${incomplete.map(({ name }) => name).join(" ")}]`;
  return { type: "Initialized", ok: false, reason: "ContainersNotInitialized", message };
}

function judgeContainersReady(worker: Readonly<PodWorker>, phase: PodPhase): Judged {
  const over = ended(phase);
  if (over) return { type: "ContainersReady", ok: false, reason: over };
  const unready = [...worker.containers.values()].filter(
    (one) => one.kind !== "init" && one.kind !== "ephemeral" && !isContainerReady(one),
  );
  if (unready.length === 0) return { type: "ContainersReady", ok: true };
  const message = `containers with unready status: [${unready.map(({ name }) => name).join(" ")}]`;
  return { type: "ContainersReady", ok: false, reason: "ContainersNotReady", message };
}

function judgeReady(worker: Readonly<PodWorker>, containersReady: Judged): Judged {
  if (!containersReady.ok) return { ...containersReady, type: "Ready" };
  for (const { conditionType } of worker.pod.spec?.readinessGates ?? []) {
    const gate = worker.pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (gate?.status === "True") continue;
    const message = gate
      ? `the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`
      : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
    return { type: "Ready", ok: false, reason: "ReadinessGatesNotReady", message };
  }
  return { type: "Ready", ok: true };
}

/** Whether the pod counts as ready, whoever asks. */
export function isPodReady(status: PodStatus): boolean {
  return status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}
