import colors from "picocolors";
import { cutText } from "../scenarios/language/plan";
import { Interrupted } from "./exit";
import type { Loaded } from "./load";
import { causeOf, type RunSummary, summaryOf, writeOut } from "./outcome";
import { type Done, type Job, runSeeds } from "./seeds";
import { cutAt } from "./simulate";
import type { Console } from "./terminal";

export interface ExploreOptions {
  readonly loaded: Loaded;
  readonly jobs: Iterable<Job>;
  readonly total: number;
  readonly workers: number;
  readonly untilUs: number | undefined;
  /** No run is begun after the first violation. */
  readonly failFast: boolean;
  /** The shortest run that is violated is written there. */
  readonly out: string | undefined;
  readonly console: Console;
  readonly isJson: boolean;
  /** The command that repeats one run by itself. */
  readonly again: (job: Job) => string;
  readonly interrupted: () => boolean;
}

const progressEveryMs = 30_000;

/** Runs many seeds, or all cuts of a plan: tells progress and each violation, keeps the shortest run that fails. Throws Interrupted after its summary. */
export async function explore(options: ExploreOptions): Promise<readonly RunSummary[]> {
  const { loaded, console, isJson, total, out } = options;
  const summaries: RunSummary[] = [];
  const startedMs = performance.now();
  let toldMs = startedMs;
  let shortest: Done | undefined;
  let violated = 0;
  const tell = (done: Done) => {
    const { job, result } = done;
    violated++;
    if (!shortest || isShorter(done, shortest)) shortest = done;
    if (isJson) return;
    const which = job.cut ? `cut ${cutText(job.cut, loaded.scenario.cuts!)}` : `seed ${result.seed}`;
    console.line(`${colors.red("violated")}  ${which}: ${causeOf(result)}`);
    console.line(`          ${options.again(job)}`);
  };
  const onDone = (done: Done): boolean => {
    const { job, result, wallMs } = done;
    const cut = job.cut && loaded.scenario.cuts ? { cut: cutText(job.cut, loaded.scenario.cuts) } : {};
    summaries.push({ ...summaryOf(result, wallMs), ...cut });
    if (result.verdict === "violated") tell(done);
    const progress = colors.dim(progressText(summaries, total, violated, performance.now() - startedMs));
    console.status(progress);
    // Where there is no terminal a line now and then shows that it goes on.
    if (!console.isTerminal && performance.now() - toldMs >= progressEveryMs) {
      toldMs = performance.now();
      if (!isJson) console.line(progress);
    }
    return !(options.failFast && result.verdict === "violated");
  };
  // The first run of a large cluster may take long.
  console.status(colors.dim(`0 of ${total} runs, the first ${options.workers > 1 ? `${options.workers} are` : "is"} under way`));
  let gaveUp = false;
  try {
    await runSeeds({ ...options, onDone });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    gaveUp = true;
  }
  console.status("");
  const order = new Map([...summaries].sort((a, b) => a.seed - b.seed).map((summary, i) => [summary, i]));
  summaries.sort((a, b) => order.get(a)! - order.get(b)!);
  const decided = options.untilUs === undefined ? {} : { untilUs: options.untilUs };
  if (shortest && out) console.status(colors.dim(`writing the report of seed ${shortest.job.seed}`));
  const kept = shortest && out ? await writeOut(out, cutAt(loaded, shortest.job.cut), shortest.result, decided) : [];
  console.status("");
  if (!isJson) {
    console.line(summaryText(loaded, summaries, performance.now() - startedMs));
    if (summaries.length < total) console.line(`  ${total - summaries.length} of ${total} were not run`);
    if (kept.length > 0) console.line(`  the shortest that is violated, seed ${shortest!.result.seed}:\n  npx wavetank replay ${kept[1]}`);
    else if (shortest) console.line(`  ${options.again(shortest.job)}`);
  }
  if (gaveUp) throw new Interrupted();
  return summaries;
}

/** Fewer steps, or as many and a sooner violation: what people want to read. */
function isShorter(a: Done, b: Done): boolean {
  const [stepsA, stepsB] = [a.result.schedule.length, b.result.schedule.length];
  if (stepsA !== stepsB) return stepsA < stepsB;
  return a.result.events < b.result.events || (a.result.events === b.result.events && a.job.seed < b.job.seed);
}

function progressText(summaries: readonly RunSummary[], total: number, violated: number, wallMs: number): string {
  const perMinute = summaries.length / (wallMs / 60_000);
  const left = Math.round(((total - summaries.length) / perMinute) * 60);
  const time = left >= 3600 ? `${(left / 3600).toFixed(1)} h` : left >= 60 ? `${Math.round(left / 60)} min` : `${left} s`;
  return `${summaries.length} of ${total} runs, ${violated} violated, ${perMinute.toFixed(1)} a minute, ${time} left`;
}

/** Many runs in a few lines: how many held, which checks failed and where, how fast it went. */
function summaryText({ scenario }: Loaded, summaries: readonly RunSummary[], wallMs: number): string {
  const violated = summaries.filter(({ verdict }) => verdict === "violated");
  const byCheck = new Map<string, string[]>();
  for (const { checks, seed, cut } of violated)
    for (const { name, verdict } of checks)
      if (verdict === "violated") byCheck.set(name, [...(byCheck.get(name) ?? []), cut ? `"${cut}"` : String(seed)]);
  const distinct = new Set(summaries.map(({ traceHash }) => traceHash)).size;
  const virtualMs = summaries.reduce((sum, one) => sum + one.virtualMs, 0);
  const what = summaries.some(({ cut }) => cut !== undefined) ? "runs" : "seeds";
  return [
    "",
    `${scenario.name}: ${summaries.length - violated.length} of ${summaries.length} ${what} held, ${distinct} different traces`,
    ...[...byCheck].map(
      ([name, where]) => `  ${colors.red("violated")}  ${name}: ${what} ${where.slice(0, 10).join(", ")}${where.length > 10 ? ", …" : ""}`,
    ),
    `  ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(wallMs / 1000).toFixed(1)} s, ${((summaries.length * 60_000) / wallMs).toFixed(1)} runs a minute`,
  ].join("\n");
}
