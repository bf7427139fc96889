import type { Frame, Queued } from "./control";
import type { NetworkAnswer, NetworkAsk, Place, ProgramResult, Reader } from "./program";
import { isExecutable } from "./programs/programs";
import { programOf, type Step, shellInvocation, stepsOf } from "./script";
import { Turn } from "./turn";

/** What a process wants of its runtime. After `sleep` it goes on when told that the time has passed, after `ask` with an answer, otherwise when there is input. */
export type SessionEffect =
  | { readonly type: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly type: "sleep"; readonly ms: number }
  | { readonly type: "ask"; readonly id: number; readonly ask: NetworkAsk }
  | { readonly type: "signal"; readonly signal: number }
  | { readonly type: "exit"; readonly code: number };

/** A pause is none of its own: it has had the processor for long enough. */
type Waiting = "nothing" | "sleep" | "pause" | "command" | "reading" | "line" | "answer";

/** A process that a user talks to: a shell, or one program. It is advanced by input and by time, and says what it wants in effects. */
export interface Session {
  environment: Map<string, string>;
  /** $1, $2, … */
  positional: readonly string[];
  readonly functions: Map<string, readonly Step[]>;
  /** Of the redirected groups that it is in, the innermost last. */
  readonly frames: Frame[];
  /** `set -e`: a command that fails ends it; `failed` where the last one did. */
  strict: boolean;
  failed: boolean;
  /** `set -x`: commands are shown. */
  traces: boolean;
  /** The program that waits for an answer, and what it made of the one that came. */
  asking:
    | { readonly id: number; readonly step: Step; readonly name: string; readonly then: (answer: NetworkAnswer) => ProgramResult }
    | undefined;
  answered: { readonly step: Step; readonly name: string; readonly result: ProgramResult } | undefined;
  asks: number;
  /** Reads further commands when it has none left. */
  readonly interactive: boolean;
  readonly terminal: Terminal | undefined;
  steps: Queued[];
  status: number;
  waiting: Waiting;
  /** The program that reads, and the step in which it does. */
  reading: { readonly reader: Reader; readonly step: Step } | undefined;
  /** What the command before the next one wrote, where they are joined by a pipe; undefined where that one did not run. */
  piped: Uint8Array[] | undefined;
  /** How many shells it has begun inside of itself. */
  innerShells: number;
  /** Input that nobody has read yet. */
  input: Uint8Array[];
  inputBytes: number;
  inputEnded: boolean;
  over: boolean;
}

/** The line that is being typed on a terminal. */
interface Terminal {
  line: string;
  readonly decoder: InstanceType<typeof TextDecoder>;
}

export type Begun = { readonly ok: true; readonly session: Session } | { readonly ok: false; readonly message: string };

/** Begins a command; not every file of a real image is there, and what is not cannot be executed. */
export function beginSession(
  command: readonly string[],
  {
    environment,
    stdin,
    tty,
  }: { readonly environment: readonly (readonly [string, string])[]; readonly stdin: boolean; readonly tty: boolean },
): Begun {
  const invocation = shellInvocation(command);
  const [name = "", ...rest] = command;
  if (!invocation && !isExecutable(programOf(name)))
    return {
      ok: false,
      message: `exec: ${JSON.stringify(name)}: ${name.includes("/") ? `stat ${name}: no such file or directory` : "executable file not found in $PATH"}`,
    };
  const session: Session = {
    environment: new Map([["PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], ...environment]),
    interactive: invocation !== undefined && invocation.script === undefined,
    terminal: tty ? { line: "", decoder: new TextDecoder() } : undefined,
    positional: [],
    functions: new Map(),
    frames: [],
    strict: false,
    failed: false,
    traces: false,
    asking: undefined,
    answered: undefined,
    asks: 0,
    steps: [],
    status: 0,
    waiting: "nothing",
    reading: undefined,
    piped: undefined,
    innerShells: 0,
    input: [],
    inputBytes: 0,
    inputEnded: !stdin,
    over: false,
  };
  if (invocation?.script !== undefined) session.steps = [...stepsOf(invocation.script)];
  else if (!invocation) session.steps = [{ words: [name, ...rest].map((text) => [{ text, expands: false }]), runs: "always" }];
  return { ok: true, session };
}

/** Lets it run until it waits or is over. */
export function advanceSession(session: Session, place: Place): readonly SessionEffect[] {
  const turn = new Turn(session, place);
  turn.run();
  return turn.effects;
}

/** A sleep has come to its end. */
export function wakeSession(session: Session): void {
  if (session.waiting !== "sleep" && session.waiting !== "pause") return;
  if (session.waiting === "sleep") session.status = 0;
  session.waiting = "nothing";
}

/** What was asked of the network has been answered; an answer that nobody waits for any more is dropped. */
export function answerSession(session: Session, id: number, answer: NetworkAnswer): void {
  const { asking } = session;
  if (session.waiting !== "answer" || asking?.id !== id) return;
  session.waiting = "nothing";
  session.asking = undefined;
  session.answered = { step: asking.step, name: asking.name, result: asking.then(answer) };
}
