import { roleOf } from "../../protocol/address";
import type { NetRequest } from "../../protocol/cluster";
import type { CriFailed, CriPullImage, CriReadLog, CriRequest, CriRunPodSandbox } from "../../protocol/cri";
import type { ProcessKill, ProcessLoad } from "../../protocol/process";
import { isTunnelMessage, type TunnelMessage } from "../../protocol/tunnel";
import type { Actor, Context, RequestRef, StreamRef } from "../../runtime/actor";
import { formatIPv4, parseCidr } from "../network/cidr";
import { nextPodAddress } from "../network/ipam";
import { selectLog } from "./container-log";
import { execute, wakeExecSync } from "./exec-sync";
import { behaviourOf, drawMs } from "./image-behaviour";
import { advanceContainer, createContainer, newId, showFiles, startContainer, stopContainer, tell } from "./lifecycle";
import { changeMemoryLimit, onKill, onLoad, statsOf, usageOf } from "./machine";
import { wakeMain } from "./main-session";
import { accept, finishRequest } from "./requests";
import { answer, type Container, type ContainerRuntimeConfig, describe, imageRefOf, pushLog, type Sandbox, type State } from "./state";
import { openTunnel, tunnelClosed, tunnelItem, wakeTunnel } from "./tunnels";
import { forgetVolumes } from "./volumes";

type Ctx = Context<State>;
type Said = CriRequest | NetRequest | TunnelMessage | ProcessKill | ProcessLoad;

const done = { kind: "cri.done" } as const;
const failed = (code: CriFailed["code"], message: string): CriFailed => ({ kind: "cri.failed", code, message });

/**
 * A node's container runtime: pulls images, runs sandboxes and containers whose processes behave as their images declare, keeps their logs, and answers
 * the requests that reach its pods. What runs here runs in memory: when the host goes down, it is gone.
 */
export const containerRuntime: Actor<ContainerRuntimeConfig, State, Said> = {
  role: "container-runtime",

  start(config) {
    return {
      config,
      podCidr: undefined,
      lastAddress: undefined,
      sandboxes: new Map(),
      containers: new Map(),
      volumes: new Map(),
      images: new Map(),
      pulls: new Map(),
      requests: new Map(),
      execs: new Map(),
      tunnels: new Map(),
      listeners: new Set(),
      nextRequest: 0,
      load: { memoryBytes: 0, diskBytes: 0 },
    };
  },

  receive(state, input, ctx) {
    switch (input.type) {
      case "request":
        if (input.body.kind === "net.request") accept(state, input.body, input.request, roleOf(input.from) !== "kubelet", ctx);
        else if (input.body.kind === "process.kill") onKill(state, input.body, input.from, input.request, ctx);
        else if (input.body.kind === "process.load") onLoad(state, input.body, input.from, input.request, ctx);
        else onRequest(state, input.body, input.request, ctx);
        break;
      case "opened":
        onOpened(state, input.body, input.stream, ctx);
        break;
      case "closed":
        onClosed(state, input.stream, ctx);
        break;
      case "timer":
        onTimer(state, input.name, ctx);
        break;
      case "item":
        if (isTunnelMessage(input.body)) tunnelItem(state, input.stream, input.body, ctx);
        break;
      case "message":
      case "persisted":
      case "diskFailed":
        ctx.log("warn", "container runtime: nothing is done with this", { input: input.type });
    }
    return undefined;
  },
};

