import { join } from "node:path";
import colors from "picocolors";
import { formatTime } from "../scenarios/history";
import { interruptible } from "./exit";
import { runLive } from "./live/live-run";
import type { Loaded } from "./load";
import { makeOutFolder } from "./out-folder";
import { type RunSummary, summaryOf, verdictText, writeFiles } from "./outcome";
import { consoleOn, timelineText } from "./terminal";

export interface LiveOptions {
  readonly seed: number;
  readonly untilMs: number | undefined;
  readonly processes: boolean;
  readonly out: string | undefined;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** The command that does the same again. */
  readonly again: string;
}

/** A run that was kept waiting for less is as prompt as a live one can be. */
const tellsOfLatenessMs = 500;

/** Said beside the verdict: what is judged by the clock, availability say, is then also a judgement on the machine. */
export function latenessText(lateMs: number): string {
  return `  the machine kept this run waiting for up to ${(lateMs / 1000).toFixed(1)} s: outages and time-outs of that length may be the machine's`;
}

/** Runs a scenario once on a live cluster, telling what happens; an interruption ends it with what was seen so far. */
export async function runOnceLive(loaded: Loaded, options: LiveOptions): Promise<RunSummary> {
  const { seed, untilMs, out, isJson, isQuiet, again } = options;
  const { scenario } = loaded;
  const console = consoleOn(isJson ? process.stderr : process.stdout);
  const say = (text: string) => void (isJson || console.line(text));
  if (out) makeOutFolder(out);
  say(`${colors.bold(scenario.title)}  ${colors.dim(`live, ${scenario.plan.hosts.length} hosts, ${loaded.manifests.length} objects`)}`);
  const { result, wallMs, lateMs, closeUp } = await interruptible((interrupted) =>
    runLive(loaded, {
      seed,
      untilMs,
      processes: options.processes,
      looksClosely: out !== undefined,
      onTimeline: (line) => void (isQuiet || isJson || console.line(timelineText(line))),
      onProgress: (nowUs) => console.status(colors.dim(`${formatTime(nowUs)} …`)),
      interrupted,
    }),
  );
  console.status("");
  const until = untilMs === undefined ? {} : { untilUs: untilMs * 1000 };
  const written = out ? writeFiles(out, loaded, result, { ...until, replayLine: again, closeUp }) : [];
  say(verdictText(result, wallMs, again));
  if (lateMs >= tellsOfLatenessMs) say(latenessText(lateMs));
  if (written.length > 0) say(`  report: ${join(out!, "report.html")}`);
  return summaryOf(result, wallMs);
}
