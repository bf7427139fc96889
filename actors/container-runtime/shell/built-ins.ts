import type { Control, Queued } from "./control";
import { takeLine } from "./input";
import { type Step, stepsOf } from "./script";
import type { Session } from "./session";

/** What a built-in command may do to the shell that it runs in. */
export interface Shell {
  readonly session: Session;
  /** Lets something come next, before all else. */
  before(...steps: readonly Queued[]): void;
  /** Leaves what is left up to a place, which stays; false where there is none before one of the kinds `within`, or at all. */
  unwind(isPlace: (control: Control) => boolean, within: ReadonlySet<Control["control"]>): boolean;
  exit(code: number): void;
  say(type: "stdout" | "stderr", said: string): void;
}

const nothing = new Uint8Array(0);
const decoder = new TextDecoder();

/** What only the shell itself can do; false where it is something else. */
export function builtIn(shell: Shell, name: string, words: readonly string[], step: Step, given: Uint8Array | undefined): boolean {
  const { session } = shell;
  session.failed = false;
  switch (name) {
    case "break":
    case "continue": {
      const isLoop = ({ control }: Control) => control === "again" || control === "each";
      for (
        let left = Math.max(1, Number(words[0]) || 1);
        left > 0 && shell.unwind(isLoop, new Set(["shell", "returned", "captured"]));
        left--
      )
        if (left > 1 || name === "break") session.steps.shift();
      session.status = 0;
      return true;
    }
    case "return": {
      const code = words[0] === undefined ? session.status : Number(words[0]) & 255;
      session.status = code;
      if (!shell.unwind(({ control }) => control === "returned", new Set(["shell", "captured"]))) shell.exit(code);
      return true;
    }
    case "shift":
      session.positional = session.positional.slice(Number(words[0] ?? 1));
      session.status = 0;
      return true;
    case "unset":
      for (const word of words) session.environment.delete(word);
      session.status = 0;
      return true;
    case "local":
      for (const word of words) if (word.includes("=")) session.environment.set(...(word.split(/=(.*)/s) as [string, string]));
      session.status = 0;
      return true;
    case "eval":
      shell.before(...stepsOf(words.join(" ")));
      return true;
    case "set":
      set(shell, words);
      return true;
    case "read":
      readLine(shell, words, step, given);
      return true;
    default:
      return false;
  }
}

function set({ session, say }: Shell, words: readonly string[]): void {
  session.status = 0;
  const [flags = "", ...rest] = words;
  if (flags === "--") session.positional = rest;
  else if (!/^[-+][ex]+$/.test(flags)) {
    say("stderr", `sh: set: this simulated shell does not know ${flags}\n`);
    session.status = 2;
  } else {
    if (flags.includes("e")) session.strict = flags.startsWith("-");
    if (flags.includes("x")) session.traces = flags.startsWith("-");
  }
}

/** read NAME…: a line of what there is to read, its words to one variable each, and what is left to the last. */
function readLine({ session, before }: Shell, words: readonly string[], step: Step, given: Uint8Array | undefined): void {
  const names = words.filter((word) => !word.startsWith("-"));
  const frame = given === undefined ? session.frames.findLast(({ input }) => input !== undefined) : undefined;
  let line: string | undefined;
  if (given !== undefined || frame) {
    const bytes = given ?? frame!.input!;
    const end = bytes.indexOf(0x0a);
    line = bytes.length === 0 ? undefined : decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
    if (frame) frame.input = end < 0 ? nothing : bytes.subarray(end + 1);
  } else {
    line = takeLine(session);
    if (line === undefined && !session.inputEnded) {
      session.waiting = "line";
      return before({ ...step, runs: "always" });
    }
  }
  session.status = line === undefined ? 1 : 0;
  const parts = (line ?? "").trim().split(/[ \t]+/);
  for (const [index, name] of (names.length === 0 ? ["REPLY"] : names).entries())
    session.environment.set(name, index === names.length - 1 ? parts.slice(index).join(" ") : (parts[index] ?? ""));
}
