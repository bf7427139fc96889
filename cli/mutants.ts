import { type Command, Option } from "commander";
import colors from "picocolors";
import { exit, interruptible } from "./exit";
import { huntAll, prepareAll } from "./mutants/campaign";
import { type Hunted, verdictOf } from "./mutants/hunt";
import { allMutants, mutantsNamed } from "./mutants/mutant-files";
import { headText, rowText, summaryText } from "./mutants/table";
import { duration, positive, wholeNumber } from "./option-values";
import { consoleOn } from "./terminal";

interface MutantsOptions {
  readonly workers: number;
  readonly repeat: number;
  readonly firstSeed: number;
  readonly within?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `wavetank mutants [ID…]` */
export function addMutants(program: Command): void {
  program
    .command("mutants")
    .description(
      "plants bugs, one at a time, and says which check caught each, after how many runs and how much processor time; exit status 1 when one is not caught",
    )
    .argument(
      "[id...]",
      'mutants by their ids ("R4" means all that begin so), or files of your own; all that come with Wavetank where none is given',
    )
    .addOption(new Option("--workers <n>", "how many are hunted at a time, each in processes of its own").argParser(positive).default(1))
    .addOption(
      new Option("--repeat <n>", "how many times each is hunted, with other seeds; the median counts").argParser(positive).default(1),
    )
    .addOption(new Option("--first-seed <n>", "the seed to begin with").argParser(wholeNumber).default(1))
    .addOption(new Option("--within <time>", "processor time for each search, instead of what the mutant's file says").argParser(duration))
    .option("--dry-run", "only see whether each can be planted, and compiles")
    .option("--json", "print a JSON array")
    .action(async (names: string[], options: MutantsOptions) => {
      const mutants = names.length > 0 ? names.flatMap(mutantsNamed) : allMutants();
      const prepared = prepareAll(mutants);
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      if (options.dryRun) {
        if (options.json) print(prepared.map(({ planted: { mutant } }) => mutant));
        else console.line(`${prepared.length} mutants can be planted`);
        return;
      }
      const idWidth = Math.max(...mutants.map(({ mutant }) => mutant.id.length));
      if (!options.json) console.line(headText(idWidth));
      const hunted = await interruptible((interrupted) =>
        huntAll(prepared, {
          ...options,
          withinCpuMs: options.within,
          interrupted,
          onHunted: (one) => void (options.json || console.line(rowText(one, idWidth))),
          onProgress: (text) => console.status(colors.dim(text)),
        }),
      );
      console.status("");
      if (options.json) print(hunted.map(jsonOf));
      else console.line(summaryText(hunted));
      exit(hunted.every((one) => verdictOf(one).verdict === "caught") ? 0 : 1);
    });
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function jsonOf({ mutant, attempts }: Hunted): unknown {
  const { verdict, medianCpuMs, medianRuns, checks } = verdictOf({ attempts });
  const { id, title, source, file, withinCpuMs } = mutant;
  return { id, title, source, file, verdict, withinCpuMs, medianCpuMs, medianRuns, checks: Object.fromEntries(checks), attempts };
}
