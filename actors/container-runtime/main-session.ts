import type { CriCreateContainer } from "../../protocol/cri";
import { tunnelChannels } from "../../protocol/tunnel";
import type { Context } from "../../runtime/actor";
import { saysLater } from "./command";
import { exit, signalContainer, write } from "./lifecycle";
import { askNetwork } from "./process-network";
import { feedSession } from "./shell/input";
import { isRunnable } from "./shell/runnable";
import { shellInvocation } from "./shell/script";
import { advanceSession, answerSession, beginSession, type Session, type SessionEffect, wakeSession } from "./shell/session";
import type { Container, State } from "./state";
import { placeOf, tellAttached } from "./tunnels";

type Ctx = Context<State>;

const decoder = new TextDecoder();

/**
 * A main process that is a shell which reads commands, as in `kubectl run box -it --image=busybox -- sh`. One that has a terminal and no command
 * of its own is taken for a shell too, as the images are with which people do this. So is a command that the simulated shell can run whole, unless its image's
 * behaviour is declared or it is so simple that it is understood without. Others do not read what is attached to them.
 */
export function mainSession(
  command: readonly string[],
  { stdin, tty, environment }: Pick<CriCreateContainer, "stdin" | "tty" | "environment">,
  hostname: string,
  isDeclared: boolean,
  isUnderstood: boolean,
): Session | undefined {
  const line = command.length === 0 && stdin && tty ? ["sh"] : command;
  const invocation = shellInvocation(line);
  const readsCommands = stdin && invocation !== undefined && invocation.script === undefined;
  const runs = isUnderstood ? saysLater(line) && isRunnable(line) : !isDeclared && line.length > 0 && isRunnable(line);
  if (!readsCommands && !runs) return undefined;
  const begun = beginSession(line, { environment: [["HOSTNAME", hostname], ...environment], stdin, tty });
  return begun.ok ? begun.session : undefined;
}

/** The process runs: it says what it says first, a prompt say. */
export function beginMain(state: State, container: Container, ctx: Ctx): void {
  if (container.session) perform(state, container, advanceSession(container.session, placeOf(state, container, ctx)), ctx);
}

export function feedMain(state: State, container: Container, bytes: Uint8Array, ctx: Ctx): void {
  const { session } = container;
  if (!session || container.life.is !== "running") return;
  perform(state, container, feedSession(session, bytes), ctx);
  beginMain(state, container, ctx);
}

export function endMainInput(state: State, container: Container, ctx: Ctx): void {
  if (!container.session || container.life.is !== "running") return;
  container.session.inputEnded = true;
  beginMain(state, container, ctx);
}

/** A sleep in it is over. */
export function wakeMain(state: State, container: Container, ctx: Ctx): void {
  if (!container.session || container.life.is !== "running") return;
  wakeSession(container.session);
  beginMain(state, container, ctx);
}

function perform(state: State, container: Container, effects: readonly SessionEffect[], ctx: Ctx): void {
  for (const effect of effects) {
    if (container.life.is !== "running") return;
    switch (effect.type) {
      case "stdout":
      case "stderr": {
        const terminal = container.session?.terminal !== undefined;
        tellAttached(container, effect.type === "stderr" && !terminal ? tunnelChannels.stderr : tunnelChannels.stdout, effect.bytes, ctx);
        log(container, decoder.decode(effect.bytes), ctx);
        break;
      }
      case "sleep":
        if (Number.isFinite(effect.ms)) ctx.setTimer(`main:${container.id}`, effect.ms);
        break;
      case "ask":
        askNetwork(state, container, effect.ask, ctx, (later, answer, next) => {
          if (container.session) answerSession(container.session, effect.id, answer);
          if (container.life.is === "running") beginMain(later, container, next);
          return undefined;
        });
        break;
      case "signal":
        signalContainer(container, effect.signal, ctx);
        break;
      case "exit":
        exit(state, container, { atUs: ctx.monotonicUs(), exitCode: effect.code, reason: effect.code === 0 ? "Completed" : "Error" }, ctx);
    }
  }
}

/** The log has whole lines; those who are attached have seen the text already. */
function log(container: Container, text: string, ctx: Ctx): void {
  const lines = `${container.partialLine}${text.replaceAll("\r\n", "\n")}`.split("\n");
  container.partialLine = lines.pop() ?? "";
  for (const line of lines) write(container, line, ctx, false);
}
