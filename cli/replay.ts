import { join } from "node:path";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { formatTime } from "../scenarios/history";
import type { RunRecord } from "../scenarios/record";
import { buildId } from "./build";
import { exit, interruptible } from "./exit";
import { compileMutant, recordedMutant } from "./mutants/mutant-files";
import { plantedMutant } from "./mutants/planted";
import { runAgainWith } from "./mutants/planted-process";
import { summaryOf, verdictText, writeOut } from "./outcome";
import { loadRecord, repeated } from "./records";
import { simulate } from "./simulate";
import { Stepping } from "./stepping";
import { consoleOn, timelineText } from "./terminal";
import { wavetankVersion } from "./version";

interface ReplayOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly step?: boolean;
}

/** `wavetank replay RUN.json` */
export function addReplay(program: Command): void {
  program
    .command("replay")
    .description("repeats a recorded run and says whether it was the same; exit status 1 when it was not, or when a check is violated")
    .argument("<run.json>", "what `run --out` wrote")
    .option("--out <dir>", "write report.html, run.json, junit.xml and trace.json there")
    .addOption(
      new Option(
        "--step",
        "walk through it: a prompt takes steps, goes on to breakpoints, shows states, and adds faults (`help` there)",
      ).conflicts(["json", "quiet"]),
    )
    .option("--json", "print one JSON object instead of the timeline")
    .option("--quiet", "print the verdict without the timeline")
    .action(async (file: string, options: ReplayOptions) => {
      const { record, loaded } = loadRecord(file);
      if (record.mutant && !plantedMutant()) return exit(await runAgainWith(compileMutant(recordedMutant(file, record.mutant))));
      const console = consoleOn(options.json ? process.stderr : process.stdout);
      if (options.step) return walk(file, options);
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
        console.line(
          same
            ? colors.green("  the same trace as recorded")
            : colors.red(`  another trace than the recorded ${record.result.traceHash}: ${whyAnother(record)}`),
        );
      }
      exit(same && result.verdict === "held" ? 0 : 1);
    });
}

/** What can have made the trace another one. */
export function whyAnother({ wavetankVersion: version, build }: Pick<RunRecord, "wavetankVersion" | "build">): string {
  const here = buildId();
  if (version !== wavetankVersion()) return `it was recorded with version ${version}, and this is ${wavetankVersion()}`;
  if (build === undefined) return "it does not say which build recorded it, perhaps one of another commit";
  if (build !== here)
    return `it was recorded by build ${build}, and this is ${here}: the code has changed in between (check out the commit that recorded it)`;
  return `it was recorded by this very build (${here}), which must repeat itself: was the file changed? Otherwise it is a bug of Wavetank`;
}

/** A recorded run step by step. What was added to it makes it another one, which `--out` records. */
async function walk(file: string, { out }: ReplayOptions): Promise<void> {
  const { record, loaded } = loadRecord(file);
  const console = consoleOn(process.stdout);
  const stepping = new Stepping(loaded, repeated(record), console);
  const startedMs = performance.now();
  const result = await stepping.walk(process.stdin);
  console.line(verdictText(result, Math.round(performance.now() - startedMs), out ? `npx wavetank replay ${join(out, "run.json")}` : ""));
  const { schedule, shape, stormUs } = result;
  const decided = { ...repeated(record), schedule, shape, stormUs: stormUs ?? Number.POSITIVE_INFINITY };
  const ends = result.stopEvent === null ? {} : { stopEvent: result.stopEvent };
  if (out) await interruptible((interrupted) => writeOut(out, loaded, result, { ...decided, ...ends }, interrupted));
  const same = result.traceHash === record.result.traceHash;
  if (!result.stopped && !stepping.isChanged)
    console.line(
      same ? colors.green("  the same trace as recorded") : colors.red(`  another trace than the recorded: ${whyAnother(record)}`),
    );
  exit(result.verdict === "held" && (same || stepping.isChanged || result.stopped) ? 0 : 1);
}
