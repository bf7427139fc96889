import type { Command } from "commander";
import colors from "picocolors";
import { formatTime } from "../scenarios/history";
import { exit, interruptible } from "./exit";
import { compileMutant, recordedMutant } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { summaryOf, verdictText, writeOut } from "./outcome";
import { loadRecord, repeated } from "./records";
import { simulate } from "./simulate";
import { consoleOn, timelineText } from "./terminal";
import { wavetankVersion } from "./version";

interface ReplayOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `wavetank replay RUN.json` */
export function addReplay(program: Command): void {
  program
    .command("replay")
    .description("repeats a recorded run and says whether it was the same; exit status 1 when it was not, or when a check is violated")
    .argument("<run.json>", "what `run --out` wrote")
    .option("--out <dir>", "write report.html, run.json, junit.xml and trace.json there")
    .option("--json", "print one JSON object instead of the timeline")
    .option("--quiet", "print the verdict without the timeline")
    .action(async (file: string, options: ReplayOptions) => {
      const { record, loaded } = loadRecord(file);
      if (record.mutant && !plantedMutant()) return exit(await runAgainWith(compileMutant(recordedMutant(file, record.mutant))));
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      const { result, wallMs } = await interruptible((interrupted) =>
        simulate(loaded, {
          ...repeated(record),
          onTimeline: (line) => void (options.quiet || options.json || console.line(timelineText(line))),
          onProgress: (nowUs) => console.status(colors.dim(`${formatTime(nowUs)} …`)),
          interrupted,
        }),
      );
      console.status("");
      const same = result.traceHash === record.result.traceHash;
      const { out } = options;
      if (out) await interruptible((interrupted) => writeOut(out, loaded, result, repeated(record), interrupted));
      if (options.json)
        process.stdout.write(
          `${JSON.stringify({ ...summaryOf(result, wallMs), same, recordedTraceHash: record.result.traceHash }, null, 2)}\n`,
        );
      else {
        console.line(verdictText(result, wallMs, `npx wavetank replay ${file}`));
        const other =
          record.wavetankVersion === wavetankVersion()
            ? ""
            : ` (recorded with version ${record.wavetankVersion}, this is ${wavetankVersion()})`;
        console.line(
          same
            ? colors.green("  the same trace as recorded")
            : colors.red(`  another trace than the recorded ${record.result.traceHash}${other}`),
        );
      }
      exit(same && result.verdict === "held" ? 0 : 1);
    });
}
