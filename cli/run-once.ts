import { writeFileSync } from "node:fs";
import { join } from "node:path";
import colors from "picocolors";
import { formatTime } from "../scenarios/history";
import { type ActorState, actorStates, statesText } from "./actor-states";
import { type Breakpoint, readBreakpoint } from "./breakpoint";
import { interruptible } from "./exit";
import type { Loaded } from "./load";
import { plantedMutant } from "./mutants/planted";
import { type RunSummary, summaryOf, verdictText, writeOut } from "./outcome";
import { simulate } from "./simulate";
import { consoleOn, timelineText } from "./terminal";

export interface OnceOptions {
  readonly seed: number;
  readonly untilMs: number | undefined;
  readonly breakpoint: string | undefined;
  /** The folder for what it leaves behind. */
  readonly out: string | undefined;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** The command that repeats it where nothing is left behind. */
  readonly again: string;
  /** What is said of it beside its seed. */
  readonly note: string;
}

/** Runs a scenario once, telling what happens; where it is stopped in the middle every actor's state is shown. Throws Interrupted. */
export async function runOnce(loaded: Loaded, options: OnceOptions): Promise<RunSummary & { readonly states?: readonly ActorState[] }> {
  const { scenario } = loaded;
  const { seed, untilMs, out, isJson, isQuiet } = options;
  const console = consoleOn(isJson ? process.stderr : process.stdout);
  const say = (text: string) => void (isJson || console.line(text));
  const stops: Breakpoint = options.breakpoint === undefined ? {} : readBreakpoint(options.breakpoint, loaded);
  const inTheMiddle = untilMs !== undefined || options.breakpoint !== undefined;
  const untilUs = untilMs === undefined ? undefined : untilMs * 1000;
  const about = `seed ${seed}${options.note}, ${scenario.plan.hosts.length} hosts, ${loaded.manifests.length} objects`;
  say(`${colors.bold(scenario.title)}  ${colors.dim(about)}`);
  const mutant = plantedMutant();
  if (mutant) say(colors.magenta(`planted ${mutant.id}: ${mutant.title}`));
  const almighty = scenario.operators.filter(({ serviceAccount }) => serviceAccount === undefined).map(({ name }) => name);
  if (almighty.length > 0)
    say(colors.dim(`${almighty.join(", ")} without a serviceAccount: a member of system:masters, so that no permission can be missing`));
  let states: readonly ActorState[] = [];
  const { result, wallMs } = await interruptible((interrupted) =>
    simulate(loaded, {
      seed,
      ...(untilUs === undefined ? {} : { untilUs }),
      ...(stops.event === undefined ? {} : { stopEvent: stops.event }),
      ...(stops.condition === undefined ? {} : { breakpoint: stops.condition }),
      onTimeline: (line) => void (isQuiet || isJson || console.line(timelineText(line))),
      onProgress: (nowUs) => console.status(colors.dim(`${formatTime(nowUs)} …`)),
      interrupted,
      onStopped: (run) => {
        if (inTheMiddle) states = actorStates(run.simulation);
      },
    }),
  );
  console.status("");
  const decided = { ...(untilUs === undefined ? {} : { untilUs }), ...(result.stopEvent === null ? {} : { stopEvent: result.stopEvent }) };
  const written = out ? await interruptible((interrupted) => writeOut(out, loaded, result, decided, interrupted)) : [];
  if (out && states.length > 0) writeFileSync(join(out, "states.json"), JSON.stringify(states, null, 1));
  if (states.length > 0) {
    const when = `stopped at ${formatTime(result.virtualMs * 1000)}, after event ${result.traceEvents} of the trace`;
    say(`\n${colors.bold(when)}\n${statesText(states, process.stdout.columns ?? 140)}`);
  }
  if (untilUs !== undefined && !result.stopped) say(colors.yellow(`\nthe run was over before ${formatTime(untilUs)}`));
  if (options.breakpoint !== undefined && result.stopEvent === null) say(colors.yellow("\nthe breakpoint was not reached"));
  say(verdictText(result, wallMs, out ? `npx wavetank replay ${join(out, "run.json")}` : options.again));
  if (written.length > 0) say(`  report: ${written[0]}`);
  return { ...summaryOf(result, wallMs), ...(inTheMiddle ? { stoppedAtEvent: result.traceEvents, states } : {}) };
}
