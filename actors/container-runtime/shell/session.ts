import { absolute, containerBytesMax, joined } from "./files";
import { filesAt, type Place, type ProgramResult, type Reader } from "./program";
import { isExecutable, runProgram } from "./programs";
import { expand, isAssignment, type Output, parseScript, programOf, type Step, shellInvocation, type Word, wordsMax } from "./script";

/** What a process wants of its runtime. After `sleep` it goes on when told that the time has passed, otherwise when there is input. */
export type SessionEffect =
  | { readonly type: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly type: "sleep"; readonly ms: number }
  | { readonly type: "signal"; readonly signal: number }
  | { readonly type: "exit"; readonly code: number };

type Waiting = "nothing" | "sleep" | "command" | "reading";

/** A process that a user talks to: a shell, or one program. It is advanced by input and by time, and says what it wants in effects. */
export interface Session {
  readonly environment: Map<string, string>;
  /** Reads further commands when it has none left. */
  readonly interactive: boolean;
  readonly terminal: Terminal | undefined;
  steps: Step[];
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

/** A script that runs itself would go on for ever: nothing else has a turn meanwhile. */
const innerShellsMax = 1_000;
const prompt = "/ # ";
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** What nobody reads is held, up to so much; a real process would let its writer wait. */
const unreadBytesMax = 16 * 1024 * 1024;

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

/** A step that says what is wrong with a script, as the shell would. */
function failing(message: string): Step {
  return { words: [[{ text: syntaxError, expands: false }], [{ text: message, expands: false }]], runs: "always" };
}
const syntaxError = "\0syntax";

/** Lets it run until it waits or is over. */
export function advanceSession(session: Session, place: Place): readonly SessionEffect[] {
  const turn = new Turn(session, place);
  turn.run();
  return turn.effects;
}

/** One turn of a session: what it does and says until it waits. */
class Turn {
  readonly effects: SessionEffect[] = [];

  constructor(
    private readonly session: Session,
    private readonly place: Place,
  ) {}

  run(): void {
    const { session } = this;
    while (!session.over) {
      if (session.waiting === "sleep") break;
      if (session.waiting === "reading") {
        this.read(takeInput(session), session.inputEnded);
        if (session.waiting === "reading") break;
        // An end of input ends this program; on a terminal the shell can be typed to again.
        if (session.terminal) session.inputEnded = false;
      }
      const step = session.steps.shift();
      if (step !== undefined) this.step(step);
      else if (!this.nextCommands()) break;
    }
  }

  /** Reads the next line of a shell that is typed to; false where it has to wait, or is over. */
  private nextCommands(): boolean {
    const { session } = this;
    if (!session.interactive) {
      this.leave(session.status);
      return false;
    }
    const line = takeLine(session);
    if (line === undefined) {
      if (session.inputEnded) this.leave(session.status);
      else {
        if (session.waiting !== "command" && session.terminal) this.say("stdout", prompt);
        session.waiting = "command";
      }
      return false;
    }
    session.waiting = "nothing";
    session.steps = [...stepsOf(line)];
    return true;
  }

  private step(step: Step): void {
    const { session } = this;
    const piped = step.runs === "piped" ? session.piped : nothingPiped;
    session.piped = undefined;
    if (piped === undefined || !this.isDue(step)) return;
    if (step.pipes) session.piped = [];
    const texts = step.words.map((word) => expand(word, session.environment, session.status));
    const assigned = texts.slice(0, leading(step.words, isAssignment)).map((text) => text.split(/=(.*)/s) as [string, string]);
    const [name = "", ...words] = texts.slice(assigned.length);
    if (texts.reduce((sum, { length }) => sum + length, 0) > wordsMax) {
      this.say("stderr", `sh: ${programOf(name).slice(0, 100)}: Argument list too long\n`);
      session.status = 126;
      return;
    }
    if (name === syntaxError) {
      this.say("stderr", `sh: ${words[0]}\n`);
      session.status = 2;
      return;
    }
    const input = this.openFiles(step);
    if (input === undefined) return;
    if (words.length === 0 && name === "") {
      for (const [variable, value] of assigned) session.environment.set(variable, value);
      session.status = 0;
      return;
    }
    // Variables before a command are that command's alone.
    const environment = assigned.length > 0 ? new Map([...session.environment, ...assigned]) : session.environment;
    const inner = shellInvocation([name, ...words]);
    if (inner?.script !== undefined) {
      if (step.pipes || step.runs === "piped" || step.outputs || step.input) {
        this.say("stderr", "sh: this simulated shell does not redirect what a shell inside of it reads or writes\n");
        session.status = 2;
      } else if (++session.innerShells > innerShellsMax) {
        this.say("stderr", "sh: can't fork: Resource temporarily unavailable\n");
        this.leave(2);
      } else session.steps.unshift(...stepsOf(inner.script));
      return;
    }
    const result = runProgram(programOf(name), words, this.place, environment, session.status);
    if (result?.is !== "reading") return this.apply(result, name, step);
    session.reading = { reader: result.reader, step };
    session.waiting = "reading";
    const given = input !== "own" ? input : step.runs === "piped" ? joined(piped) : undefined;
    if (given !== undefined) this.read(given, true);
  }

