import { join } from "node:path";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { isWrong } from "../scenarios/checks/check";
import { objectId } from "../scenarios/history";
import type { RunResult } from "../scenarios/run";
import { shrink } from "../scenarios/shrink/passes";
import { type Recipe, type Size, sizeOf } from "../scenarios/shrink/recipe";
import { exit, InputError, Interrupted, interruptible } from "./exit";
import { prepare } from "./load";
import { compileMutant, recordedMutant } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { duration } from "./option-values";
import { makeOutFolder } from "./out-folder";
import { causeOf, writeOut } from "./outcome";
import { type LoadedRecord, loadRecord, ofRecipe, repeated, withRecipe } from "./records";
import { simulate } from "./simulate";
import { type Console, consoleOn } from "./terminal";

interface ShrinkOptions {
  readonly out: string;
  readonly check?: string;
  readonly within?: number;
  readonly json?: boolean;
}

/** `wavetank shrink RUN.json` */
export function addShrink(program: Command): void {
  program
    .command("shrink")
    .description(
      "makes a recorded run that violates a check smaller as long as it still does: fewer steps, workloads, objects and hosts, shorter faults and less load; exit status 1 when it was violated, as it should be",
    )
    .argument("<run.json>", "what `run --out` wrote")
    .option("--out <dir>", "write the reduced run there, with its report", "out/shrunk")
    .option("--check <name>", "the check that must stay violated; the one that was violated first where not given")
    .addOption(new Option("--within <time>", "try no longer than this, on the wall clock").argParser(duration))
    .option("--json", "print one JSON object")
    .action(async (file: string, options: ShrinkOptions) => {
      const loaded = loadRecord(file);
      const { record } = loaded;
      if (record.mutant && !plantedMutant()) return exit(await runAgainWith(compileMutant(recordedMutant(file, record.mutant))));
      const wanted = wantedCheck(loaded, options.check);
      makeOutFolder(options.out);
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      const startedMs = performance.now();
      const { recipe, tries, unfinished } = await interruptible((interrupted) =>
        reduceRecord(loaded, wanted, options, console, interrupted),
      );
      console.status("");
      const kept = withRecipe(prepare(record.bundle), recipe);
      const decided = { ...repeated(record), ...ofRecipe(recipe) };
      // The last word has the whole run, which nobody stopped at the violation.
      const { result } = await simulate(kept, decided);
      const written = await writeOut(options.out, kept, result, decided);
      const seconds = (performance.now() - startedMs) / 1000;
      const all = prepare(record.bundle).manifests.length;
      report({
        console,
        options,
        wanted,
        before: sizeOf(record, all),
        after: sizeOf(recipe, all),
        recipe,
        result,
        tries,
        seconds,
        unfinished,
        written,
      });
      exit(1);
    });
}

/** The check that the reduced run has to violate as well. */
function wantedCheck({ file, record }: LoadedRecord, named: string | undefined): string {
  const violated = record.result.checks.filter(isWrong);
  if (violated.length === 0) throw new InputError(`${file}: $.result.checks: no check is violated, so there is nothing to reduce`);
  if (named === undefined)
    // What is seen only at the end is often a consequence of what was seen before.
    return [...violated].sort(
      (a, b) => (a.atUs < 0 ? Number.POSITIVE_INFINITY : a.atUs) - (b.atUs < 0 ? Number.POSITIVE_INFINITY : b.atUs),
    )[0]!.name;
  if (!violated.some(({ name }) => name === named))
    throw new InputError(`--check ${named}: violated are ${violated.map(({ name }) => name).join(", ")}`);
  return named;
}

async function reduceRecord(
  { file, record }: LoadedRecord,
  wanted: string,
  { within }: ShrinkOptions,
  console: Console,
  interrupted: () => boolean,
): Promise<{ readonly recipe: Recipe; readonly tries: number; readonly unfinished: boolean }> {
  const whole = prepare(record.bundle);
  const ids = whole.manifests.map(({ object }) => objectId(object));
  const endMs = within === undefined ? Number.POSITIVE_INFINITY : performance.now() + within;
  const isOver = () => interrupted() || performance.now() >= endMs;
  let tries = 0;
  let bootUs = Number.POSITIVE_INFINITY;
  const fails = async (recipe: Recipe, mayGiveUp: boolean): Promise<boolean> => {
    tries++;
    let settledUs = Number.POSITIVE_INFINITY;
    try {
      const { result } = await simulate(withRecipe(whole, recipe), {
        ...repeated(record),
        ...ofRecipe(recipe),
        keepTraceLines: 0,
        onEvent: (event) => {
          if (event.type === "act" && event.act === "storm") settledUs = event.atUs;
        },
        // What takes much longer to come up than the whole did will not come up; what is violated need not go on.
        stopWhen: (run) => run.isViolatedBy(wanted) || (run.act === "boot" && run.nowUs > 3 * bootUs + 10_000_000),
        interrupted: mayGiveUp ? isOver : interrupted,
      });
      if (bootUs === Number.POSITIVE_INFINITY) bootUs = settledUs;
      return failsAlike(result, wanted, record.result);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      // A smaller cluster may lack what a step needs.
      return false;
    }
  };
  if (!(await fails(record, false)))
    throw new InputError(`${file}: repeated, the run does not violate ${wanted}: it was recorded by another version`);
  let recipe: Recipe = record;
  const pass = shrink(record, ids);
  try {
    for (let step = pass.next(); !step.done; ) {
      const failed = await fails(step.value, true);
      if (failed) recipe = step.value;
      const { steps, hosts } = sizeOf(recipe, ids.length);
      console.status(colors.dim(`${tries} tries: ${steps} of ${record.schedule.length} steps, ${hosts} hosts`));
      step = pass.next(failed);
    }
  } catch (error) {
    // The time is over: what has been reached is good as well.
    if (!(error instanceof Interrupted) || interrupted()) throw error;
    return { recipe: recipeOf(recipe), tries, unfinished: true };
  }
  return { recipe: recipeOf(recipe), tries, unfinished: false };
}

