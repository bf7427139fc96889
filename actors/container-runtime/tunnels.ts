import type { CriAttach, CriExec, CriPortForward } from "../../protocol/cri";
import { type TunnelMessage, tunnelChannels } from "../../protocol/tunnel";
import type { Context, StreamRef } from "../../runtime/actor";
import { connectForwarded, type Forward, feedForwarded } from "./forwarding";
import { signalContainer } from "./lifecycle";
import { endMainInput, feedMain } from "./main-session";
import { askNetwork } from "./process-network";
import { feedSession } from "./shell/input";
import type { Place } from "./shell/program";
import { advanceSession, answerSession, beginSession, type Session, type SessionEffect, wakeSession } from "./shell/session";
import type { Container, State } from "./state";

type Ctx = Context<State>;

/** A stream into a container or a sandbox, from whoever execs, attaches or forwards. */
export type Tunnel =
  | {
      readonly is: "exec";
      readonly stream: StreamRef;
      readonly containerId: string;
      readonly session: Session;
      readonly tty: boolean;
    }
  | {
      readonly is: "attach";
      readonly stream: StreamRef;
      readonly containerId: string;
      readonly stdin: boolean;
    }
  | Forward;

const encoder = new TextEncoder();
/** Much is said in pieces, so that none of them is long on its way. */
const pieceBytes = 64 * 1024;

export function openTunnel(state: State, body: CriExec | CriAttach | CriPortForward, stream: StreamRef, ctx: Ctx): void {
  if (body.kind === "cri.portForward") {
    if (state.sandboxes.get(body.sandboxId)?.state !== "ready") return refuse(ctx, stream, `sandbox ${body.sandboxId} is not running`);
    state.tunnels.set(stream.key, { is: "forward", stream, sandboxId: body.sandboxId, connections: new Map() });
    return accept(ctx, stream);
  }
  const container = state.containers.get(body.containerId);
  if (container?.life.is !== "running") return refuse(ctx, stream, `container ${body.containerId} is not running`);
  if (body.kind === "cri.attach") {
    state.tunnels.set(stream.key, { is: "attach", stream, containerId: container.id, stdin: body.stdin });
    container.attached.set(stream.key, stream);
    return accept(ctx, stream);
  }
  const { command, stdin, tty } = body;
  const begun = beginSession(command, { environment: [["HOSTNAME", hostnameOf(state, container)], ...container.environment], stdin, tty });
  accept(ctx, stream);
  if (!begun.ok) {
    const text = `failed to exec in container: failed to start exec "${ctx.uuid().replaceAll("-", "")}": OCI runtime exec failed: exec failed: unable to start container process: ${begun.message}: unknown`;
    const status = {
      metadata: {},
      status: "Failure",
      message: `Internal error occurred: error executing command in container: ${text}`,
      reason: "InternalError",
      details: { causes: [{ message: `error executing command in container: ${text}` }] },
      code: 500,
    };
    return finish(ctx, stream, status);
  }
  const tunnel: Tunnel = { is: "exec", stream, containerId: container.id, session: begun.session, tty };
  state.tunnels.set(stream.key, tunnel);
  advance(state, tunnel, ctx);
}

/** What came through a tunnel from the user's side. */
export function tunnelItem(state: State, stream: StreamRef, body: TunnelMessage, ctx: Ctx): void {
  const tunnel = state.tunnels.get(stream.key);
  if (tunnel === undefined) return;
  if (tunnel.is === "forward") {
    if (body.kind === "tunnel.connect") connectForwarded(state, tunnel, body.channel, body.port, ctx);
    else feedForwarded(state, tunnel, body, ctx);
    return;
  }
  // The size of a window means nothing to what is simulated.
  if (body.channel !== tunnelChannels.stdin) return;
  if (tunnel.is === "attach") {
    const container = state.containers.get(tunnel.containerId);
    if (container === undefined || !tunnel.stdin) return;
    if (body.kind === "tunnel.data") feedMain(state, container, body.bytes, ctx);
    else if (body.kind === "tunnel.close") endMainInput(state, container, ctx);
    return;
  }
  if (body.kind === "tunnel.data") perform(state, tunnel, feedSession(tunnel.session, body.bytes), ctx);
  else if (body.kind === "tunnel.close") tunnel.session.inputEnded = true;
  advance(state, tunnel, ctx);
}

/** Whoever had opened a tunnel has gone. */
export function tunnelClosed(state: State, stream: StreamRef, ctx: Ctx): void {
  const tunnel = state.tunnels.get(stream.key);
  state.tunnels.delete(stream.key);
  if (tunnel?.is === "exec") ctx.cancelTimer(timerOf(stream));
  // A process that reads only from the first who attaches reads its end when that one goes.
  if (tunnel?.is !== "attach") return;
  const container = state.containers.get(tunnel.containerId);
  container?.attached.delete(stream.key);
  if (container?.stdinOnce && tunnel.stdin) endMainInput(state, container, ctx);
}

