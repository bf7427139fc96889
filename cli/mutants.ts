import { dirname, join, relative } from "node:path";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { exit, interruptible } from "./exit";
import { InputError, loadScenario } from "./load";
import { type Hunted, type HuntOptions, hunt, verdictOf } from "./mutants/hunt";
import type { Hunter } from "./mutants/hunter";
import { allMutants, compileMutant, type LoadedMutant, mutantsNamed } from "./mutants/mutant-files";
import { headText, rowText, summaryText } from "./mutants/table";
import { duration, positive, wholeNumber } from "./option-values";
import { Interrupted } from "./simulate";
import { consoleOn } from "./terminal";

interface MutantsOptions {
  readonly workers: number;
  readonly repeat: number;
  readonly firstSeed: number;
  readonly within?: number;
  readonly json?: boolean;
}

/** `wavetank mutants [ID…]` */
export function addMutants(program: Command): void {
  program
    .command("mutants")
    .description(
      "plants bugs, one at a time, and says which check caught each, after how many runs and how much processor time; exit status 1 when one is not caught",
    )
    .argument("[id...]", "mutants by their ids, or files of your own; all that come with Wavetank where none is given")
    .addOption(new Option("--workers <n>", "how many are hunted at a time, each in a process of its own").argParser(positive).default(1))
    .addOption(
      new Option("--repeat <n>", "how many times each is hunted, with other seeds; the median counts").argParser(positive).default(1),
    )
    .addOption(new Option("--first-seed <n>", "the seed to begin with").argParser(wholeNumber).default(1))
    .addOption(new Option("--within <time>", "processor time for each search, instead of what the mutant's file says").argParser(duration))
    .option("--json", "print a JSON array")
    .action(async (names: string[], options: MutantsOptions) => {
      const mutants = names.length > 0 ? names.flatMap(mutantsNamed) : allMutants();
      const prepared = prepareAll(mutants);
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      const idWidth = Math.max(...mutants.map(({ mutant }) => mutant.id.length));
      if (!options.json) console.line(headText(idWidth));
      const hunted = await interruptible((interrupted) =>
        huntAll(prepared, options, interrupted, {
          onHunted: (one) => void (options.json || console.line(rowText(one, idWidth))),
          onProgress: (text) => console.status(colors.dim(text)),
        }),
      );
      console.status("");
      if (options.json) process.stdout.write(`${JSON.stringify(hunted.map(jsonOf), null, 2)}\n`);
      else console.line(summaryText(hunted));
      exit(hunted.every((one) => verdictOf(one).verdict === "caught") ? 0 : 1);
    });
}

type Prepared = Pick<HuntOptions, "planted" | "scenarios">;

/** Compiles every mutant and reads its scenarios before anything runs; what is wrong with any of them is said at once. */
function prepareAll(mutants: readonly LoadedMutant[]): readonly Prepared[] {
  const wrong: string[] = [];
  const prepared = mutants.flatMap((loaded): Prepared[] => {
    try {
      return [{ planted: compileMutant(loaded), scenarios: loaded.mutant.scenarios.map((name) => scenarioOf(loaded, name)) }];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wrong.push(error.message);
      return [];
    }
  });
  if (wrong.length > 0) throw new InputError(wrong.join("\n"));
  return prepared;
}

function scenarioOf({ file }: LoadedMutant, name: string): Prepared["scenarios"][number] {
  const path = relative(process.cwd(), join(dirname(file), name));
  return { file: path, loaded: loadScenario(path) };
}

async function huntAll(
  all: readonly Prepared[],
  { workers, repeat, firstSeed, within }: MutantsOptions,
  interrupted: () => boolean,
  tell: { onHunted(hunted: Hunted): void; onProgress(text: string): void },
): Promise<readonly Hunted[]> {
  const hunters: Hunter[] = [];
  const watch = setInterval(() => {
    if (interrupted()) for (const hunter of hunters) hunter.end();
  }, 100);
  const hunted: Hunted[] = [];
  const underWay = new Map<string, string>();
  let next = 0;
  const work = async () => {
    for (let one = all[next++]; one && !interrupted(); one = all[next++]) {
      const { id } = one.planted.mutant;
      const withinCpuMs = within ?? one.planted.mutant.withinCpuMs;
      const done = await hunt({
        ...one,
        repeat,
        firstSeed,
        withinCpuMs,
        onHunter: (hunter) => hunters.push(hunter),
        onRun: (runs, cpuMs) => {
          underWay.set(id, `${id}: ${runs} runs, ${(cpuMs / 1000).toFixed(1)} of ${withinCpuMs / 1000} s`);
          tell.onProgress(`${hunted.length} of ${all.length} hunted  ${[...underWay.values()].join("  ")}`);
        },
      });
      underWay.delete(id);
      hunted.push(done);
      tell.onHunted(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(workers, all.length) }, work));
    if (interrupted()) throw new Interrupted();
    const place = new Map(all.map(({ planted }, i) => [planted.mutant.id, i]));
    return hunted.sort((a, b) => place.get(a.mutant.id)! - place.get(b.mutant.id)!);
  } finally {
    clearInterval(watch);
    for (const hunter of hunters) hunter.end();
  }
}

function jsonOf({ mutant, attempts }: Hunted): unknown {
  const { verdict, medianCpuMs, medianRuns, checks } = verdictOf({ attempts });
  const { id, title, source, file, withinCpuMs } = mutant;
  return { id, title, source, file, verdict, withinCpuMs, medianCpuMs, medianRuns, checks: Object.fromEntries(checks), attempts };
}