function onRequest(state: State, body: Exclude<Said, NetRequest | ProcessKill | ProcessLoad>, request: RequestRef, ctx: Ctx): void {
  switch (body.kind) {
    case "cri.updateRuntimeConfig":
      state.podCidr = parseCidr(body.podCidr);
      answer(ctx, request, state.podCidr ? done : failed("InvalidArgument", `${JSON.stringify(body.podCidr)} is no IPv4 network`));
      return;
    case "cri.pullImage":
      pullImage(state, body, request, ctx);
      return;
    case "cri.imageStatus": {
      const sizeBytes = state.images.get(body.image);
      answer(ctx, request, {
        kind: "cri.image",
        present: sizeBytes !== undefined,
        imageRef: imageRefOf(body.image),
        sizeBytes: sizeBytes ?? 0,
      });
      return;
    }
    case "cri.runPodSandbox":
      runSandbox(state, body, request, ctx);
      return;
    case "cri.stopPodSandbox": {
      const sandbox = state.sandboxes.get(body.sandboxId);
      if (sandbox) stopSandbox(state, sandbox, ctx);
      answer(ctx, request, done);
      return;
    }
    case "cri.removePodSandbox": {
      const sandbox = state.sandboxes.get(body.sandboxId);
      if (sandbox) {
        stopSandbox(state, sandbox, ctx);
        for (const id of sandbox.containers) removeContainer(state, id, ctx);
        state.sandboxes.delete(sandbox.id);
        if (![...state.sandboxes.values()].some(({ uid }) => uid === sandbox.uid)) forgetVolumes(state, sandbox.uid);
      }
      answer(ctx, request, done);
      return;
    }
    case "cri.createContainer": {
      const sandbox = state.sandboxes.get(body.sandboxId);
      if (sandbox?.state !== "ready") answer(ctx, request, failed("FailedPrecondition", `sandbox ${body.sandboxId} is not running`));
      else if (!state.images.has(body.image)) answer(ctx, request, failed("NotFound", `image ${body.image} is not on this node`));
      else answer(ctx, request, { kind: "cri.containerCreated", containerId: createContainer(state, sandbox, body, ctx).id });
      return;
    }
    case "cri.startContainer":
      withContainer(state, body.containerId, request, ctx, (container) => {
        if (container.life.is === "created") startContainer(container, request, ctx);
        else answer(ctx, request, failed("FailedPrecondition", `container ${container.id} has been started before`));
      });
      return;
    case "cri.stopContainer": {
      // Stopping what is not there is no error: the caller may not know that an earlier call was carried out.
      const container = state.containers.get(body.containerId);
      if (container) stopContainer(state, container, body.timeoutMs, request, ctx);
      else answer(ctx, request, done);
      return;
    }
    case "cri.updateContainerResources":
      withContainer(state, body.containerId, request, ctx, (container) => {
        const wrong = changeMemoryLimit(container, body.memoryLimit);
        answer(ctx, request, wrong === undefined ? done : failed("Unknown", wrong));
      });
      return;
    case "cri.updateFiles":
      withContainer(state, body.containerId, request, ctx, (container) => {
        showFiles(state, container, body.files, body.mounts, ctx);
        answer(ctx, request, done);
      });
      return;
    case "cri.removeContainer":
      removeContainer(state, body.containerId, ctx);
      answer(ctx, request, done);
      return;
    case "cri.list":
      answer(ctx, request, {
        kind: "cri.listed",
        sandboxes: [...state.sandboxes.values()].map(({ id, uid, namespace, name, ip, state: is }) => ({
          id,
          uid,
          namespace,
          name,
          ip,
          state: is,
        })),
        containers: [...state.containers.values()].map(describe),
        images: [...state.images].map(([image, sizeBytes]) => ({ image, sizeBytes })),
      });
      return;
    case "cri.stats":
      answer(ctx, request, statsOf(state));
      return;
    case "cri.usage":
      answer(ctx, request, usageOf(state, ctx));
      return;
    case "cri.execSync":
      withContainer(state, body.containerId, request, ctx, (container) => execute(state, container, body.command, request, ctx));
      return;
    case "cri.readLog":
      withContainer(state, body.containerId, request, ctx, (container) =>
        answer(ctx, request, { kind: "cri.log", bytes: selectLog(container.log, body) } as const),
      );
      return;
    default:
      ctx.refuse(request, `${body.kind} is a stream: open it`);
  }
}

function withContainer(state: State, id: string, request: RequestRef, ctx: Ctx, use: (container: Container) => void): void {
  const container = state.containers.get(id);
  if (container) use(container);
  else answer(ctx, request, failed("NotFound", `container ${id} not found`));
}

function pullImage(state: State, { image }: CriPullImage, request: RequestRef, ctx: Ctx): void {
  const waiting = state.pulls.get(image);
  if (waiting) {
    waiting.push(request);
    return;
  }
  state.pulls.set(image, [request]);
  ctx.setTimer(`pull:${image}`, drawMs(behaviourOf(image, state.config.behaviours).pullMs, ctx.random("pull")));
}

