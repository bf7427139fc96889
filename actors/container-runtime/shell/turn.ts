import { builtIn, type Shell } from "./built-ins";
import { type Control, type Frame, type FrameOutput, filledIn, judges, type Loop, pendingPiece, type Queued, withPiece } from "./control";
import { joined } from "./files";
import { takeInput, takeLine } from "./input";
import type { Place, ProgramResult } from "./program";
import { runProgram } from "./programs/programs";
import { type Compound, type Output, programOf, type Step, shellInvocation, stepsOf, syntaxError } from "./script";
import type { Session, SessionEffect } from "./session";
import { Streams } from "./streams";
import { expand, fieldsOf, matchesPattern, wordsMax } from "./words";

/** A script that runs itself would go on for ever: nothing else has a turn meanwhile. */
const innerShellsMax = 1_000;
/** Functions in functions, and commands in commands that are left, before a shell gives up. */
const leftMax = 6_000;
/** After so many steps others have a turn, as if the processor had been taken away for a while. */
const stepsPerTurn = 2_000;
const pauseMs = 100;
const prompt = "/ # ";
const nothing = new Uint8Array(0);
const nothingPiped: Uint8Array[] = [];
const decoder = new TextDecoder();

/** One turn of a session: what it does and says until it waits. */
export class Turn {
  private readonly streams: Streams;
  private readonly shell: Shell;
  private taken = 0;

  constructor(
    private readonly session: Session,
    private readonly place: Place,
  ) {
    this.streams = new Streams(session, place);
    this.shell = {
      session,
      before: (...steps) => this.before(...steps),
      unwind: (isPlace, within) => this.unwind(isPlace, within),
      exit: (code) => this.exit(code),
      say: (type, said) => this.say(type, said),
    };
  }

  get effects(): readonly SessionEffect[] {
    return this.streams.effects;
  }

