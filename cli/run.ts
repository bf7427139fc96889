import { join } from "node:path";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { cutText } from "../scenarios/language/plan";
import { exit, InputError, interruptible } from "./exit";
import { explore } from "./explore";
import { type Loaded, loadScenario } from "./load";
import { compileMutant, mutantNamed } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { duration, positive, seedRange, wholeNumber } from "./option-values";
import { makeOutFolder } from "./out-folder";
import { type RunSummary, summaryOf } from "./outcome";
import { runOnce } from "./run-once";
import { scenarioFiles } from "./scenario-files";
import { type Job, seedJobs } from "./seeds";
import { cutAt, findCuts } from "./simulate";
import { consoleOn } from "./terminal";

interface RunOptions {
  readonly seed?: number;
  readonly seeds?: readonly [number, number];
  readonly cut?: number;
  readonly workers: number;
  readonly failFast?: boolean;
  readonly until?: number;
  readonly breakpoint?: string;
  readonly live?: boolean;
  readonly processes?: boolean;
  readonly mutant?: string;
  readonly operator?: string;
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
    .argument("<scenario...>", "scenario files, or folders of them")
    .addOption(new Option("--seed <n>", "the seed, which decides everything").argParser(wholeNumber).conflicts("seeds"))
    .addOption(new Option("--seeds <a..b>", "every seed from a to b, with a summary").argParser(seedRange))
    .addOption(
      new Option("--cut <n>", "of a scenario with a plan: only its cut of that number, with the timeline")
        .argParser(positive)
        .conflicts("seeds"),
    )
    .addOption(new Option("--workers <n>", "worker threads for many runs").argParser(positive).default(1))
    .option("--fail-fast", "of many runs: stop at the first that is violated")
    .addOption(new Option("--until <time>", 'stop at this virtual time, such as "90s", and show every actor\'s state').argParser(duration))
    .addOption(
      new Option(
        "--breakpoint <event>",
        'stop when this happens and show every actor\'s state: the number of an event of the trace, a moment such as "etcd leader elected", a condition, or a part of a line of the timeline',
      ).conflicts("seeds"),
    )
    .addOption(
      new Option(
        "--live",
        "on a live cluster in this process, in real time, instead of simulating: the same storm, clients and checks",
      ).conflicts(["seeds", "cut", "breakpoint", "mutant"]),
    )
    .option("--processes", "with --live: each node in a process of its own that joins; a crash kills it (SIGKILL)")
    .option("--operator <file>", "run this module in the place of the scenario's own `operator`, to compare two versions of it")
    .option("--mutant <file>", "plant this bug (a file, or the id of one that `list mutants` has) and run with it")
    .option(
      "--out <dir>",
      "write report.html, run.json, junit.xml and trace.json there; of many runs those of the shortest that is violated",
    )
    .option("--json", "print one JSON object (an array for many runs) instead of the timeline")
    .option("--quiet", "print the verdict without the timeline")
    .action(async (files: string[], options: RunOptions) => {
      if (options.mutant !== undefined && !plantedMutant()) return exit(await runAgainWith(compileMutant(mutantNamed(options.mutant))));
      const loaded = scenarioFiles(files).map((file) => ({
        file,
        ...loadScenario(file, { operator: options.operator, mutant: plantedMutant() }),
      }));
      for (const one of loaded) refuseMisfits(one, options);
      if (options.out) makeOutFolder(options.out);
      const summaries: RunSummary[] = [];
      for (const one of loaded) {
        const out = options.out && (loaded.length > 1 ? join(options.out, one.scenario.name) : options.out);
        summaries.push(...(await runAll(one, { ...options, ...(out ? { out } : {}) })));
      }
      const isOne = summaries.length === 1 && !options.seeds;
      if (options.json) process.stdout.write(`${JSON.stringify(isOne ? summaries[0] : summaries, null, 2)}\n`);
      exit(summaries.some(({ verdict }) => verdict === "violated") ? 1 : 0);
    });
}

type Named = Loaded & { readonly file: string };

function refuseMisfits({ file, scenario }: Named, { seeds, cut, breakpoint, live, processes }: RunOptions): void {
  if (scenario.cuts && seeds) throw new InputError(`--seeds: ${file} has a plan, which runs one seed many times: expected --seed`);
  if (cut !== undefined && !scenario.cuts) throw new InputError(`--cut: ${file} has no \`plan\``);
  if (processes && !live) throw new InputError("--processes: expected --live beside it");
  if (live && scenario.cuts) throw new InputError(`--live: ${file} has a plan, which is for simulations`);
  if (breakpoint !== undefined && scenario.cuts && cut === undefined)
    throw new InputError(`--breakpoint: ${file} has a plan of many runs: expected --cut beside it`);
}