/** A command's sleep is over. */
export function wakeTunnel(state: State, key: string, ctx: Ctx): void {
  const tunnel = state.tunnels.get(key);
  if (tunnel?.is !== "exec") return;
  wakeSession(tunnel.session);
  advance(state, tunnel, ctx);
}

/** A container has exited: what ran in it was killed with it. */
export function endTunnelsOf(state: State, container: Container, exitCode: number, ctx: Ctx): void {
  for (const [key, tunnel] of [...state.tunnels]) {
    if (tunnel.is === "forward" || tunnel.containerId !== container.id) continue;
    state.tunnels.delete(key);
    container.attached.delete(key);
    if (tunnel.is === "exec") ctx.cancelTimer(timerOf(tunnel.stream));
    finish(ctx, tunnel.stream, exitStatus(tunnel.is === "exec" ? 137 : exitCode));
  }
}

/** What the main process writes reaches everybody who is attached. */
export function tellAttached(container: Container, channel: number, bytes: Uint8Array, ctx: Ctx): void {
  for (const stream of container.attached.values()) push(ctx, stream, channel, bytes);
}

export function placeOf(state: State, container: Container, ctx: Ctx): Place {
  const [namespace = ""] = container.pod.split("/");
  const ip = state.sandboxes.get(container.sandboxId)?.ip ?? "";
  return {
    hostname: hostnameOf(state, container),
    namespace,
    ip,
    inHostNetwork: state.sandboxes.get(container.sandboxId)?.address === undefined,
    mainCommand: container.command,
    nowMs: ctx.wallUs() / 1000,
    files: container.files,
    given: container.given,
    mounts: container.mounts,
    readOnlyRoot: container.readOnlyRoot,
    ...(container.user ? { user: container.user } : {}),
    terminationPath: container.termination.path,
  };
}

export function hostnameOf(state: State, { pod, sandboxId }: Container): string {
  return state.sandboxes.get(sandboxId)?.hostname ?? pod.slice(pod.indexOf("/") + 1);
}

const timerOf = (stream: StreamRef) => `exec:${stream.key}`;

type Exec = Extract<Tunnel, { readonly is: "exec" }>;

function advance(state: State, tunnel: Exec, ctx: Ctx): void {
  const container = state.containers.get(tunnel.containerId);
  if (container && state.tunnels.has(tunnel.stream.key))
    perform(state, tunnel, advanceSession(tunnel.session, placeOf(state, container, ctx)), ctx);
}

function perform(state: State, tunnel: Exec, effects: readonly SessionEffect[], ctx: Ctx): void {
  for (const effect of effects) {
    switch (effect.type) {
      case "stdout":
      case "stderr":
        // A terminal has one output only.
        push(ctx, tunnel.stream, effect.type === "stderr" && !tunnel.tty ? tunnelChannels.stderr : tunnelChannels.stdout, effect.bytes);
        break;
      case "sleep":
        if (Number.isFinite(effect.ms)) ctx.setTimer(timerOf(tunnel.stream), effect.ms);
        break;
      case "ask": {
        const container = state.containers.get(tunnel.containerId);
        if (container)
          askNetwork(state, container, effect.ask, ctx, (later, answer, next) => {
            answerSession(tunnel.session, effect.id, answer);
            advance(later, tunnel, next);
            return undefined;
          });
        break;
      }
      case "signal": {
        const container = state.containers.get(tunnel.containerId);
        if (container) signalContainer(container, effect.signal, ctx);
        break;
      }
      case "exit":
        state.tunnels.delete(tunnel.stream.key);
        ctx.cancelTimer(timerOf(tunnel.stream));
        finish(ctx, tunnel.stream, exitStatus(effect.code));
    }
  }
}

function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: error executing command in container: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

function finish(ctx: Ctx, stream: StreamRef, status: object): void {
  push(ctx, stream, tunnelChannels.error, encoder.encode(JSON.stringify(status)));
  ctx.close(stream);
}

function push(ctx: Ctx, stream: StreamRef, channel: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const data: TunnelMessage = { kind: "tunnel.data", channel, bytes: bytes.subarray(at, at + pieceBytes) };
    ctx.push(stream, data);
  }
}

function accept(ctx: Ctx, stream: StreamRef): void {
  ctx.push(stream, { kind: "cri.done" });
}

function refuse(ctx: Ctx, stream: StreamRef, detail: string): void {
  ctx.close(stream, "refused", detail);
}