  private isDue(step: Step): boolean {
    if (step.runs === "always" || step.runs === "piped") return true;
    return (step.runs === "onSuccess") === (this.session.status === 0);
  }

  /** Gives the program that reads what there is. */
  private read(bytes: Uint8Array, isEnd: boolean): void {
    const { session } = this;
    const { reader, step } = session.reading!;
    const { out = nothing, err = "", code } = reader.take(bytes, isEnd);
    if (code !== undefined || isEnd) {
      session.reading = undefined;
      session.waiting = "nothing";
      session.status = code ?? 0;
    }
    this.sayFrom(step, "stdout", out);
    this.sayFrom(step, "stderr", err);
  }

  private apply(result: Exclude<ProgramResult, { readonly is: "reading" }> | undefined, name: string, step: Step): void {
    const { session } = this;
    switch (result?.is) {
      case undefined:
        this.sayFrom(step, "stderr", `sh: ${name}: not found\n`);
        session.status = 127;
        return;
      case "ended":
        session.status = result.code;
        // Complaints first: whoever reads an archive goes when it has its end.
        this.sayFrom(step, "stderr", result.err);
        this.sayFrom(step, "stdout", result.out);
        return;
      case "sleeping":
        session.waiting = "sleep";
        this.effects.push({ type: "sleep", ms: result.ms });
        return;
      case "leaving":
        // What stands in a pipe is a shell of its own.
        session.status = result.code;
        if (step.runs !== "piped" && !step.pipes) this.leave(result.code);
        return;
      case "signalling":
        session.status = 0;
        this.effects.push({ type: "signal", signal: result.signal });
    }
  }

  /** Makes the files to which a step writes, and reads the one from which it reads: its bytes, or "own" where there is none. */
  private openFiles({ outputs, input }: Step): Uint8Array | "own" | undefined {
    const { session } = this;
    const files = filesAt(this.place);
    const fail = (message: string) => {
      this.say("stderr", `sh: ${message}\n`);
      session.status = 1;
      return undefined;
    };
    for (const output of new Set([outputs?.out, outputs?.err])) {
      if (typeof output !== "object") continue;
      const path = this.pathOf(output);
      const wrong = files.write(absolute(path), nothing, { append: output.append });
      if (wrong !== undefined) return fail(`can't create ${path}: ${wrong}`);
    }
    if (input === undefined) return "own";
    const path = expand(input, session.environment, session.status);
    const bytes = files.read(absolute(path));
    return typeof bytes === "string" ? fail(`can't open ${path}: ${bytes}`) : bytes;
  }

  private pathOf({ file }: Exclude<Output, string>): string {
    return expand(file, this.session.environment, this.session.status);
  }

  /** Says something where the step's outputs go. */
  private sayFrom(step: Step, type: "stdout" | "stderr", said: string | Uint8Array): void {
    const { session } = this;
    if (said.length === 0) return;
    const to = type === "stdout" ? (step.outputs?.out ?? "stdout") : (step.outputs?.err ?? "stderr");
    if (typeof to === "object") {
      const path = this.pathOf(to);
      const wrong = filesAt(this.place).write(absolute(path), bytesOf(said), { append: true });
      if (wrong === undefined) return;
      this.say("stderr", `sh: write error: ${wrong}\n`);
      session.status = 1;
    } else if (to === "stdout" && step.pipes && session.piped) {
      const held = session.piped.reduce((sum, one) => sum + one.length, 0);
      if (held + said.length <= containerBytesMax) session.piped.push(bytesOf(said));
    } else if (to !== "nowhere") this.say(to, said);
  }

