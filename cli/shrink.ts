import { join } from "node:path";
import type { Command } from "commander";
import colors from "picocolors";
import type { RunResult } from "../scenarios/run";
import { reduce } from "../scenarios/shrink";
import type { ScheduledStep } from "../scenarios/storm";
import { exit, interruptible } from "./exit";
import { InputError } from "./load";
import { compileMutant, recordedMutant } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { makeOutFolder } from "./out-folder";
import { writeOut } from "./outcome";
import { loadRecord, repeated, withLoad } from "./records";
import { type Simulated, simulate } from "./simulate";
import { consoleOn } from "./terminal";

/** What can be taken away from a run. */
type Part = { readonly type: "step"; readonly step: ScheduledStep } | { readonly type: "load"; readonly place: number };

/** `wavetank shrink RUN.json` */
export function addShrink(program: Command): void {
  program
    .command("shrink")
    .description(
      "reduces a recorded run that violates a check to the few steps and workloads with which it still does; exit status 1 when it was violated, as it should be",
    )
    .argument("<run.json>", "what `run --out` wrote")
    .option("--out <dir>", "write the reduced run there, with its report", "out/shrunk")
    .option("--json", "print one JSON object")
    .action(async (file: string, options: { readonly out: string; readonly json?: boolean }) => {
      const { record, loaded } = loadRecord(file);
      if (record.mutant && !plantedMutant()) return exit(await runAgainWith(compileMutant(recordedMutant(file, record.mutant))));
      const wanted = record.result.checks.find(isViolated);
      if (!wanted) throw new InputError(`${file}: $.result.checks: no check is violated, so there is nothing to reduce`);
      makeOutFolder(options.out);
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      const parts: readonly Part[] = [
        ...record.schedule.map((step): Part => ({ type: "step", step })),
        ...loaded.scenario.load.map(({ path }): Part => ({ type: "load", place: Number(path[1]) })),
      ];
      const { best, left, tries } = await interruptible(async (interrupted) => {
        const attempt = (candidate: readonly Part[]): Promise<Simulated> => {
          const places = candidate.flatMap((part) => (part.type === "load" ? [part.place] : []));
          const schedule = candidate.flatMap((part) => (part.type === "step" ? [part.step] : []));
          return simulate(withLoad(loaded, places), { ...repeated(record), schedule, interrupted });
        };
        let best = await attempt(parts);
        if (!failsAlike(best.result, wanted.name))
          throw new InputError(`${file}: repeated, the run does not violate ${wanted.name}: it was recorded by another version`);
        const reduction = reduce(parts);
        let step = reduction.next();
        while (!step.done) {
          const simulated = await attempt(step.value);
          const fails = failsAlike(simulated.result, wanted.name);
          if (fails) best = simulated;
          console.status(colors.dim(`${step.value.length} of ${parts.length} parts: ${fails ? "still violated" : "not violated"}`));
          step = reduction.next(fails);
        }
        return { best, left: step.value.left, tries: step.value.tries };
      });
      console.status("");
      const kept = withLoad(
        loaded,
        left.flatMap((part) => (part.type === "load" ? [part.place] : [])),
      );
      const schedule = left.flatMap((part) => (part.type === "step" ? [part.step] : []));
      const written = await interruptible((interrupted) =>
        writeOut(options.out, kept, best.result, { ...repeated(record), schedule }, interrupted),
      );
      const replay = `npx wavetank replay ${join(options.out, "run.json")}`;
      const summary = { check: wanted.name, before: parts.length, after: left.length, tries, left: left.map(describe), replay };
      if (options.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
      else {
        console.line(`${colors.red("violated")}  ${wanted.name}: ${best.result.checks.find(({ name }) => name === wanted.name)?.detail}`);
        console.line(
          `  ${parts.length} steps and workloads reduced to ${left.length} in ${tries} tries${left.length === 0 ? ": it is violated without any" : ":"}`,
        );
        for (const part of left) console.line(`    ${describe(part)}`);
        console.line(`  ${replay}\n  report: ${written[0]}`);
      }
      exit(1);
    });
}

function isViolated({ verdict, reached, name }: RunResult["checks"][number]): boolean {
  return verdict === "violated" && (reached > 0 || name === "storm");
}

/** The same check is violated, and not merely for want of anything to judge. */
function failsAlike(result: RunResult, check: string): boolean {
  return result.checks.some((one) => one.name === check && isViolated(one));
}

function describe(part: Part): string {
  if (part.type === "load") return `load ${part.place}`;
  const { step, atUs, name, targets } = part.step;
  return `step ${step} at ${(atUs / 1e6).toFixed(1)} s: ${[name, ...targets].join(" ")}`;
}
