import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import colors from "picocolors";
import { parseDurationMs } from "../protocol/kinds/duration";
import { formatTime } from "../scenarios/history";
import type { RunResult } from "../scenarios/run";
import { exit, interruptible } from "./exit";
import { type Loaded, loadScenario } from "./load";
import { compileMutant, mutantNamed } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { makeOutFolder } from "./out-folder";
import { causeOf, type RunSummary, summaryOf, verdictText, writeOut } from "./outcome";
import { runSeeds } from "./seeds";
import { simulate } from "./simulate";
import { consoleOn, timelineText } from "./terminal";

interface RunOptions {
  readonly seed?: number;
  readonly seeds?: readonly [number, number];
  readonly workers: number;
  readonly until?: number;
  readonly mutant?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `wavetank run SCENARIO…` */
export function addRun(program: Command): void {
  program
    .command("run")
    .description(
      "simulates scenarios and judges them; exit status 0 when every check held, 1 when one is violated, 2 when the input is wrong",
    )
    .argument("<scenario...>", "scenario files")
    .addOption(new Option("--seed <n>", "the seed, which decides everything").argParser(wholeNumber).conflicts("seeds"))
    .addOption(new Option("--seeds <a..b>", "every seed from a to b, with a summary").argParser(seedRange))
    .addOption(new Option("--workers <n>", "worker threads for many seeds").argParser(positive).default(1))
    .addOption(new Option("--until <time>", 'stop at this virtual time, such as "90s"').argParser(duration))
    .option("--mutant <file>", "plant this bug (a file, or the id of one that `list mutants` has) and run with it")
    .option("--out <dir>", "write report.html, run.json, junit.xml and trace.json there")
    .option("--json", "print one JSON object (an array for many runs) instead of the timeline")
    .option("--quiet", "print the verdict without the timeline")
    .action(async (files: string[], options: RunOptions) => {
      if (options.mutant !== undefined && !plantedMutant()) return exit(await runAgainWith(compileMutant(mutantNamed(options.mutant))));
      const loaded = files.map((file) => ({ file, ...loadScenario(file) }));
      if (options.out) makeOutFolder(options.out);
      const summaries: RunSummary[] = [];
      for (const one of loaded)
        summaries.push(...(options.seeds ? await many(one, options, options.seeds) : [await once(one, options, loaded.length > 1)]));
      if (options.json)
        process.stdout.write(`${JSON.stringify(summaries.length === 1 && !options.seeds ? summaries[0] : summaries, null, 2)}\n`);
      exit(summaries.some(({ verdict }) => verdict === "violated") ? 1 : 0);
    });
}

const progressEveryMs = 30_000;

type Named = Loaded & { readonly file: string };

async function once(loaded: Named, options: RunOptions, several: boolean): Promise<RunSummary> {
  const { scenario } = loaded;
  const seed = options.seed ?? 1;
  const console = consoleOn(options.json ? process.stderr : process.stdout);
  const mutant = plantedMutant();
  const say = (text: string) => void (options.json || console.line(text));
  say(
    `${colors.bold(scenario.title)}  ${colors.dim(`seed ${seed}, ${scenario.plan.hosts.length} hosts, ${loaded.manifests.length} objects`)}`,
  );
  if (mutant) say(colors.magenta(`planted ${mutant.id}: ${mutant.title}`));
  const { result, wallMs } = await interruptible((interrupted) =>
    simulate(loaded, {
      seed,
      ...(options.until === undefined ? {} : { untilUs: options.until * 1000 }),
      onTimeline: (line) => void (options.quiet || options.json || console.line(timelineText(line))),
      onProgress: (nowUs) => console.status(colors.dim(`${formatTime(nowUs)} …`)),
      interrupted,
    }),
  );
  console.status("");
  const decided = options.until === undefined ? {} : { untilUs: options.until * 1000 };
  const folder = options.out && (several ? join(options.out, scenario.name) : options.out);
  const written = folder ? await interruptible((interrupted) => writeOut(folder, loaded, result, decided, interrupted)) : [];
  const replayLine = folder
    ? `npx wavetank replay ${join(folder, "run.json")}`
    : `npx wavetank run ${loaded.file} --seed ${seed}${withMutant(options)}`;
  say(verdictText(result, wallMs, replayLine));
  if (written.length > 0) say(`  report: ${written[0]}`);
  return summaryOf(result, wallMs);
}

async function many(loaded: Named, options: RunOptions, [first, last]: readonly [number, number]): Promise<readonly RunSummary[]> {
  const console = consoleOn(options.json ? process.stderr : process.stdout);
  const total = last - first + 1;
  const summaries: RunSummary[] = [];
  const failed: RunResult[] = [];
  const startedMs = performance.now();
  let toldMs = startedMs;
  await interruptible((interrupted) =>
    runSeeds({
      loaded,
      first,
      last,
      workers: options.workers,
      untilUs: options.until === undefined ? undefined : options.until * 1000,
      interrupted,
      onResult: (result, wallMs) => {
        summaries.push(summaryOf(result, wallMs));
        const rate = summaries.length / ((performance.now() - startedMs) / 60_000);
        if (result.verdict === "violated" && !options.json) {
          console.line(`${colors.red("violated")}  seed ${result.seed}: ${causeOf(result)}`);
          console.line(`          npx wavetank run ${loaded.file} --seed ${result.seed}${withMutant(options)}`);
        }
        if (options.out && result.verdict === "violated") failed.push(result);
        const progress = colors.dim(`${summaries.length} of ${total} seeds, ${rate.toFixed(1)} a minute`);
        console.status(progress);
        // Where there is no terminal a line now and then shows that it goes on.
        if (console.isTerminal || performance.now() - toldMs < progressEveryMs) return;
        toldMs = performance.now();
        if (!options.json) console.line(progress);
      },
    }),
  );
  console.status("");
  const decided = options.until === undefined ? {} : { untilUs: options.until * 1000 };
  await interruptible(async (interrupted) => {
    for (const result of failed) {
      console.status(colors.dim(`writing the report of seed ${result.seed}`));
      await writeOut(join(options.out!, `seed-${result.seed}`), loaded, result, decided, interrupted);
    }
  });
  console.status("");
  summaries.sort((a, b) => a.seed - b.seed);
  if (!options.json) console.line(summaryText(loaded, summaries, performance.now() - startedMs));
  return summaries;
}

/** Many seeds in a few lines: how many held, which checks failed and where, how fast it went. */
function summaryText({ scenario }: Loaded, summaries: readonly RunSummary[], wallMs: number): string {
  const violated = summaries.filter(({ verdict }) => verdict === "violated");
  const byCheck = new Map<string, number[]>();
  for (const { checks, seed } of violated)
    for (const { name, verdict } of checks) if (verdict === "violated") byCheck.set(name, [...(byCheck.get(name) ?? []), seed]);
  const distinct = new Set(summaries.map(({ traceHash }) => traceHash)).size;
  const virtualMs = summaries.reduce((sum, one) => sum + one.virtualMs, 0);
  return [
    "",
    `${scenario.name}: ${summaries.length - violated.length} of ${summaries.length} seeds held, ${distinct} different traces`,
    ...[...byCheck].map(
      ([name, seeds]) => `  ${colors.red("violated")}  ${name}: seeds ${seeds.slice(0, 10).join(", ")}${seeds.length > 10 ? ", …" : ""}`,
    ),
    `  ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(wallMs / 1000).toFixed(1)} s, ${((summaries.length * 60_000) / wallMs).toFixed(1)} runs a minute`,
  ].join("\n");
}

/** What a line that repeats the run has to say as well. */
function withMutant({ mutant }: RunOptions): string {
  return mutant === undefined ? "" : ` --mutant ${mutant}`;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("expected a whole number, 0 or more");
  return value;
}

export function positive(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError("expected 1 or more");
  return value;
}

function seedRange(text: string): readonly [number, number] {
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || last < first) throw new InvalidArgumentError('expected a range such as "1..50"');
  return [first, last];
}

/** Milliseconds of "90s". */
function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('expected a duration such as "90s" or "2m"');
  return ms;
}