async function runAll(loaded: Named, options: RunOptions): Promise<readonly RunSummary[]> {
  const { file, scenario } = loaded;
  if (options.seeds) {
    const [first, last] = options.seeds;
    return many(
      loaded,
      options,
      seedJobs(first, last),
      last - first + 1,
      ({ seed }) => `npx wavetank run ${file} --seed ${seed}${withMutant(options)}`,
    );
  }
  if (scenario.cuts) return planned(loaded, options);
  return [await once(loaded, options, loaded, "", "")];
}

function once(loaded: Named, options: RunOptions, what: Loaded, note: string, again: string): Promise<RunSummary> {
  const seed = options.seed ?? 1;
  if (options.live) {
    // What a live cluster needs is a third of all code.
    const { runOnceLive } = require("./run-live") as typeof import("./run-live");
    return runOnceLive(what, {
      seed,
      untilMs: options.until,
      processes: options.processes === true,
      out: options.out,
      isJson: options.json === true,
      isQuiet: options.quiet === true,
      again: `npx wavetank run ${loaded.file} --live${options.processes ? " --processes" : ""} --seed ${seed}`,
    });
  }
  return runOnce(what, {
    seed,
    untilMs: options.until,
    breakpoint: options.breakpoint,
    out: options.out,
    isJson: options.json === true,
    isQuiet: options.quiet === true,
    again: `npx wavetank run ${loaded.file} --seed ${seed}${again}${withMutant(options)}`,
    note,
  });
}

function many(
  loaded: Named,
  options: RunOptions,
  jobs: Iterable<Job>,
  total: number,
  again: (job: Job) => string,
): Promise<readonly RunSummary[]> {
  return interruptible((interrupted) =>
    explore({
      loaded,
      jobs,
      total,
      workers: Math.min(options.workers, total),
      untilUs: options.until === undefined ? undefined : options.until * 1000,
      failFast: options.failFast === true,
      out: options.out,
      console: consoleOn(options.json ? process.stderr : process.stdout),
      isJson: options.json === true,
      again,
      interrupted,
    }),
  );
}

/** Runs a scenario once without its plan's fault, and then once for each place where that cuts. */
async function planned(loaded: Named, options: RunOptions): Promise<readonly RunSummary[]> {
  const seed = options.seed ?? 1;
  const plan = loaded.scenario.cuts!;
  const console = consoleOn(options.json ? process.stderr : process.stdout);
  console.status(colors.dim("the reference run …"));
  const { all, chosen, reference } = await interruptible((interrupted) => findCuts(loaded, plan, { seed, keepTraceLines: 0, interrupted }));
  console.status("");
  const what = plan.cut === "writes" ? "writes" : "events of watches";
  if (reference.result.verdict === "violated")
    throw new InputError(
      `${loaded.file}: $.plan: without its fault the run is violated already: ${reference.result.checks.find(({ verdict }) => verdict === "violated")?.detail}`,
    );
  if (all === 0) throw new InputError(`${loaded.file}: $.plan: in the reference run there were no ${what} of ${plan.of} to cut at`);
  if (!options.json)
    console.line(`the reference run held; ${all} ${what} of ${plan.of}${chosen.length < all ? `, of which ${chosen.length} are cut` : ""}`);
  if (options.cut !== undefined) {
    const cut = chosen[options.cut - 1];
    if (!cut) throw new InputError(`--cut ${options.cut}: the plan has ${chosen.length} cuts`);
    return [await once(loaded, options, cutAt(loaded, cut), `, cut ${cutText(cut, plan)}`, ` --cut ${options.cut}`)];
  }
  const jobs = chosen.map((cut): Job => ({ seed, cut }));
  const again = (job: Job) =>
    `npx wavetank run ${loaded.file} --seed ${seed} --cut ${chosen.findIndex(({ actor, number }) => actor === job.cut?.actor && number === job.cut.number) + 1}${withMutant(options)}`;
  const runs = await many(loaded, options, jobs, jobs.length, again);
  return [summaryOf(reference.result, reference.wallMs), ...runs];
}

/** What a line that repeats the run has to say as well. */
function withMutant({ mutant, operator }: RunOptions): string {
  return `${operator === undefined ? "" : ` --operator ${operator}`}${mutant === undefined ? "" : ` --mutant ${mutant}`}`;
}