/**
 * The same check is violated, and not because of something that the smaller run lacks: the storm is wrong in no other step than before, and whatever the
 * operator was asked for and did he did again.
 */
function failsAlike(result: RunResult, wanted: string, recorded: RunResult): boolean {
  if (!result.checks.some((one) => one.name === wanted && isWrong(one))) return false;
  const wrong = ({ steps = [] }: RunResult) => steps.filter((step) => step.wrong !== "").map(({ where }) => where);
  const before = wrong(recorded);
  if (wanted === "storm") {
    const now = wrong(result);
    return before.length === 0 ? now.length === 0 : now.length > 0 && now.every((where) => before.includes(where));
  }
  // A run that was stopped at its violation need not have come to the end of an action.
  return result.stopped || undone(result).every((where) => undone(recorded).includes(where));
}

/** Where the actions stand that were begun and not done. */
function undone({ schedule, steps = [] }: RunResult): readonly string[] {
  const done = new Set(steps.filter(({ wrong }) => wrong === "").map(({ step }) => step));
  return schedule.flatMap(({ type, where }, place) => (type === "action" && !done.has(place) ? [where] : []));
}

function recipeOf({ schedule, load, objects, shape, stormUs, coreOnly }: Recipe): Recipe {
  return { schedule, load, objects, shape, stormUs, ...(coreOnly === undefined ? {} : { coreOnly }) };
}

interface Outcome {
  readonly console: Console;
  readonly options: ShrinkOptions;
  readonly wanted: string;
  readonly before: Size;
  readonly after: Size;
  readonly recipe: Recipe;
  readonly result: RunResult;
  readonly tries: number;
  readonly seconds: number;
  readonly unfinished: boolean;
  readonly written: readonly string[];
}

function report({ console, options, wanted, before, after, recipe, result, tries, seconds, unfinished, written }: Outcome): void {
  const replay = `npx wavetank replay ${join(options.out, "run.json")}`;
  const left = [...recipe.schedule.map(stepText), ...recipe.load.map(loadText)];
  if (options.json) {
    const figures = {
      before: before.parts,
      after: after.parts,
      sizeBefore: before,
      sizeAfter: after,
      tries,
      seconds: Math.round(seconds * 10) / 10,
    };
    process.stdout.write(
      `${JSON.stringify({ check: wanted, ...figures, unfinished, left, traceHash: result.traceHash, replay }, null, 2)}\n`,
    );
    return;
  }
  console.line(`${colors.red("violated")}  ${causeOf(result)}`);
  const perTry = (seconds / tries).toFixed(1);
  console.line(
    `  ${before.parts} steps and workloads reduced to ${after.parts} in ${tries} tries and ${seconds.toFixed(1)} s (${perTry} s each)${left.length === 0 ? ": it is violated without any" : ":"}`,
  );
  for (const text of left) console.line(`    ${text}`);
  const changes = [
    ["hosts", before.hosts, after.hosts],
    ["objects", before.objects, after.objects],
    ["seconds of storm", before.stormSeconds, after.stormSeconds],
    ["seconds of faults", before.faultSeconds, after.faultSeconds],
    ["requests a second", before.requestsPerSecond, after.requestsPerSecond],
  ] as const;
  console.line(
    `  ${changes
      .filter(([, from, to]) => from !== to)
      .map(([what, from, to]) => `${what} ${from} → ${to}`)
      .join(", ")}`,
  );
  if (unfinished) console.line("  the time was over before everything was tried");
  console.line(`  ${replay}\n  report: ${written[0]}`);
}

function stepText({ where, atUs, forUs, name, targets, type }: Recipe["schedule"][number]): string {
  const lasts = type === "fault" ? (forUs === null ? ", until the calm" : `, for ${seconds(forUs)}`) : "";
  return `${where} at ${seconds(atUs)}: ${[name, ...targets].join(" ")}${lasts}`;
}

function loadText({ place, params, fromUs, toUs }: Recipe["load"][number]): string {
  const what = [params.workload ?? "http", params.service, params.requestsPerSecond && `${String(params.requestsPerSecond)}/s`];
  const when = fromUs === 0 && toUs === null ? "" : `, from ${seconds(fromUs)} to ${toUs === null ? "the end" : seconds(toUs)}`;
  return `load[${place}]: ${what.filter((part) => part !== undefined).join(" ")}${when}`;
}

function seconds(us: number): string {
  return `${Number((us / 1e6).toPrecision(3))} s`;
}
