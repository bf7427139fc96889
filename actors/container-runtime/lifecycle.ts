import type { CriCreateContainer, CriEvent, CriFile, CriMount } from "../../protocol/cri";
import { tunnelChannels } from "../../protocol/tunnel";
import type { Context, RequestRef } from "../../runtime/actor";
import { interpretCommand, runInShell } from "./command";
import { appendLine, formatLine } from "./container-log";
import { behaviourOf, drawMs, matchesImage } from "./image-behaviour";
import { beginMain, mainSession } from "./main-session";
import { type GivenFile, newFiles } from "./shell/files";
import { filesAt } from "./shell/program";
import { answer, type Container, describe, type Ending, endOf, pushLog, type Running, type Sandbox, type State } from "./state";
import { ordinaryPlace, terminationMessage } from "./termination-message";
import { endTunnelsOf, placeOf, tellAttached } from "./tunnels";
import { mountsOf } from "./volumes";

type Ctx = Context<State>;

const killed = 137;
const done = { kind: "cri.done" } as const;
const timerOf = (id: string) => `container:${id}`;

/** A new container in its sandbox; it does not run yet. */
export function createContainer(state: State, sandbox: Sandbox, request: CriCreateContainer, ctx: Ctx): Container {
  const id = newId(ctx);
  const declared = behaviourOf(request.image, state.config.behaviours);
  const command = [...request.command, ...request.args];
  const termination = request.terminationMessage ?? ordinaryPlace;
  const understood = command.length > 0 ? interpretCommand(command, termination.path) : undefined;
  const isDeclared = state.config.behaviours.some(({ image }) => matchesImage(image, request.image));
  const session = mainSession(command, request, sandbox.hostname, isDeclared, understood !== undefined);
  const container: Container = {
    id,
    sandboxId: sandbox.id,
    podUid: sandbox.uid,
    pod: `${sandbox.namespace}/${sandbox.name}`,
    name: request.name,
    image: request.image,
    attempt: request.attempt,
    createdWallUs: ctx.wallUs(),
    behaviour: { ...declared, ...(session && !(session.interactive && isDeclared) ? runInShell : understood) },
    isUnderstood: understood !== undefined || session?.interactive === false,
    ports: declared.ports ?? request.ports,
    memoryLimit: request.memoryLimit,
    command,
    environment: request.environment,
    stdinOnce: request.stdinOnce,
    session,
    files: newFiles(),
    given: new Map<string, GivenFile>([
      [termination.path, { content: "", mode: 0o666, readOnly: false }],
      ...(request.hostFiles ?? []).map(([path, content]) => [path, { content, mode: 0o644, readOnly: false }] as const),
      ...shown(request.files ?? []),
    ]),
    mounts: mountsOf(state, request.mounts ?? [], seconds(ctx)),
    readOnlyRoot: request.readOnlyRoot ?? false,
    user: request.user,
    termination,
    log: [],
    partialLine: session ? "" : (understood?.openLine ?? ""),
    attached: new Map(),
    followers: new Map(),
    served: 0,
    life: { is: "created" },
  };
  state.containers.set(id, container);
  sandbox.containers.add(id);
  tell(state, "created", container, ctx);
  return container;
}

const seconds = (ctx: Ctx) => Math.floor(ctx.wallUs() / 1_000_000);

const shown = (files: readonly CriFile[]) =>
  files.map(([path, content, mode]): [string, GivenFile] => [path, { content, mode, readOnly: true }]);

/** Its volumes show something else from now on. */
export function showFiles(state: State, container: Container, files: readonly CriFile[], mounts: readonly CriMount[], ctx: Ctx): void {
  container.given = new Map([...[...container.given].filter(([, { readOnly }]) => !readOnly), ...shown(files)]);
  const added = mounts.filter(({ path }) => !container.mounts.some((one) => one.path === path));
  container.mounts = [...container.mounts, ...mountsOf(state, added, seconds(ctx))];
}

/** Ids as containerd makes them: 64 hexadecimal digits. */
export function newId(ctx: Ctx): string {
  return `${ctx.uuid()}${ctx.uuid()}`.replaceAll("-", "");
}

/** Starts the process; `start` is answered when it runs. */
export function startContainer(container: Container, start: RequestRef, ctx: Ctx): void {
  const delayMs = drawMs(container.behaviour.startMs, ctx.random("start"));
  container.life = { is: "starting", start, atUs: ctx.monotonicUs() + Math.round(delayMs * 1000) };
  ctx.setTimer(timerOf(container.id), delayMs);
}

