import type { CriAnswer } from "../../protocol/cri";
import { type PodAction, planPod } from "./pod-plan";
import type { PodWorker } from "./pod-worker";
import { advanceProbes, nextProbeMs } from "./probing";
import { volumeReferences } from "./references";
import { nextResizeMs, resizePod } from "./resize-pod";
import { resolveReferences } from "./resolve-references";
import { detailOf, startContainer } from "./start-container";
import { type Ctx, nowMsOf, type State } from "./state";
import { finishPod, writeStatus } from "./status-writer";
import { stopContainer } from "./stop-container";

const sandboxRetryMs = 10_000;
const sandboxDeadlineMs = 120_000;

/** Does for a pod what is to be done now, tells the API how it is, and sets the timer for the next time. */
export function syncPod(state: State, worker: PodWorker, ctx: Ctx): void {
  const nowMs = nowMsOf(ctx);
  const deadlineSeconds = worker.pod.spec?.activeDeadlineSeconds;
  if (deadlineSeconds !== undefined && !worker.terminating && nowMs >= worker.startedMs + deadlineSeconds * 1000 && !worker.finished)
    exceedDeadline(state, worker, ctx);
  resizePod(state, worker, ctx);
  const plan = state.runtimeUp ? planPod(worker, nowMs, state.times) : undefined;
  for (const action of plan?.actions ?? []) perform(state, worker, action, ctx);
  if (state.runtimeUp) advanceProbes(state, worker, ctx);
  worker.wakeAtMs = plan?.wakeAtMs;
  writeStatus(state, worker, ctx);
  arm(state, worker, ctx);
}

/** The pod's timer rang. Mostly only a probe is due, and a probe that is sent out changes nothing about the pod yet: that is all, then. */
export function wakePod(state: State, worker: PodWorker, ctx: Ctx): void {
  const nowMs = nowMsOf(ctx);
  const isDue = (dateMs: number | undefined) => dateMs !== undefined && dateMs <= nowMs;
  const { spec } = worker.pod;
  if (
    !state.runtimeUp ||
    isDue(worker.wakeAtMs) ||
    isDue(worker.retryAtMs) ||
    isDue(nextResizeMs(state, worker)) ||
    spec?.activeDeadlineSeconds !== undefined
  )
    return syncPod(state, worker, ctx);
  advanceProbes(state, worker, ctx);
  arm(state, worker, ctx);
}

/** Sets the pod's one timer to the next date on which something is due. */
export function arm(state: State, worker: PodWorker, ctx: Ctx): void {
  const timer = `pod:${worker.uid}`;
  // While the runtime is down nothing of it can be done, and what is due stays due: all pods are looked at again when it answers.
  const due = state.runtimeUp ? [worker.wakeAtMs, nextProbeMs(worker), worker.retryAtMs, nextResizeMs(state, worker)] : [];
  const dates = due.filter((date) => date !== undefined);
  if (dates.length === 0 || !state.workers.has(worker.uid)) ctx.cancelTimer(timer);
  // At least a microsecond: sums of fractions can lie a hair past the date, and a timer of nothing would fire for ever.
  else ctx.setTimer(timer, Math.max(0.001, Math.min(...dates) - nowMsOf(ctx)));
}

function exceedDeadline(state: State, worker: PodWorker, ctx: Ctx): void {
  worker.deadlineExceeded = true;
  state.recorder.event(ctx, worker.pod, "Normal", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
}

function perform(state: State, worker: PodWorker, action: PodAction, ctx: Ctx): void {
  switch (action.type) {
    case "startSandbox":
      startSandbox(state, worker, ctx);
      return;
    case "stopSandbox":
      stopSandbox(state, worker, ctx);
      return;
    case "start":
      startContainer(state, worker, worker.containers.get(action.container)!, ctx);
      return;
    case "stop":
      stopContainer(state, worker, worker.containers.get(action.container)!, action.graceMs, action.message, ctx);
      return;
    case "finish":
      finishPod(state, worker, ctx);
  }
}

/** First what the volumes are filled from, then the sandbox. */
function startSandbox(state: State, worker: PodWorker, ctx: Ctx): void {
  worker.sandbox = { is: "starting" };
  resolveReferences(state, worker, volumeReferences(worker.pod), ctx, (s, now, failure, later) => {
    if (now.sandbox.is !== "starting") return undefined;
    if (failure) {
      const message = `MountVolume.SetUp failed for volume "${failure.reference.volume}" : ${failure.message}`;
      failSandbox(s, now, "FailedMount", message, later);
    } else runSandbox(s, now, later);
    return undefined;
  });
}

function failSandbox(state: State, worker: PodWorker, reason: string, message: string, ctx: Ctx): void {
  worker.sandbox = { is: "none", retryAtMs: nowMsOf(ctx) + sandboxRetryMs, message };
  state.recorder.event(ctx, worker.pod, "Warning", reason, message);
  syncPod(state, worker, ctx);
}

/** What a pod's host is called, where not as the pod: no longer than Linux has it, and as the node in the node's network. */
function hostnameOf({ metadata: { name }, spec }: PodWorker["pod"], node: string): { readonly hostname?: string } {
  const hostname = spec?.hostNetwork ? node : (spec?.hostname || name).slice(0, 63).replace(/[-.]+$/, "");
  return hostname === name ? {} : { hostname };
}

function runSandbox(state: State, worker: PodWorker, ctx: Ctx): void {
  const { uid, pod } = worker;
  const request = {
    kind: "cri.runPodSandbox",
    uid,
    namespace: pod.metadata.namespace ?? "",
    name: pod.metadata.name,
    attempt: 0,
    ...hostnameOf(pod, state.config.node),
    hostIp: pod.spec?.hostNetwork ? state.config.internalIp : "",
  };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs: sandboxDeadlineMs }, (s, answer, later) => {
    const now = s.workers.get(uid);
    if (now?.sandbox.is !== "starting") return undefined;
    if (answer.ok && answer.body.kind === "cri.sandboxStarted") {
      now.sandbox = { is: "ready", id: answer.body.sandboxId, ip: answer.body.ip };
      syncPod(s, now, later);
    } else failSandbox(s, now, "FailedCreatePodSandBox", `Failed to create pod sandbox: ${detailOf(answer)}`, later);
    return undefined;
  });
}

function stopSandbox(state: State, worker: PodWorker, ctx: Ctx): void {
  const { uid, sandbox } = worker;
  if (sandbox.is !== "ready") return;
  worker.sandbox = { ...sandbox, is: "stopping" };
  const request = { kind: "cri.stopPodSandbox", sandboxId: sandbox.id };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs: sandboxDeadlineMs }, (s, answer, later) => {
    const now = s.workers.get(uid);
    if (now?.sandbox.is !== "stopping") return undefined;
    now.sandbox = { ...sandbox, is: answer.ok ? "stopped" : "ready" };
    syncPod(s, now, later);
    return undefined;
  });
}
