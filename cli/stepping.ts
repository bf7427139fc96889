import { createInterface } from "node:readline/promises";
import colors from "picocolors";
import { parseDurationMs } from "../protocol/kinds/duration";
import { formatTime } from "../scenarios/history";
import { Run, type RunResult } from "../scenarios/run";
import { readStep } from "../scenarios/scenario";
import { actorStates, statesText } from "./actor-states";
import { readBreakpoint } from "./breakpoint";
import { tuneForSimulation } from "./engine";
import { InputError } from "./exit";
import type { Loaded } from "./load";
import { breathe, inputOf, type SimulateOptions } from "./simulate";
import { type Console, timelineText } from "./terminal";

/** What can be said at the prompt. Its first letter is enough. */
const commands = [
  ["step [N]", "lets one event of the trace happen, or N"],
  ["next", "goes on to the next line of the timeline"],
  ["continue [BREAKPOINT]", "goes on until this comes true (as --breakpoint of `run` has it), or to the end"],
  ["until TIME", "goes on to that virtual time"],
  ["print [ACTOR]", "shows the state of an actor, or of all whose names begin so, or of all"],
  ["where", "says when it is and which events came last"],
  [
    "inject STEP",
    "takes a step of a storm here, such as { fault: crash, target: { role: etcd, is: leader }, for: 5s }: from then on it is another run",
  ],
  ["quit", "ends the run here"],
  ["help", "says this"],
] as const;

const linesKept = 1_000_000;
const lastShown = 8;

/** A run that somebody walks through. */
export class Stepping {
  private readonly run: Run;
  /** Lines of the timeline so far. */
  private lines = 0;
  /** Whether a step was taken that the recorded run does not have. */
  isChanged = false;

  constructor(
    private readonly loaded: Loaded,
    private readonly options: SimulateOptions,
    private readonly console: Console,
  ) {
    tuneForSimulation();
    const { untilUs: _, stopEvent: __, ...others } = options;
    this.run = new Run(
      inputOf(loaded, {
        ...others,
        keepTraceLines: lastShown,
        onTimeline: (line) => {
          this.lines++;
          console.line(timelineText(line));
        },
      }),
    );
    this.run.begin();
  }

  /** Reads commands until the run is over or nobody says anything any more; then the rest of it happens. */
  async walk(input: NodeJS.ReadableStream & { isTTY?: boolean }): Promise<RunResult> {
    const prompt = createInterface({ input, ...(input.isTTY ? { output: process.stdout } : {}), prompt: "" });
    this.console.line(colors.dim("`help` says what can be done here"));
    const ask = () => {
      prompt.setPrompt(`${this.place()}> `);
      if (input.isTTY) prompt.prompt();
    };
    ask();
    for await (const line of prompt) {
      await this.obey(line.trim()).catch((error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        this.console.line(colors.red(error.message));
      });
      if (this.run.course.result) break;
      ask();
    }
    prompt.close();
    await this.goOn(() => false);
    return this.run.result();
  }

  private place(): string {
    const { course, simulation } = this.run;
    return `${formatTime(simulation.now())} event ${simulation.trace.count} ${course.currentAct}`;
  }

  private async obey(line: string): Promise<void> {
    const [, word = "", rest = ""] = /^(\S*)\s*(.*)$/.exec(line)!;
    const name = commands.map(([usage]) => usage.split(" ")[0]!).find((one) => word !== "" && one.startsWith(word));
    switch (name) {
      case "step":
        return this.step(rest);
      case "next": {
        const from = this.lines;
        return this.goOn(() => this.lines > from);
      }
      case "continue":
        return this.continue(rest);
      case "until": {
        const ms = parseDurationMs(rest);
        if (ms === undefined) throw new InputError(`until ${rest}: expected a duration such as "90s"`);
        return this.goOn(() => false, ms * 1000);
      }
      case "print":
        return this.print(rest);
      case "where":
        for (const last of this.run.simulation.trace.lines()) this.console.line(colors.dim(last));
        return this.console.line(this.place());
      case "inject":
        return this.inject(rest);
      case "quit":
        return this.run.course.stop(this.run.simulation.trace.count);
      case "help":
        for (const [usage, what] of commands) this.console.line(`  ${usage.padEnd(22)} ${what}`);
        return;
      default:
        if (line !== "")
          throw new InputError(`unknown command "${word}": expected ${commands.map(([usage]) => usage.split(" ")[0]).join(", ")}`);
    }
  }

  private async step(text: string): Promise<void> {
    const { trace } = this.run.simulation;
    const count = text === "" ? 1 : Number(text);
    if (!Number.isSafeInteger(count) || count < 1 || count > linesKept)
      throw new InputError(`step ${text}: expected a whole number, 1 or more`);
    const to = trace.count + count;
    await this.goOn(() => trace.count >= to);
    for (const line of trace.lines().slice(-Math.min(count, lastShown))) this.console.line(colors.dim(line));
  }

  private async continue(text: string): Promise<void> {
    if (text === "") return this.goOn(() => false);
    const { course, simulation } = this.run;
    const { event = Number.POSITIVE_INFINITY, condition } = readBreakpoint(text, this.loaded);
    course.lookOutFor(condition);
    await this.goOn(() => simulation.trace.count >= event || course.reachedBreakpoint);
    if (course.result) this.console.line(colors.yellow("the breakpoint was not reached"));
    course.lookOutFor(undefined);
  }

  private print(name: string): void {
    const states = actorStates(this.run.simulation).filter(({ actor }) => actor.startsWith(name));
    if (states.length === 0) throw new InputError(`print ${name}: no actor that runs has a name that begins so`);
    this.console.line(statesText(states, process.stdout.columns ?? 140));
  }

  private inject(text: string): void {
    const step = readStep(text, this.loaded.scenario);
    if (!("type" in step)) throw new InputError(step.map((why) => `inject: ${why}`).join("\n"));
    if (!this.run.course.inject(step)) throw new InputError("inject: there is no storm now");
    this.isChanged = true;
  }

  /** Lets events happen until one of these: `isThere` says so after an event, that time has come, the run is over where it was when it was recorded. */
  private async goOn(isThere: () => boolean, toUs = Number.POSITIVE_INFINITY): Promise<void> {
    const { run } = this;
    const { course, simulation } = run;
    const { untilUs = Number.POSITIVE_INFINITY, stopEvent = Number.POSITIVE_INFINITY } = this.options;
    const endUs = Math.min(toUs, untilUs);
    let there = false;
    await breathe(() => {
      if (course.result !== undefined || there || simulation.now() >= endUs) return false;
      simulation.runUntil(Math.min(endUs, simulation.now() + 500_000), () => {
        there = course.result === undefined && isThere();
        return there || course.result !== undefined || simulation.trace.count >= stopEvent;
      });
      return true;
    });
    if (course.result === undefined && simulation.trace.count >= stopEvent) course.stop(simulation.trace.count);
    else if (course.result === undefined && simulation.now() >= untilUs) course.stop();
  }
}
