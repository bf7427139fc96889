import type { Command } from "commander";
import { firstDifference } from "../runtime/trace";
import { formatTime } from "../scenarios/history";
import { Run } from "../scenarios/run";
import { exit, interruptible } from "./exit";
import { type LoadedRecord, loadRecord, repeated } from "./records";
import { Interrupted, inputOf } from "./simulate";

/** Enough for every line of one slice and those before it that are shown. */
const keptLines = 400_000;
const sliceMs = 100;
const contextLines = 5;

interface Difference {
  readonly index: number;
  readonly atUs: number;
  readonly a: string | null;
  readonly b: string | null;
  readonly before: readonly string[];
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
      const found = await interruptible((interrupted) => firstDifferingEvent(loadRecord(a), loadRecord(b), interrupted));
      if (options.json) process.stdout.write(`${JSON.stringify({ same: found === null, difference: found }, null, 2)}\n`);
      else process.stdout.write(found === null ? "the traces are the same\n" : describe(found, a, b));
      exit(found === null ? 0 : 1);
    });
}

function describe({ index, atUs, a, b, before }: Difference, nameA: string, nameB: string): string {
  const both = before.map((line) => `    ${line}\n`).join("");
  return `the runs differ first in event ${index}, at ${formatTime(atUs)}\n${both}  ${nameA}:\n    ${a ?? "(the run has ended)"}\n  ${nameB}:\n    ${b ?? "(the run has ended)"}\n`;
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
      // Both kept the end of their traces: line them up by the number of the first line that both have.
      const from = Math.max(first.count - first.lines().length, second.count - second.lines().length);
      const lines1 = first.lines().slice(from - (first.count - first.lines().length));
      const lines2 = second.lines().slice(from - (second.count - second.lines().length));
      const found = firstDifference(lines1, lines2);
      if (!found) throw new Error("two traces have different hashes and the same lines");
      const line = found.one ?? found.other ?? "";
      const before = lines1.slice(Math.max(0, found.index - contextLines), found.index);
      return { index: from + found.index, atUs: Number(line.split(" ")[0]), a: found.one ?? null, b: found.other ?? null, before };
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (interrupted()) throw new Interrupted();
  }
  return null;
}
