import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { storms as allStorms, stormNamed } from "../scenarios/rehearse/storms";
import type { StandardStorm } from "../scenarios/rehearse/storms/storm";
import { unknownName } from "../scenarios/schema";
import { exit, InputError, interruptible } from "./exit";
import { positive, wholeNumber } from "./option-values";
import { makeOutFolder } from "./out-folder";
import { type Progress, rehearse } from "./rehearse-all";
import { readRehearseInput } from "./rehearse-input";
import { writeRehearsal } from "./rehearse-out";
import { rehearsalText, runText } from "./rehearse-text";
import { type Console, consoleOn } from "./terminal";

interface RehearseFlags {
  readonly slo?: string;
  readonly behaviour?: string;
  readonly baseline?: string;
  readonly config?: string;
  readonly storm: readonly string[];
  readonly recursive?: boolean;
  readonly seed: number;
  readonly workers: number;
  readonly try: boolean;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** More threads than these gain little: the runs are few, and each takes memory. */
const workersMost = 8;

/** `wavetank rehearse PATH…` */
export function addRehearse(program: Command): void {
  program
    .command("rehearse")
    .description(
      "puts your own manifests through a standard set of storms and says, for each Service, how available it was and which setting is to blame; exit status 0 when every objective held, 1 when one is violated, 2 when the input is wrong",
    )
    .argument("<path...>", "files and folders of plain YAML or JSON, or - for standard input (kustomize build, helm template)")
    .option("--slo <file>", "what must hold of each Service; by default 90% answered in each storm, no outage over 30s, recovery in 2m")
    .option("--behaviour <file>", "how images behave: start, readiness, latency, which Services they ask")
    .addOption(
      new Option("--storm <name...>", "only these storms (`wavetank list storms`); the standard set otherwise").default(
        [],
        "the standard set",
      ),
    )
    .option("--baseline <file>", "the rehearsal.json of an earlier rehearsal: only what is worse than there fails")
    .option("--config <file>", "the cluster, as `wavetank up --config` takes it; sized to the manifests otherwise")
    .option("-R, --recursive", "read folders within folders too")
    .addOption(new Option("--seed <n>", "the seed, which decides everything").argParser(wholeNumber).default(1))
    .addOption(
      new Option("--workers <n>", "worker threads")
        .argParser(positive)
        .default(Math.min(availableParallelism(), workersMost), "one for each processor"),
    )
    .option("--no-try", "do not try out what would mend the findings")
    .option(
      "--out <dir>",
      "write report.html, junit.xml, rehearsal.json (a baseline for later), and the run.json of each storm that failed",
    )
    .option("--json", "print one JSON object instead of the text")
    .option("--quiet", "print the result only")
    .action(async (paths: string[], flags: RehearseFlags) => {
      const storms = stormsNamed(flags.storm);
      const input = readRehearseInput({ ...flags, paths });
      if (flags.out) makeOutFolder(flags.out);
      const console = consoleOn(flags.json ? process.stderr : process.stdout);
      const say = (text: string) => void (flags.json || flags.quiet || console.line(text));
      const { services, manifests } = input.stage.subjects;
      say(
        `${colors.bold(`Rehearsal of ${services.length === 1 ? "one Service" : `${services.length} Services`}`)}  ${colors.dim(`${manifests.length} objects, seed ${flags.seed}`)}`,
      );
      const outcome = await interruptible((interrupted) =>
        rehearse(input, {
          storms,
          seed: flags.seed,
          workers: flags.workers,
          tries: flags.try,
          out: flags.out,
          interrupted,
          onProgress: (progress) => tell(progress, console, say),
        }),
      );
      console.status("");
      if (flags.out) writeRehearsal(flags.out, outcome);
      if (flags.json) process.stdout.write(`${JSON.stringify(outcome.rehearsal, null, 2)}\n`);
      else console.line(rehearsalText(outcome.rehearsal, flags.out));
      exit(outcome.rehearsal.verdict === "violated" ? 1 : 0);
    });
}

function tell(progress: Progress, console: Console, say: (text: string) => void): void {
  if (progress.type === "run") say(runText(progress.title, progress.reports));
  const what = progress.type === "run" ? "runs" : "changes tried";
  console.status(colors.dim(`${progress.done} of ${progress.total} ${what} …`));
}

/** The storms of these names, with calm weather before them; the standard set where none is named. Throws an InputError. */
function stormsNamed(names: readonly string[]): readonly StandardStorm[] {
  if (names.length === 0) return allStorms.filter(({ standard }) => standard);
  return names.map((name) => {
    const storm = stormNamed(name);
    if (!storm)
      throw new InputError(
        `--storm: ${unknownName(
          "storm",
          name,
          allStorms.map((one) => one.name),
        )}`,
      );
    return storm;
  });
}
