import { writeFileSync } from "node:fs";
import { join } from "node:path";
import colors from "picocolors";
import { isWrong } from "../scenarios/checks/check";
import { objectId } from "../scenarios/history";
import { type RunRecord, recordVersion } from "../scenarios/record";
import { auditLogText } from "../scenarios/report/audit";
import type { CloseUp } from "../scenarios/report/close-up";
import { htmlOf } from "../scenarios/report/html";
import { junitOf } from "../scenarios/report/junit";
import { perfettoOf } from "../scenarios/report/perfetto";
import { type RunResult, withShape } from "../scenarios/run";
import { buildId } from "./build";
import { closeUpOf, type Decided } from "./close-up";
import type { Loaded } from "./load";
import { plantedMutant } from "./mutants/planted";
import { makeOutFolder } from "./out-folder";
import { recordedLoad } from "./records";
import { hanging } from "./terminal";
import { wavetankVersion } from "./version";

/** In the place of a trace hash: of what happened live nobody can say that it happened again. */
export const liveTrace = "live";

/** What `--json` prints of a run. */
export interface RunSummary {
  readonly scenario: string;
  readonly seed: number;
  readonly verdict: RunResult["verdict"];
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly events: number;
  /** Of a plan's runs: where it was cut. */
  readonly cut?: string;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
  readonly probes: Readonly<Record<string, number>>;
  /** The bug that was planted, if one was. */
  readonly mutant?: string;
}

export function summaryOf(result: RunResult, wallMs: number): RunSummary {
  const { scenario, seed, verdict, traceHash, virtualMs, events, probes } = result;
  const checks = result.checks.map((check) => ({ name: check.name, verdict: check.verdict, detail: check.detail }));
  const mutant = plantedMutant();
  return { scenario, seed, verdict, traceHash, virtualMs, wallMs, events, checks, probes, ...(mutant ? { mutant: mutant.id } : {}) };
}

/** The verdict of a run as people read it: a line for each check, what was reached, seed and trace hash, and for a violation its cause. */
export function verdictText(result: RunResult, wallMs: number, replayLine: string): string {
  const lines = result.checks.map(({ name, verdict, detail, unproven }) =>
    verdict === "held"
      ? `  ${colors.green("held    ")}  ${name.padEnd(30)} ${hanging(detail, 43, colors.dim)}`
      : `  ${colors.red(unproven ? "unproven" : "violated")}  ${name.padEnd(30)} ${hanging(detail, 43)}`,
  );
  const reached = Object.entries(result.probes).filter(([, count]) => count > 0);
  const speed = Math.round(result.virtualMs / Math.max(1, wallMs));
  return [
    "",
    ...lines,
    "",
    `  reached: ${hanging(reached.map(([name, count]) => `${name} ${count}`).join(", "), 11)}`,
    result.traceHash === liveTrace
      ? `  ${(result.virtualMs / 1000).toFixed(1)} s live, ${result.events} events  seed ${result.seed} of the storm`
      : `  ${(result.virtualMs / 1000).toFixed(1)} s of virtual time in ${(wallMs / 1000).toFixed(1)} s (${speed} times real time), ${result.events} events\n  seed ${result.seed}  trace ${result.traceHash}`,
    ...(result.verdict === "violated"
      ? ["", colors.red(causeOf(result)), `  ${replayLine}`]
      : ["", colors.bold(colors.green(result.stopped ? "stopped before the end; nothing is violated so far" : "held"))]),
  ].join("\n");
}

/** A violation in a paragraph: what is wrong, when it was seen, and what went on at that time. */
export function causeOf(result: RunResult): string {
  const violated = result.checks.filter(isWrong);
  const unproven = result.checks.filter((check) => check.unproven);
  const first = violated.filter(({ atUs }) => atUs >= 0).sort((a, b) => a.atUs - b.atUs)[0] ?? violated[0];
  if (!first) return unproven.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
  const others = violated.length > 1 ? ` (and ${violated.length - 1} more)` : "";
  const when = first.atUs >= 0 ? ` at ${(first.atUs / 1e6).toFixed(3)} s` : " when the run ended";
  const during = result.series.faults.filter(({ fromUs, toUs }) => first.atUs >= fromUs && first.atUs <= toUs);
  const before = result.timeline.filter(
    ({ atUs, tone }) => (first.atUs < 0 || atUs <= first.atUs) && (tone === "fault" || tone === "leader" || tone === "action"),
  );
  const weather = during.length > 0 ? ` Under way: ${during.map(({ label, row }) => `${label} ${row}`).join("; ")}.` : "";
  const age = (atUs: number) => {
    if (first.atUs < 0) return `at ${(atUs / 1e6).toFixed(1)} s`;
    const us = first.atUs - atUs;
    return us < 100_000 ? `${Math.round(us / 1000)} ms before` : `${(us / 1e6).toFixed(1)} s before`;
  };
  const lately = before.slice(-3).map(({ atUs, text }) => `${text} (${age(atUs)})`);
  return `${first.name} is violated${when}${others}: ${first.detail.replace(/\.$/, "")}.${weather}${lately.length > 0 ? ` Before it: ${lately.join("; ")}.` : ""}`;
}

export function recordOf(loaded: Loaded, result: RunResult, untilUs: number | undefined): RunRecord {
  const { bundle } = loaded;
  return {
    recordVersion,
    wavetankVersion: wavetankVersion(),
    build: buildId(),
    bundle,
    seed: result.seed,
    schedule: result.schedule,
    shape: result.shape,
    stormUs: result.stormUs,
    coreOnly: loaded.scenario.calm.coreOnly,
    load: recordedLoad(loaded.scenario),
    objects: loaded.manifests.map(({ object }) => objectId(object)),
    untilUs: untilUs ?? null,
    mutant: plantedMutant() ?? null,
    stopEvent: result.stopEvent,
    result,
  };
}

/**
 * Writes what `--out` promises and answers with the paths: report.html, run.json, junit.xml, trace.json, and audit.log where there is one. For what the first two show of the moment that
 * matters most the run is simulated again; `decided` is what it was given beside its scenario and its seed. Throws Interrupted.
 */
export async function writeOut(
  folder: string,
  loaded: Loaded,
  result: RunResult,
  decided: Omit<Decided, "seed"> = {},
  interrupted?: () => boolean,
): Promise<readonly string[]> {
  makeOutFolder(folder);
  const closeUp = await closeUpOf(loaded, result, { seed: result.seed, ...decided }, interrupted);
  return writeFiles(folder, loaded, result, { replayLine: `npx wavetank replay ${join(folder, "run.json")}`, ...decided, closeUp });
}

/** The same of a run that was seen closely already, or that nobody can repeat. */
export function writeFiles(
  folder: string,
  loaded: Loaded,
  result: RunResult,
  shown: { readonly replayLine: string; readonly untilUs?: number; readonly closeUp: CloseUp | undefined },
): readonly string[] {
  const { replayLine, untilUs, closeUp } = shown;
  const files: readonly (readonly [string, string])[] = [
    ["report.html", htmlOf({ scenario: withShape(loaded.scenario, result.shape), result, replayLine, cause: causeOf(result), closeUp })],
    ["run.json", JSON.stringify(recordOf(loaded, result, untilUs))],
    ["junit.xml", junitOf([result], replayLine)],
    ["trace.json", perfettoOf(result, closeUp)],
    ...(result.series.audit ? [["audit.log", auditLogText(result.series.audit)] as const] : []),
  ];
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  return files.map(([name]) => join(folder, name));
}