  private say(type: "stdout" | "stderr", said: string | Uint8Array): void {
    if (said.length === 0) return;
    const text = (bytes: string | Uint8Array) => (typeof bytes === "string" ? bytes : decoder.decode(bytes));
    this.effects.push({ type, bytes: bytesOf(this.session.terminal ? text(said).replaceAll("\n", "\r\n") : said) });
  }

  private leave(code: number): void {
    this.session.over = true;
    this.effects.push({ type: "exit", code });
  }
}

const nothingPiped: readonly Uint8Array[] = [];
const bytesOf = (said: string | Uint8Array) => (typeof said === "string" ? encoder.encode(said) : said);

/** How many words at the beginning are of a kind. */
function leading(words: readonly Word[], isOne: (word: Word) => boolean): number {
  const end = words.findIndex((word) => !isOne(word));
  return end < 0 ? words.length : end;
}

function stepsOf(script: string): readonly Step[] {
  const parsed = parseScript(script);
  return parsed.ok ? parsed.steps : [failing(parsed.message)];
}

/** A sleep has come to its end. */
export function wakeSession(session: Session): void {
  if (session.waiting !== "sleep") return;
  session.waiting = "nothing";
  session.status = 0;
}

/** What a terminal takes of a line that is not ended; the rest is not taken. Source: termios(3), canonical mode. */
const lineMax = 4_095;

/** What was typed or sent; on a terminal it is echoed, and control characters are obeyed. */
export function feedSession(session: Session, bytes: Uint8Array): readonly SessionEffect[] {
  const { terminal } = session;
  if (!terminal) return hold(session, bytes.slice());
  const text = terminal.decoder.decode(bytes, { stream: true });
  let echo = "";
  const effects: SessionEffect[] = [];
  for (const char of text) {
    if (char === "\r" || char === "\n") {
      echo += "\r\n";
      effects.push(...hold(session, encoder.encode(`${terminal.line}\n`)));
      terminal.line = "";
    } else if (char === "\x7f" || char === "\b") {
      if (terminal.line !== "") echo += "\b \b";
      terminal.line = terminal.line.slice(0, -1);
    } else if (char === "\x03") {
      echo += "^C\r\n";
      terminal.line = "";
      interrupt(session, effects);
    } else if (char === "\x04") {
      if (terminal.line === "") session.inputEnded = true;
    } else if (terminal.line.length < lineMax) {
      echo += char;
      terminal.line += char;
    }
  }
  return [...(echo === "" ? [] : [{ type: "stdout", bytes: encoder.encode(echo) } as const]), ...effects];
}

/** Keeps input until it is read; a process that does not read while very much comes is ended. */
function hold(session: Session, bytes: Uint8Array): readonly SessionEffect[] {
  if (session.over) return [];
  session.input.push(bytes);
  session.inputBytes += bytes.length;
  if (session.inputBytes <= unreadBytesMax) return [];
  session.over = true;
  takeInput(session);
  return [
    { type: "stderr", bytes: encoder.encode(`sh: more than ${unreadBytesMax} bytes of input that nobody reads\n`) },
    { type: "exit", code: 1 },
  ];
}

function takeInput(session: Session): Uint8Array {
  const whole = joined(session.input);
  session.input = [];
  session.inputBytes = 0;
  return whole;
}

/** Ctrl-C: ends the program that runs; a shell that is typed to goes on. */
function interrupt(session: Session, effects: SessionEffect[]): void {
  session.steps = [];
  session.status = 130;
  session.reading = undefined;
  if (!session.interactive && session.waiting !== "nothing") {
    session.over = true;
    effects.push({ type: "exit", code: 130 });
  }
  session.waiting = "nothing";
}

function takeLine(session: Session): string | undefined {
  const whole = takeInput(session);
  const end = whole.indexOf(0x0a);
  const length = end < 0 ? (session.inputEnded ? whole.length : 0) : end + 1;
  const rest = whole.subarray(length);
  if (rest.length > 0) {
    session.input = [rest];
    session.inputBytes = rest.length;
  }
  return length === 0 ? undefined : decoder.decode(whole.subarray(0, length)).replace(/\n$/, "");
}