/** SIGTERM now, SIGKILL after the time-out; `waiter` is answered when it is over. A second call can only shorten the time that is left. */
export function stopContainer(state: State, container: Container, timeoutMs: number, waiter: RequestRef | undefined, ctx: Ctx): void {
  const { life } = container;
  const nowUs = ctx.monotonicUs();
  if (life.is === "starting") {
    ctx.refuse(life.start, "the container was stopped while it started");
    exit(state, container, { atUs: nowUs, exitCode: killed, reason: "Error" }, ctx);
  } else if (life.is === "running") {
    const kill: Ending = { atUs: nowUs + Math.round(timeoutMs * 1000), exitCode: killed, reason: "Error" };
    const before = life.stopping;
    const waiters = [...(before?.waiters ?? []), ...(waiter ? [waiter] : [])];
    const { acceptsUntilUs, end } = before ?? terminationOf(container, nowUs, ctx);
    container.life = { ...life, stopping: { acceptsUntilUs, end: end.atUs <= kill.atUs ? end : kill, waiters } };
    if (timeoutMs === 0) advanceContainer(state, container, ctx);
    else armContainer(container, ctx);
    return;
  }
  if (waiter) answer(ctx, waiter, done);
}

function terminationOf(container: Container, nowUs: number, ctx: Ctx): { readonly acceptsUntilUs: number; readonly end: Ending } {
  const { behaviour } = container;
  const never = Number.MAX_SAFE_INTEGER;
  if (behaviour.ignoresSigterm) return { acceptsUntilUs: never, end: { atUs: never, exitCode: killed, reason: "Error" } };
  const acceptsUntilUs = nowUs + Math.round(drawMs(behaviour.drainMs, ctx.random("drain")) * 1000);
  const atUs = acceptsUntilUs + Math.round(drawMs(behaviour.shutdownMs, ctx.random("shutdown")) * 1000);
  return { acceptsUntilUs, end: { atUs, exitCode: 0, reason: "Completed" } };
}

/** Ends a container at once, as SIGKILL and crashes do. */
export function exit(state: State, container: Container, end: Ending, ctx: Ctx): void {
  const { life } = container;
  const waiters = life.is === "running" ? (life.stopping?.waiters ?? []) : [];
  const startedWallUs = life.is === "running" ? life.startedWallUs : ctx.wallUs();
  const { exitCode, reason } = end;
  container.life = { is: "exited", startedWallUs, finishedWallUs: ctx.wallUs(), exitCode, reason, message: "" };
  ctx.cancelTimer(timerOf(container.id));
  // A command that is understood has said all that it says.
  if (exitCode !== 0 && !container.isUnderstood && !container.session)
    write(container, reason === "OOMKilled" ? "out of memory" : `exits with code ${exitCode}`, ctx);
  ctx.record({ kind: "container.exited", ...namesOf(state, container), exitCode, reason });
  for (const waiter of waiters) answer(ctx, waiter, done);
  for (const { stream } of container.followers.values()) ctx.close(stream);
  container.followers.clear();
  if (container.partialLine !== "") write(container, container.partialLine, ctx, false, true);
  container.life = { ...container.life, message: lastWords(state, container, exitCode, ctx) };
  endTunnelsOf(state, container, exitCode, ctx);
  for (const [timer, pending] of state.requests)
    if (pending.containerId === container.id) {
      ctx.cancelTimer(timer);
      state.requests.delete(timer);
      answer(ctx, pending.request, refused(`the connection to ${container.pod} was reset: the container exited`));
    }
  for (const [timer, exec] of state.execs)
    if (exec.containerId === container.id) {
      ctx.cancelTimer(timer);
      state.execs.delete(timer);
      answer(ctx, exec.request, { kind: "cri.execResult", exitCode: killed, stdout: exec.said, stderr: "" });
    }
  tell(state, "stopped", container, ctx);
}

/** What it writes as it ends by itself, and what is then found to be its message. */
function lastWords(state: State, container: Container, exitCode: number, ctx: Ctx): string {
  const { termination, behaviour, log } = container;
  const files = filesAt(placeOf(state, container, ctx));
  if (exitCode !== killed && behaviour.terminationMessage !== undefined)
    files.write(termination.path, new TextEncoder().encode(behaviour.terminationMessage));
  const file = files.read(termination.path);
  return terminationMessage(termination, typeof file === "string" ? new Uint8Array(0) : file, log, exitCode);
}

