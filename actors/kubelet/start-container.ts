import type { CriAnswer } from "../../protocol/cri";
import { formatDurationMs } from "../../protocol/kinds/duration";
import type { Container, LifecycleHandler } from "../../protocol/kinds/generated";
import type { Answer } from "../../runtime/actor";
import { byNamespace } from "../client";
import { backOffUntilMs, nextBackOff } from "./back-off";
import { containerPlaces } from "./container-files";
import { endContainer } from "./end-container";
import { environmentOf, expandReferences, isTooLong } from "./environment";
import { followVolumes, mayRead } from "./follow-volumes";
import { runHandler } from "./handler";
import { hostFiles } from "./host-files";
import { crashLoopMessage } from "./pod-status";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import { newProbe, probeKinds, probeOf } from "./probe";
import { environmentReferences } from "./references";
import { memoryLimitOf } from "./resize";
import { resolveReferences } from "./resolve-references";
import { serviceEnvironment } from "./service-environment";
import { busyContainer, type Ctx, containerEvent, nodeFacts, nowMsOf, type State, wallMsOf } from "./state";
import { syncPod } from "./sync-pod";
import { fixedFiles, volumeFiles, wrongWithSubPaths } from "./volume-files";

const pullDeadlineMs = 30 * 60_000;
const callDeadlineMs = 120_000;
const configRetryMs = 10_000;

/** Brings up a container: its image, its creation, its start, its postStart hook. Each step goes on when the runtime has answered. */
export function startContainer(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const before = container.state;
  let reason = before.is === "waiting" ? before.reason : "";
  let message = before.is === "waiting" ? before.message : "";
  if (before.is === "ended") {
    const backedOff = backOffUntilMs(container.crashBackOff, before.finishedMs, state.times) > before.finishedMs;
    if (backedOff) {
      reason = "CrashLoopBackOff";
      message = crashLoopMessage(worker, container);
    }
    container.crashBackOff = nextBackOff(container.crashBackOff, nowMsOf(ctx), state.times);
    // The one that has ended keeps its log; the one before that is forgotten.
    if (container.last && container.last.id !== before.id) forget(state, container.last.id, ctx);
    container.last = before;
    container.restarting = true;
  }
  if (container.kind === "main") worker.begun = true;
  container.state = { is: "busy", reason, message };
  ensureImage(state, worker, container, ctx);
}

/** Whether something stands behind a colon in the last part of an image's name. */
function isTagged(image: string): boolean {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.slice(0, -1).includes(":");
}

function ensureImage(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const { uid } = worker;
  const { name, spec } = container;
  const image = spec.image ?? "";
  const policy = spec.imagePullPolicy ?? (isTagged(image) && !image.endsWith(":latest") ? "IfNotPresent" : "Always");
  if (policy === "Always") {
    pull(state, worker, container, ctx);
    return;
  }
  ctx.ask<CriAnswer>(state.runtime, { kind: "cri.imageStatus", image } as Asked, { deadlineMs: callDeadlineMs }, (s, answer, later) => {
    const found = busyContainer(s, uid, name);
    if (!found) return undefined;
    const [pod, one] = found;
    if (!answer.ok || answer.body.kind !== "cri.image") return failStart(s, pod, one, "ImageInspectError", detailOf(answer), later);
    if (answer.body.present) {
      containerEvent(s, pod, one, "Normal", "Pulled", `Container image "${image}" already present on machine`, later);
      one.imageRef = answer.body.imageRef;
      create(s, pod, one, later);
    } else if (policy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      containerEvent(s, pod, one, "Warning", "ErrImageNeverPull", message, later);
      return failStart(s, pod, one, "ErrImageNeverPull", message, later);
    } else pull(s, pod, one, later);
    return undefined;
  });
}

function forget(state: State, containerId: string, ctx: Ctx): void {
  ctx.ask(state.runtime, { kind: "cri.removeContainer", containerId } as Asked, { deadlineMs: callDeadlineMs }, () => undefined);
}

/** Requests are records with fields of their own; the compiler is told so where they are written in place. */
type Asked = { readonly kind: string };

