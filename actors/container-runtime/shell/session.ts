import { isExecutable, type Place, type ProgramResult, runProgram } from "./programs";
import { expand, parseScript, programOf, type Step, shellInvocation } from "./script";

/** What a process wants of its runtime. After `sleep` it goes on when told that the time has passed, otherwise when there is input. */
export type SessionEffect =
  | { readonly type: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "sleep"; readonly ms: number }
  | { readonly type: "signal"; readonly signal: number }
  | { readonly type: "exit"; readonly code: number };

type Waiting = "nothing" | "sleep" | "copy" | "command";

/** A process that a user talks to: a shell, or one program. It is advanced by input and by time, and says what it wants in effects. */
export interface Session {
  readonly environment: Map<string, string>;
  /** Reads further commands when it has none left. */
  readonly interactive: boolean;
  readonly terminal: Terminal | undefined;
  steps: Step[];
  status: number;
  waiting: Waiting;
  /** Input that nobody has read yet. */
  input: string;
  inputEnded: boolean;
  over: boolean;
}

/** The line that is being typed on a terminal. */
interface Terminal {
  line: string;
}

const prompt = "/ # ";

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
    terminal: tty ? { line: "" } : undefined,
    steps: [],
    status: 0,
    waiting: "nothing",
    input: "",
    inputEnded: !stdin,
    over: false,
  };
  if (invocation?.script !== undefined) {
    const parsed = parseScript(invocation.script);
    if (parsed.ok) session.steps = [...parsed.steps];
    else session.steps = [failing(parsed.message)];
  } else if (!invocation) session.steps = [{ words: [name, ...rest].map((text) => [{ text, expands: false }]), runs: "always" }];
  return { ok: true, session };
}

/** A step that says what is wrong with a script, as the shell would. */
function failing(message: string): Step {
  return { words: [[{ text: syntaxError, expands: false }], [{ text: message, expands: false }]], runs: "always" };
}
const syntaxError = "\0syntax";

/** Lets it run until it waits or is over. */
export function advanceSession(session: Session, place: Place): readonly SessionEffect[] {
  const effects: SessionEffect[] = [];
  const say = (type: "stdout" | "stderr", text: string) => {
    if (text !== "") effects.push({ type, text: session.terminal ? text.replaceAll("\n", "\r\n") : text });
  };
  const leave = (code: number) => {
    session.over = true;
    effects.push({ type: "exit", code });
  };
  while (!session.over) {
    if (session.waiting === "sleep") break;
    if (session.waiting === "copy") {
      say("stdout", session.input);
      session.input = "";
      if (!session.inputEnded) break;
      session.waiting = "nothing";
      session.status = 0;
      // An end of input ends this program; on a terminal the shell can be typed to again.
      if (session.terminal) session.inputEnded = false;
    }
    const step = session.steps.shift();
    if (step === undefined) {
      if (!session.interactive) {
        leave(session.status);
        break;
      }
      const line = takeLine(session);
      if (line === undefined) {
        if (session.inputEnded) leave(session.status);
        else {
          if (session.waiting !== "command" && session.terminal) say("stdout", prompt);
          session.waiting = "command";
        }
        break;
      }
      session.waiting = "nothing";
      const parsed = parseScript(line);
      session.steps = parsed.ok ? [...parsed.steps] : [failing(parsed.message)];
      continue;
    }
    if (step.runs !== "always" && (step.runs === "onSuccess") !== (session.status === 0)) continue;
    const [name = "", ...words] = step.words.map((word) => expand(word, session.environment, session.status));
    if (name === syntaxError) {
      say("stderr", `sh: ${words[0]}\n`);
      session.status = 2;
      continue;
    }
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(name);
    if (assignment && words.length === 0) {
      session.environment.set(assignment[1]!, assignment[2]!);
      session.status = 0;
      continue;
    }
    const inner = shellInvocation([name, ...words]);
    if (inner?.script !== undefined) {
      const parsed = parseScript(inner.script);
      session.steps.unshift(...(parsed.ok ? parsed.steps : [failing(parsed.message)]));
      continue;
    }
    const places = step.outputs ?? { out: "stdout", err: "stderr" };
    const sayTo = (type: "stdout" | "stderr", text: string) => {
      const to = type === "stdout" ? places.out : places.err;
      if (to !== "nowhere") say(to, text);
    };
    apply(session, runProgram(programOf(name), words, place, session.environment, session.status), name, sayTo, leave, effects);
  }
  return effects;
}

function apply(
  session: Session,
  result: ProgramResult | undefined,
  name: string,
  say: (type: "stdout" | "stderr", text: string) => void,
  leave: (code: number) => void,
  effects: SessionEffect[],
): void {
  switch (result?.is) {
    case undefined:
      say("stderr", `sh: ${name}: not found\n`);
      session.status = 127;
      return;
    case "ended":
      say("stdout", result.out);
      say("stderr", result.err);
      session.status = result.code;
      return;
    case "sleeping":
      session.waiting = "sleep";
      effects.push({ type: "sleep", ms: result.ms });
      return;
    case "copying":
      session.waiting = "copy";
      return;
    case "leaving":
      return leave(result.code);
    case "signalling":
      session.status = 0;
      effects.push({ type: "signal", signal: result.signal });
  }
}

/** A sleep has come to its end. */
export function wakeSession(session: Session): void {
  if (session.waiting !== "sleep") return;
  session.waiting = "nothing";
  session.status = 0;
}

/** What was typed or sent; on a terminal it is echoed, and control characters are obeyed. */
export function feedSession(session: Session, text: string): readonly SessionEffect[] {
  const { terminal } = session;
  if (!terminal) {
    session.input += text;
    return [];
  }
  let echo = "";
  const effects: SessionEffect[] = [];
  for (const char of text) {
    if (char === "\r" || char === "\n") {
      echo += "\r\n";
      session.input += `${terminal.line}\n`;
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
    } else {
      echo += char;
      terminal.line += char;
    }
  }
  return [...(echo === "" ? [] : [{ type: "stdout", text: echo } as const]), ...effects];
}

/** Ctrl-C: ends the program that runs; a shell that is typed to goes on. */
function interrupt(session: Session, effects: SessionEffect[]): void {
  session.steps = [];
  session.status = 130;
  if (!session.interactive && session.waiting !== "nothing") {
    session.over = true;
    effects.push({ type: "exit", code: 130 });
  }
  session.waiting = "nothing";
}

function takeLine(session: Session): string | undefined {
  const end = session.input.indexOf("\n");
  if (end < 0) {
    if (!session.inputEnded || session.input === "") return undefined;
    const rest = session.input;
    session.input = "";
    return rest;
  }
  const line = session.input.slice(0, end);
  session.input = session.input.slice(end + 1);
  return line;
}
