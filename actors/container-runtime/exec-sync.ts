import type { Context, RequestRef } from "../../runtime/actor";
import { interpretCommand } from "./command";
import { signalContainer } from "./lifecycle";
import { askNetwork } from "./process-network";
import { isRunnable } from "./shell/runnable";
import { advanceSession, answerSession, beginSession, type Session, wakeSession } from "./shell/session";
import { answer, type Container, type State } from "./state";
import { hostnameOf, placeOf } from "./tunnels";

type Ctx = Context<State>;

/** A command whose end is waited for. */
export interface ExecSync {
  readonly request: RequestRef;
  readonly containerId: string;
  readonly session: Session;
  said: string;
}

/** What of a command's words is kept: nobody reads more of a probe. */
const saidMax = 10 * 1024;
const decoder = new TextDecoder();

/**
 * A command in a container, as probes and hooks run it. Where the main process runs in the simulated shell, so that the files are what it makes them, or where
 * the command needs none, the shell runs it. In others it succeeds while the container's process is up and healthy.
 */
export function execute(state: State, container: Container, command: readonly string[], request: RequestRef, ctx: Ctx): void {
  const { life } = container;
  if (life.is !== "running") {
    answer(ctx, request, { kind: "cri.failed", code: "FailedPrecondition", message: `container ${container.id} is not running` });
    return;
  }
  const nowUs = ctx.monotonicUs();
  const hasShell = container.isUnderstood || interpretCommand(command) !== undefined;
  if (hasShell && nowUs < life.unhealthyAtUs && isRunnable(command)) return run(state, container, command, request, ctx);
  const well = nowUs >= life.readyAtUs && nowUs < life.unhealthyAtUs;
  answer(ctx, request, {
    kind: "cri.execResult",
    exitCode: well ? 0 : 1,
    stdout: "",
    stderr: well ? "" : `${command[0] ?? ""}: the process is not ${nowUs < life.readyAtUs ? "up yet" : "healthy"}`,
  });
}

function run(state: State, container: Container, command: readonly string[], request: RequestRef, ctx: Ctx): void {
  const environment = [["HOSTNAME", hostnameOf(state, container)] as const, ...container.environment];
  const begun = beginSession(command, { environment, stdin: false, tty: false });
  if (!begun.ok) return answer(ctx, request, { kind: "cri.failed", code: "Unknown", message: begun.message });
  advance(state, `sync:${state.nextRequest++}`, { request, containerId: container.id, session: begun.session, said: "" }, ctx);
}

/** A sleep in such a command is over. */
export function wakeExecSync(state: State, timer: string, ctx: Ctx): void {
  const exec = state.execs.get(timer);
  state.execs.delete(timer);
  if (exec === undefined) return;
  wakeSession(exec.session);
  advance(state, timer, exec, ctx);
}

function advance(state: State, timer: string, exec: ExecSync, ctx: Ctx): void {
  const container = state.containers.get(exec.containerId);
  if (container === undefined) return;
  for (const effect of advanceSession(exec.session, placeOf(state, container, ctx)))
    switch (effect.type) {
      case "stdout":
      case "stderr":
        if (exec.said.length < saidMax) exec.said += decoder.decode(effect.bytes.subarray(0, saidMax));
        break;
      case "sleep":
        state.execs.set(timer, exec);
        if (Number.isFinite(effect.ms)) ctx.setTimer(timer, effect.ms);
        break;
      case "ask":
        askNetwork(state, container, effect.ask, ctx, (later, answer, next) => {
          answerSession(exec.session, effect.id, answer);
          advance(later, timer, exec, next);
          return undefined;
        });
        break;
      case "signal":
        signalContainer(container, effect.signal, ctx);
        break;
      case "exit":
        answer(ctx, exec.request, { kind: "cri.execResult", exitCode: effect.code, stdout: exec.said, stderr: "" });
    }
}