function pull(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const { uid } = worker;
  const { name, spec } = container;
  const image = spec.image ?? "";
  const beganMs = nowMsOf(ctx);
  containerEvent(state, worker, container, "Normal", "Pulling", `Pulling image "${image}"`, ctx);
  ctx.ask<CriAnswer>(state.runtime, { kind: "cri.pullImage", image } as Asked, { deadlineMs: pullDeadlineMs }, (s, answer, later) => {
    const found = busyContainer(s, uid, name);
    if (!found) return undefined;
    const [pod, one] = found;
    const nowMs = nowMsOf(later);
    if (!answer.ok || answer.body.kind !== "cri.image") {
      const detail = detailOf(answer);
      one.pullBackOff = nextBackOff(one.pullBackOff, nowMs, s.times);
      one.state = { is: "waiting", reason: "ErrImagePull", message: detail, retryAtMs: nowMs + one.pullBackOff.delayMs };
      containerEvent(s, pod, one, "Warning", "Failed", `Failed to pull image "${image}": ${detail}`, later);
      containerEvent(s, pod, one, "Warning", "Failed", "Error: ErrImagePull", later);
      later.setTimer(`pull-back-off:${uid}:${name}`, 1_000);
      syncPod(s, pod, later);
      return undefined;
    }
    const took = formatDurationMs(Math.round(nowMs - beganMs));
    const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${answer.body.sizeBytes} bytes.`;
    containerEvent(s, pod, one, "Normal", "Pulled", message, later);
    one.pullBackOff = undefined;
    one.imageRef = answer.body.imageRef;
    s.images.set(image, answer.body.sizeBytes);
    s.node.changed = true;
    create(s, pod, one, later);
    return undefined;
  });
}

/** A moment after a failed pull the status says that it is being waited. */
export function showPullBackOff(state: State, uid: string, name: string, ctx: Ctx): void {
  const worker = state.workers.get(uid);
  const container = worker?.containers.get(name);
  if (!worker || container?.state.is !== "waiting" || container.state.reason !== "ErrImagePull") return;
  const message = `Back-off pulling image "${container.spec.image}"`;
  container.state = { ...container.state, reason: "ImagePullBackOff", message: `${message}: ErrImagePull: ${container.state.message}` };
  containerEvent(state, worker, container, "Normal", "BackOff", message, ctx);
  containerEvent(state, worker, container, "Warning", "Failed", "Error: ImagePullBackOff", ctx);
  syncPod(state, worker, ctx);
}

/** The image is there: what the environment is taken from must be, too. */
function create(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const { name, spec } = container;
  resolveReferences(state, worker, environmentReferences(spec), ctx, (s, pod, failure, later) => {
    const found = busyContainer(s, pod.uid, name);
    if (!found) return undefined;
    if (failure) failConfig(s, found[0], found[1], failure.message, later);
    else if (mayRead(pod, found[1], [...(spec.command ?? []), ...(spec.args ?? [])], true))
      return followVolumes(s, pod, found[1], later, (last, then) => {
        const still = busyContainer(last, pod.uid, name);
        if (still) createInSandbox(last, ...still, then);
        return undefined;
      });
    else createInSandbox(s, found[0], found[1], later);
    return undefined;
  });
}

/** What a container refers to may come any moment, so it is tried again without growing delays. */
function failConfig(state: State, worker: PodWorker, container: ContainerWorker, message: string, ctx: Ctx): void {
  container.state = { is: "waiting", reason: "CreateContainerConfigError", message, retryAtMs: nowMsOf(ctx) + configRetryMs };
  containerEvent(state, worker, container, "Warning", "Failed", `Error: ${message}`, ctx);
  syncPod(state, worker, ctx);
}

function createInSandbox(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx): void {
  const { uid, sandbox } = worker;
  const { name, spec } = container;
  if (sandbox.is !== "ready") {
    failStart(state, worker, container, "CreateContainerError", "the sandbox is gone", ctx);
    return;
  }
  const resources = container.allocated;
  const data = (key: string) => worker.referenced.get(key);
  const facts = nodeFacts(state, worker);
  const services = serviceEnvironment(worker.pod, (namespace) => state.services.store.byIndex(byNamespace, namespace));
  const environment = environmentOf(spec, worker.pod, data, facts, services);
  if (isTooLong(environment)) return void failStart(state, worker, container, "RunContainerError", "exec: argument list too long", ctx);
  const wrong = wrongWithSubPaths(spec, environment);
  if (wrong !== undefined) return failConfig(state, worker, container, wrong, ctx);
  const files = volumeFiles(spec, worker.pod, data, facts, environment, worker.followed?.tokens);
  if (typeof files === "string") return void failStart(state, worker, container, "CreateContainerError", files, ctx);
  container.shown = undefined;
  container.fixed = fixedFiles(spec, worker.pod, data, facts, environment);
  const hosts = hostFiles(worker.pod, sandbox.ip);
  const request = {
    kind: "cri.createContainer",
    sandboxId: sandbox.id,
    name,
    image: spec.image ?? "",
    attempt: container.restartCount + (container.restarting ? 1 : 0),
    command: expanded(spec.command, environment),
    args: expanded(spec.args, environment),
    ports: portsOf(spec),
    environment,
    ...(files.length > 0 ? { files } : {}),
    ...(hosts.length > 0 ? { hostFiles: hosts } : {}),
    ...containerPlaces(spec, worker.pod, environment, worker.followed !== undefined && worker.followed.tokens.size > 0),
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    tty: spec.tty ?? false,
    memoryLimit: memoryLimitOf(resources),
  };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs: callDeadlineMs }, (s, answer, later) => {
    const found = busyContainer(s, uid, name);
    if (!found) return undefined;
    const [pod, one] = found;
    if (!answer.ok || answer.body.kind !== "cri.containerCreated")
      return failStart(s, pod, one, "CreateContainerError", detailOf(answer), later);
    if (one.restarting) one.restartCount += 1;
    one.restarting = false;
    one.renewed = false;
    one.actual = resources ?? {};
    containerEvent(s, pod, one, "Normal", "Created", `Created container: ${name}`, later);
    launch(s, pod, one, answer.body.containerId, later);
    return undefined;
  });
}

/** A command's words with their $(NAME)s filled in. Source: "Define a Command and Arguments for a Container". */
function expanded(words: readonly string[] = [], environment: readonly (readonly [string, string])[]): readonly string[] {
  if (!words.some((word) => word.includes("$"))) return words;
  const variables = new Map(environment);
  return words.map((word) => expandReferences(word, variables));
}

/** The ports that a container names: those it declares, and those where its probes look for it. */
function portsOf(spec: Container): readonly number[] {
  const ports = new Set((spec.ports ?? []).map(({ containerPort }) => containerPort));
  for (const kind of probeKinds) {
    const probe = probeOf(spec, kind);
    for (const port of [probe?.httpGet?.port, probe?.tcpSocket?.port, probe?.grpc?.port]) if (typeof port === "number") ports.add(port);
  }
  return [...ports];
}

function launch(state: State, worker: PodWorker, container: ContainerWorker, id: string, ctx: Ctx): void {
  const { uid } = worker;
  const { name } = container;
  ctx.ask<CriAnswer>(
    state.runtime,
    { kind: "cri.startContainer", containerId: id } as Asked,
    { deadlineMs: callDeadlineMs },
    (s, answer, later) => {
      const found = busyContainer(s, uid, name);
      if (!found) return undefined;
      const [pod, one] = found;
      if (!answer.ok || answer.body.kind !== "cri.done") return failStart(s, pod, one, "RunContainerError", detailOf(answer), later);
      containerEvent(s, pod, one, "Normal", "Started", `Started container ${name}`, later);
      began(s, pod, one, id, later);
      return undefined;
    },
  );
}

function began(state: State, worker: PodWorker, container: ContainerWorker, id: string, ctx: Ctx): void {
  const hook = container.spec.lifecycle?.postStart;
  container.state = {
    is: "running",
    id,
    startedWallMs: wallMsOf(ctx),
    hooked: hook === undefined,
    stopping: false,
    killAtMs: Number.POSITIVE_INFINITY,
  };
  beginProbes(container, nowMsOf(ctx));
  const early = state.earlyExits.get(id);
  state.earlyExits.delete(id);
  if (early) endContainer(state, worker, container, early, ctx);
  else if (hook) runPostStart(state, worker, container, id, hook, ctx);
  syncPod(state, worker, ctx);
}

/** A new instance is probed from the beginning. */
export function beginProbes(container: ContainerWorker, nowMs: number): void {
  container.probes.clear();
  for (const kind of probeKinds) {
    const probe = probeOf(container.spec, kind);
    if (probe) container.probes.set(kind, newProbe(kind, probe, nowMs));
  }
}

function runPostStart(state: State, worker: PodWorker, container: ContainerWorker, id: string, hook: LifecycleHandler, ctx: Ctx): void {
  const { uid } = worker;
  const { name } = container;
  runHandler(state, worker, container, id, hook, `poststart:${uid}:${name}`, callDeadlineMs, ctx, (s, failure, later) => {
    finishPostStart(s, uid, name, id, failure, later);
    return undefined;
  });
}

/** The postStart hook is over; where it failed the container is killed. */
export function finishPostStart(
  state: State,
  uid: string,
  name: string,
  id: string | undefined,
  failure: string | undefined,
  ctx: Ctx,
): void {
  const worker = state.workers.get(uid);
  const container = worker?.containers.get(name);
  if (!worker || container?.state.is !== "running" || (id !== undefined && container.state.id !== id)) return;
  container.state = { ...container.state, hooked: true };
  if (failure !== undefined) {
    containerEvent(state, worker, container, "Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`, ctx);
    container.condemned = { message: "FailedPostStartHook", graceMs: (worker.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000 };
  }
  syncPod(state, worker, ctx);
}

/** A step failed: the container waits and is tried again after its back-off. */
function failStart(state: State, worker: PodWorker, container: ContainerWorker, reason: string, message: string, ctx: Ctx): undefined {
  const nowMs = nowMsOf(ctx);
  container.crashBackOff = nextBackOff(container.crashBackOff, nowMs, state.times);
  container.state = { is: "waiting", reason, message, retryAtMs: nowMs + container.crashBackOff.delayMs };
  containerEvent(state, worker, container, "Warning", "Failed", `Error: ${message}`, ctx);
  syncPod(state, worker, ctx);
  return undefined;
}

/** What went wrong in a call to the runtime. */
export function detailOf(answer: Answer<CriAnswer>): string {
  if (!answer.ok) return `${answer.error}: ${answer.detail}`;
  return answer.body.kind === "cri.failed"
    ? `rpc error: code = ${answer.body.code} desc = ${answer.body.message}`
    : `unexpected ${answer.body.kind}`;
}