function finishPull(state: State, image: string, ctx: Ctx): void {
  const { pullFailure, sizeBytes } = behaviourOf(image, state.config.behaviours);
  const waiting = state.pulls.get(image) ?? [];
  state.pulls.delete(image);
  if (pullFailure === undefined) state.images.set(image, sizeBytes);
  for (const request of waiting)
    if (pullFailure === undefined) answer(ctx, request, { kind: "cri.image", present: true, imageRef: imageRefOf(image), sizeBytes });
    else answer(ctx, request, failed("Unknown", `failed to pull and unpack image ${JSON.stringify(image)}: ${pullFailure}`));
}

function runSandbox(
  state: State,
  { uid, namespace, name, hostname = name, hostIp }: CriRunPodSandbox,
  request: RequestRef,
  ctx: Ctx,
): void {
  let address: number | undefined;
  if (hostIp === "") {
    if (state.podCidr === undefined) {
      answer(ctx, request, failed("Unavailable", "failed to set up the sandbox's network: this node has no pod network yet"));
      return;
    }
    const taken = new Set(
      [...state.sandboxes.values()].flatMap((sandbox) =>
        sandbox.state === "ready" && sandbox.address !== undefined ? [sandbox.address] : [],
      ),
    );
    address = nextPodAddress(state.podCidr, taken, state.lastAddress);
    if (address === undefined) {
      answer(
        ctx,
        request,
        failed("ResourceExhausted", "failed to set up the sandbox's network: no IP addresses available in the node's range"),
      );
      return;
    }
    state.lastAddress = address;
  }
  const id = newId(ctx);
  const ip = address === undefined ? hostIp : formatIPv4(address);
  state.sandboxes.set(id, { id, uid, namespace, name, hostname, ip, address, state: "ready", containers: new Set() });
  answer(ctx, request, { kind: "cri.sandboxStarted", sandboxId: id, ip });
}

function stopSandbox(state: State, sandbox: Sandbox, ctx: Ctx): void {
  for (const id of sandbox.containers) {
    const container = state.containers.get(id);
    if (container) stopContainer(state, container, 0, undefined, ctx);
  }
  state.sandboxes.set(sandbox.id, { ...sandbox, state: "notReady" });
}

function removeContainer(state: State, id: string, ctx: Ctx): void {
  const container = state.containers.get(id);
  if (container === undefined) return;
  stopContainer(state, container, 0, undefined, ctx);
  state.containers.delete(id);
  state.sandboxes.get(container.sandboxId)?.containers.delete(id);
  tell(state, "deleted", container, ctx);
}

function onOpened(state: State, body: Said, stream: StreamRef, ctx: Ctx): void {
  if (body.kind === "cri.getEvents") state.listeners.add(stream);
  else if (body.kind === "cri.readLog") followLog(state, body, stream, ctx);
  else if (body.kind === "cri.exec" || body.kind === "cri.attach" || body.kind === "cri.portForward") openTunnel(state, body, stream, ctx);
  else ctx.close(stream, "refused", `${body.kind} is an ask`);
}

function followLog(state: State, selection: CriReadLog, stream: StreamRef, ctx: Ctx): void {
  const container = state.containers.get(selection.containerId);
  if (container === undefined) {
    ctx.close(stream, "refused", `container ${selection.containerId} not found`);
    return;
  }
  pushLog(ctx, stream, selectLog(container.log, selection));
  if (selection.follow && container.life.is !== "exited") container.followers.set(stream.key, { stream, selection });
  else ctx.close(stream);
}

function onClosed(state: State, stream: StreamRef, ctx: Ctx): void {
  tunnelClosed(state, stream, ctx);
  for (const listener of state.listeners) if (listener.key === stream.key) state.listeners.delete(listener);
  for (const { followers } of state.containers.values()) followers.delete(stream.key);
}

function onTimer(state: State, name: string, ctx: Ctx): void {
  const [kind, rest] = [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)];
  if (kind === "pull") finishPull(state, rest, ctx);
  else if (kind === "exec") wakeTunnel(state, rest, ctx);
  else if (kind === "request") finishRequest(state, name, ctx);
  else if (kind === "sync") wakeExecSync(state, name, ctx);
  else {
    const container = state.containers.get(rest);
    if (container && kind === "main") wakeMain(state, container, ctx);
    else if (container) advanceContainer(state, container, ctx);
  }
}
