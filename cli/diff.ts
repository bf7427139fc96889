import type { Command } from "commander";
import colors from "picocolors";
import { firstDifference } from "../runtime/trace";
import { formatTime } from "../scenarios/history";
import { Run } from "../scenarios/run";
import type { ScheduledStep } from "../scenarios/storm";
import { exit, InputError, Interrupted, interruptible } from "./exit";
import { compileMutant, recordedMutant } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { type LoadedRecord, loadRecord, repeated } from "./records";
import { inputOf } from "./simulate";

/** Enough for every line of one slice and those before it that are shown. */
const keptLines = 60_000;
const sliceMs = 100;
const contextLines = 5;

interface Difference {
  /** Of the event, counted from 0. */
  readonly index: number;
  readonly atUs: number;
  /** null where that run has ended. */
  readonly a: string | null;
  readonly b: string | null;
  /** The last events that both have. */
  readonly before: readonly string[];
  /** What comes after it in each. */
  readonly afterA: readonly string[];
  readonly afterB: readonly string[];
  /** What the records themselves say differently: the seed, a step of the schedule, the cluster. */
  readonly causes: readonly string[];
}

/** `wavetank diff A.json B.json` */
export function addDiff(program: Command): void {
  program
    .command("diff")
    .description("repeats two recorded runs side by side and names the first event in which they differ; exit status 1 when they do")
    .argument("<a.json>", "a recorded run")
    .argument("<b.json>", "another")
    .option("--json", "print one JSON object")
    .action(async (a: string, b: string, options: { readonly json?: boolean }) => {
      const [one, other] = [loadRecord(a), loadRecord(b)];
      const mutants = [one, other].map(({ record }) => record.mutant);
      if (mutants[0]?.id !== mutants[1]?.id)
        throw new InputError(
          `${a} and ${b} were recorded with different planted bugs, which cannot be in one process: ${mutants.map((mutant) => mutant?.id ?? "none").join(", ")}`,
        );
      if (mutants[0] && !plantedMutant()) return exit(await runAgainWith(compileMutant(recordedMutant(a, mutants[0]))));
      const found = await interruptible((interrupted) => firstDifferingEvent(one, other, interrupted));
      if (options.json) process.stdout.write(`${JSON.stringify({ same: found === null, difference: found }, null, 2)}\n`);
      else process.stdout.write(found === null ? "the traces are the same\n" : describe(found, a, b));
      exit(found === null ? 0 : 1);
    });
}

function describe({ index, atUs, a, b, before, afterA, afterB, causes }: Difference, nameA: string, nameB: string): string {
  const lines = (texts: readonly string[]) => texts.map((text) => `    ${text}\n`).join("");
  const side = (name: string, first: string | null, after: readonly string[]) =>
    `  ${colors.bold(name)}:\n    ${colors.yellow(first ?? "(the run has ended)")}\n${lines(after)}`;
  const why = causes.map((cause) => `  ${cause}\n`).join("");
  return `the runs differ first in event ${index}, at ${formatTime(atUs)}\n${colors.dim(lines(before))}${side(nameA, a, afterA)}${side(nameB, b, afterB)}${why}`;
}

/** What two records say differently of how their runs were to go. */
function causesOf({ record: a }: LoadedRecord, { record: b }: LoadedRecord): readonly string[] {
  const causes: string[] = [];
  if (a.seed !== b.seed) causes.push(`the seeds are ${a.seed} and ${b.seed}`);
  if (a.bundle.source.text !== b.bundle.source.text) causes.push("the scenarios are not the same");
  if (JSON.stringify(a.bundle.files) !== JSON.stringify(b.bundle.files)) causes.push("the manifests are not the same");
  if (JSON.stringify(a.bundle.operators) !== JSON.stringify(b.bundle.operators)) causes.push("the operators are not the same");
  if (JSON.stringify(a.shape) !== JSON.stringify(b.shape)) causes.push("the clusters are not of the same shape");
  if (JSON.stringify([a.load, a.objects]) !== JSON.stringify([b.load, b.objects])) causes.push("workloads or applied objects differ");
  const steps = Math.max(a.schedule.length, b.schedule.length);
  const at = Array.from({ length: steps }, (_, i) => i).find((i) => JSON.stringify(a.schedule[i]) !== JSON.stringify(b.schedule[i]));
  if (at !== undefined)
    causes.push(`the schedules differ first in step ${at}: ${stepText(a.schedule[at])}, and ${stepText(b.schedule[at])}`);
  return causes;
}

function stepText(step: ScheduledStep | undefined): string {
  return step ? `${[step.name, ...step.targets].join(" ")} at ${(step.atUs / 1e6).toFixed(3)} s` : "none";
}

/** Runs both in step, and looks closely at the first slice of time after which their traces are not the same. */
async function firstDifferingEvent(a: LoadedRecord, b: LoadedRecord, interrupted: () => boolean): Promise<Difference | null> {
  const runs = [a, b].map(({ loaded, record }) => new Run(inputOf(loaded, { ...repeated(record), keepTraceLines: keptLines })));
  const [one, other] = runs as [Run, Run];
  for (const run of runs) run.begin();
  for (let going = true; going; ) {
    const going1 = one.advance(sliceMs);
    const going2 = other.advance(sliceMs);
    going = going1 && going2;
    const [first, second] = [one.simulation.trace, other.simulation.trace];
    if (first.hash() !== second.hash()) {
      // A little more of each, to see what becomes of it.
      one.advance(sliceMs);
      other.advance(sliceMs);
      // Both kept the end of their traces: line them up by the number of the first line that both have.
      const from = Math.max(first.count - first.lines().length, second.count - second.lines().length);
      const lines1 = first.lines().slice(from - (first.count - first.lines().length));
      const lines2 = second.lines().slice(from - (second.count - second.lines().length));
      const found = firstDifference(lines1, lines2);
      if (!found) throw new Error("two traces have different hashes and the same lines");
      const line = found.one ?? found.other ?? "";
      const before = lines1.slice(Math.max(0, found.index - contextLines), found.index);
      const after = (lines: readonly string[]) => lines.slice(found.index + 1, found.index + 1 + contextLines);
      return {
        index: from + found.index,
        atUs: Number(line.split(" ")[0]),
        a: found.one ?? null,
        b: found.other ?? null,
        before,
        afterA: after(lines1),
        afterB: after(lines2),
        causes: causesOf(a, b),
      };
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (interrupted()) throw new Interrupted();
  }
  return null;
}