  run(): void {
    const { session } = this;
    while (!session.over) {
      if (session.waiting === "sleep" || session.waiting === "pause" || session.waiting === "answer") break;
      if (session.answered) {
        const { step, name, result } = session.answered;
        session.answered = undefined;
        this.apply(result, name, step);
        continue;
      }
      if (session.waiting === "line") {
        if (!session.inputEnded && !session.input.some((bytes) => bytes.includes(0x0a))) break;
        session.waiting = "nothing";
      }
      if (session.waiting === "reading") {
        this.read(takeInput(session), session.inputEnded);
        if (session.waiting === "reading") break;
        // An end of input ends this program; on a terminal the shell can be typed to again.
        if (session.terminal) session.inputEnded = false;
        continue;
      }
      if (++this.taken > stepsPerTurn) {
        session.waiting = "pause";
        this.streams.effects.push({ type: "sleep", ms: pauseMs });
        break;
      }
      const [next] = session.steps;
      if (session.strict && session.failed && (next === undefined || !judges(next))) {
        session.failed = false;
        this.exit(session.status);
        continue;
      }
      session.steps.shift();
      if (next === undefined) {
        if (!this.nextCommands()) break;
      } else if ("control" in next) this.control(next);
      else this.step(next);
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
    if (piped === undefined || !this.isDue(step)) {
      session.piped = undefined;
      session.failed = false;
      return;
    }
    const piece = pendingPiece(step);
    if (piece) {
      const due: Step = step.runs === "piped" ? step : { ...step, runs: "always" };
      const { environment } = session;
      session.environment = new Map(environment);
      session.frames.push({ out: "held", err: "stderr", held: [], heldBytes: 0, input: undefined });
      this.before(...piece.commands!, { control: "captured", step: due, piece, piped: session.piped, environment });
      return;
    }
    session.piped = undefined;
    if (step.negated) this.before({ control: "negate" });
    if (step.compound) return this.compound(step, step.compound, piped);
    if (step.pipes) session.piped = [];
    const { words, assigned } = filledIn(step, session);
    const [name = "", ...args] = words;
    if (words.reduce((sum, { length }) => sum + length, 0) + assigned.reduce((sum, [, { length }]) => sum + length, 0) > wordsMax) {
      this.say("stderr", `sh: ${programOf(name).slice(0, 100)}: Argument list too long\n`);
      session.status = 126;
      return;
    }
    if (name === syntaxError) {
      this.say("stderr", `sh: ${args[0]}\n`);
      session.status = 2;
      return;
    }
    const body = session.functions.get(name);
    if (body) return this.inside(step, piped, args, body);
    const inner = shellInvocation(words);
    if (inner?.script !== undefined) {
      if (++session.innerShells > innerShellsMax) {
        this.say("stderr", "sh: can't fork: Resource temporarily unavailable\n");
        return this.leave(2);
      }
      return this.inside(step, piped, [], stepsOf(inner.script), true);
    }
    const input = this.streams.openFiles(step);
    if (input === undefined) return;
    if (words.length === 0) {
      for (const [variable, value] of assigned) session.environment.set(variable, value);
      if (step.words.every((word) => word.every(({ text, splits }) => !splits || text !== ""))) session.status = 0;
      return;
    }
    if (session.traces) this.say("stderr", `+ ${words.join(" ")}\n`);
    const given = input !== "own" ? input : step.runs === "piped" ? joined(piped) : undefined;
    if (builtIn(this.shell, name, args, step, given)) return;
    // Variables before a command are that command's alone.
    const environment = assigned.length > 0 ? new Map([...session.environment, ...assigned]) : session.environment;
    const result = runProgram(programOf(name), args, this.place, environment, session.status);
    if (result?.is !== "reading") return this.apply(result, name, step);
    session.reading = { reader: result.reader, step };
    session.waiting = "reading";
    const rest = given ?? this.streams.takeFrameInput();
    if (rest !== undefined) this.read(rest, true);
  }

  private isDue(step: Step): boolean {
    if (step.runs === "always" || step.runs === "piped") return true;
    return (step.runs === "onSuccess") === (this.session.status === 0);
  }

  /** What is to come next, before all else. */
  private before(...steps: readonly Queued[]): void {
    const { session } = this;
    session.steps.unshift(...steps);
    if (session.steps.length <= leftMax) return;
    this.say("stderr", "sh: out of memory\n");
    this.leave(2);
  }

  private compound(step: Step, compound: Compound, piped: Uint8Array[]): void {
    const { session } = this;
    const ownShell = compound.is === "group" && compound.ownShell;
    if (!this.openFrame(step, piped, ownShell)) return;
    session.failed = false;
    switch (compound.is) {
      case "group":
        return this.before(...compound.body);
      case "if":
        return this.branch(compound.branches, compound.otherwise);
      case "while":
        session.status = 0;
        return this.loop(compound, 0);
      case "for": {
        const values = compound.words?.flatMap((word) => fieldsOf(word, session)) ?? session.positional;
        session.status = 0;
        return this.before({ control: "each", name: compound.name, values, at: 0, body: compound.body });
      }
      case "case": {
        const text = expand(compound.word, session);
        const clause = compound.clauses.find(({ patterns }) => patterns.some((pattern) => matchesPattern(pattern, session, text)));
        session.status = 0;
        return this.before(...(clause?.body ?? []));
      }
      case "function":
        session.functions.set(compound.name, compound.body);
        session.status = 0;
    }
  }

  /** Runs a function, or a shell inside of this one. */
  private inside(step: Step, piped: Uint8Array[], args: readonly string[], body: readonly Step[], ownShell = false): void {
    const { session } = this;
    if (!this.openFrame(step, piped, ownShell)) return;
    this.before(...body, { control: "returned", positional: session.positional });
    session.positional = args;
  }

  /** What is redirected or stands in a pipe as a whole has places of its own, and in a pipe variables of its own. */
  private openFrame(step: Step, piped: Uint8Array[], ownShell: boolean): boolean {
    const { session } = this;
    const isPiped = step.runs === "piped";
    if (step.pipes || isPiped || step.outputs || step.input || step.here) {
      const given = this.streams.openFiles(step);
      if (given === undefined) return false;
      const place = (output: Output, isOut: boolean): FrameOutput => {
        if (typeof output === "object") return { path: expand(output.file, session) };
        return output === "stdout" && isOut && step.pipes ? "held" : output;
      };
      const frame: Frame = {
        out: place(step.outputs?.out ?? "stdout", true),
        err: place(step.outputs?.err ?? "stderr", false),
        held: [],
        heldBytes: 0,
        input: given !== "own" ? given : isPiped ? joined(piped) : undefined,
      };
      session.frames.push(frame);
      this.before({ control: "frame", pipes: step.pipes === true });
    }
    if (ownShell || step.pipes || isPiped) {
      const { environment, positional } = session;
      session.environment = new Map(environment);
      this.before({ control: "shell", environment, positional });
    }
    return true;
  }

  private branch(
    branches: readonly { readonly test: readonly Step[]; readonly body: readonly Step[] }[],
    otherwise: readonly Step[],
  ): void {
    const [branch, ...others] = branches;
    if (branch) this.before(...branch.test, { control: "branch", branch, others, otherwise });
    else {
      this.session.status = 0;
      this.before(...otherwise);
    }
  }

  private loop(loop: Loop, status: number): void {
    this.before(...loop.test, { control: "tested", loop, status });
  }

  private control(control: Control): void {
    const { session } = this;
    const { status } = session;
    session.failed = false;
    switch (control.control) {
      case "branch":
        if (status === 0) return this.before(...control.branch.body);
        return this.branch(control.others, control.otherwise);
      case "tested":
        if ((status === 0) !== control.loop.until) return this.before(...control.loop.body, { control: "again", loop: control.loop });
        session.status = control.status;
        return;
      case "again":
        return this.loop(control.loop, status);
      case "each": {
        const value = control.values[control.at];
        if (value === undefined) return;
        session.environment.set(control.name, value);
        return this.before(...control.body, { ...control, at: control.at + 1 });
      }
      case "negate":
        session.status = Number(status === 0);
        return;
      case "captured": {
        const { held } = this.close(control)!;
        session.piped = control.piped;
        const text = decoder.decode(joined(held)).replaceAll("\0", "").replace(/\n+$/, "");
        return this.before(withPiece(control.step, control.piece, text));
      }
      case "frame": {
        const { held } = this.close(control)!;
        if (control.pipes) session.piped = held;
        return;
      }
      case "returned":
      case "shell":
        this.close(control);
    }
  }

  /** Takes back what a part of the script had of its own; the frame, where it had one. */
  private close(control: Control): Frame | undefined {
    const { session } = this;
    if (control.control === "shell" || control.control === "captured") session.environment = new Map(control.environment);
    if (control.control === "shell" || control.control === "returned") session.positional = control.positional;
    return control.control === "frame" || control.control === "captured" ? session.frames.pop() : undefined;
  }

  /** Leaves what is left up to a place, which stays; false where there is none before a function, a shell or the whole ends. */
  private unwind(isPlace: (control: Control) => boolean, within: ReadonlySet<Control["control"]>): boolean {
    const { session } = this;
    const at = session.steps.findIndex((step) => "control" in step && (isPlace(step) || within.has(step.control)));
    const place = session.steps[at];
    if (place === undefined || !("control" in place) || !isPlace(place)) return false;
    for (const step of session.steps.splice(0, at)) if ("control" in step) this.close(step);
    return true;
  }

  private exit(code: number): void {
    this.session.status = code;
    const isShell = ({ control }: Control) => control === "shell" || control === "captured";
    if (!this.unwind(isShell, new Set())) this.leave(code);
  }

  /** Gives the program that reads what there is. */
  private read(bytes: Uint8Array, isEnd: boolean): void {
    const { session } = this;
    const { reader, step } = session.reading!;
    const { out = nothing, err = "", code, next } = reader.take(bytes, isEnd);
    if (code !== undefined || isEnd || next) {
      session.reading = undefined;
      session.waiting = "nothing";
      this.end(code ?? 0);
    }
    this.streams.sayFrom(step, "stdout", out);
    this.streams.sayFrom(step, "stderr", err);
    if (next) this.apply(next, "", step);
  }

  private end(code: number): void {
    this.session.status = code;
    this.session.failed = code !== 0;
  }

  private apply(result: ProgramResult | undefined, name: string, step: Step): void {
    const { session } = this;
    switch (result?.is) {
      case undefined:
        this.streams.sayFrom(step, "stderr", `sh: ${name}: not found\n`);
        this.end(127);
        return;
      case "ended":
        this.end(result.code);
        // Complaints first: whoever reads an archive goes when it has its end.
        this.streams.sayFrom(step, "stderr", result.err);
        this.streams.sayFrom(step, "stdout", result.out);
        return;
      case "sleeping":
        session.waiting = "sleep";
        this.streams.effects.push({ type: "sleep", ms: result.ms });
        return;
      case "asking":
        session.waiting = "answer";
        session.asking = { id: ++session.asks, step, name, then: result.then };
        this.streams.effects.push({ type: "ask", id: session.asks, ask: result.ask });
        return;
      case "leaving":
        // What stands in a pipe is a shell of its own.
        session.status = result.code;
        if (step.runs !== "piped" && !step.pipes) this.exit(result.code);
        return;
      case "signalling":
        session.status = 0;
        this.streams.effects.push({ type: "signal", signal: result.signal });
        return;
      case "reading":
        throw new Error("a program reads before it asks");
    }
  }

  private say(type: "stdout" | "stderr", said: string): void {
    this.streams.say(type, said);
  }

  private leave(code: number): void {
    this.session.over = true;
    this.streams.effects.push({ type: "exit", code });
  }
}