/** What a client hears where nobody listens. */
export function refused(detail: string) {
  return { kind: "net.response", outcome: "refused", code: 0, body: new Uint8Array(0), servedBy: "", detail } as const;
}

/** Does what is due: the process comes up, or ends. */
export function advanceContainer(state: State, container: Container, ctx: Ctx): void {
  const nowUs = ctx.monotonicUs();
  const { life } = container;
  if (life.is === "starting" && life.atUs <= nowUs) {
    run(state, container, nowUs, ctx);
    answer(ctx, life.start, done);
    return;
  }
  const end = life.is === "running" ? endOf(life) : undefined;
  if (end && end.atUs <= nowUs) exit(state, container, end, ctx);
  else armContainer(container, ctx);
}

function run(state: State, container: Container, nowUs: number, ctx: Ctx): void {
  const { behaviour } = container;
  const after = (range: Parameters<typeof drawMs>[0], purpose: string) => nowUs + Math.round(drawMs(range, ctx.random(purpose)) * 1000);
  const readyAtUs = after(behaviour.readyAfterMs, "ready");
  const ends: Ending[] = [];
  if (behaviour.exitAfterMs !== undefined)
    ends.push({
      atUs: after(behaviour.exitAfterMs, "exit"),
      exitCode: behaviour.exitCode,
      reason: behaviour.exitCode === 0 ? "Completed" : "Error",
    });
  if (behaviour.crashAfterMs !== undefined)
    ends.push({ atUs: after(behaviour.crashAfterMs, "crash"), exitCode: behaviour.crashCode, reason: "Error" });
  if (behaviour.memoryBytes !== undefined && container.memoryLimit > 0 && behaviour.memoryBytes > container.memoryLimit)
    ends.push({ atUs: readyAtUs, exitCode: killed, reason: "OOMKilled" });
  const running: Running = {
    is: "running",
    startedWallUs: ctx.wallUs(),
    readyAtUs,
    unhealthyAtUs: behaviour.unhealthyAfterMs === undefined ? Number.MAX_SAFE_INTEGER : after(behaviour.unhealthyAfterMs, "unhealthy"),
    end: ends.reduce<Ending | undefined>((first, one) => (first === undefined || one.atUs < first.atUs ? one : first), undefined),
    stopping: undefined,
  };
  container.life = running;
  for (const line of behaviour.logLines) write(container, line, ctx);
  ctx.record({ kind: "container.started", ...namesOf(state, container), image: container.image });
  tell(state, "started", container, ctx);
  armContainer(container, ctx);
  beginMain(state, container, ctx);
}

function namesOf({ config: { node } }: State, { pod, podUid, name }: Container) {
  return { pod, podUid, container: name, node };
}

function armContainer(container: Container, ctx: Ctx): void {
  const { life } = container;
  const atUs = life.is === "running" ? endOf(life)?.atUs : life.is === "starting" ? life.atUs : undefined;
  if (atUs !== undefined && atUs < Number.MAX_SAFE_INTEGER)
    ctx.setTimer(timerOf(container.id), Math.max(0, atUs - ctx.monotonicUs()) / 1000);
}

/** A signal from within: SIGKILL does not reach the first process of its own container. Source: pid_namespaces(7). */
export function signalContainer(container: Container, signal: number, ctx: Ctx): void {
  const { life } = container;
  if (life.is !== "running" || life.stopping || signal === 9) return;
  container.life = { ...life, stopping: { ...terminationOf(container, ctx.monotonicUs(), ctx), waiters: [] } };
  armContainer(container, ctx);
}

/** Adds a line to the container's log and passes it on to those who follow it, and to those who are attached unless they have seen it. */
export function write(container: Container, text: string, ctx: Ctx, tellsAttached = true, isOpen = false): void {
  const line = { atUs: ctx.wallUs(), text, ...(isOpen ? { isOpen } : {}) };
  appendLine(container.log, line);
  for (const { stream, selection } of container.followers.values())
    pushLog(ctx, stream, new TextEncoder().encode(formatLine(line, selection.timestamps)));
  if (tellsAttached) tellAttached(container, tunnelChannels.stdout, new TextEncoder().encode(`${text}\n`), ctx);
}

/** Tells all who listen what became of a container. */
export function tell(state: State, type: CriEvent["type"], container: Container, ctx: Ctx): void {
  const event: CriEvent = { kind: "cri.event", type, container: describe(container) };
  for (const listener of state.listeners) ctx.push(listener, event);
}
