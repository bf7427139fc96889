import type { ClusterShape } from "../cluster";
import { blameNamed } from "./blames";
import type { Finding } from "./blames/blame";
import { changesText } from "./change";
import type { RunReport } from "./judgement";
import type { Note } from "./note";

/** The version of rehearsal.json; a baseline of another is refused. */
export const rehearsalVersion = 1;

/** What a change came to when the storm blew again with it. */
export interface Trial {
  /** Whether the Service came through better with it; of a finding that made no request fail: whether it was not found any more. */
  readonly helped: boolean;
  /** Whether the setting was to blame for nothing any more. */
  readonly gone: boolean;
  readonly before: Measures;
  readonly after: Measures;
}

export type Measures = Pick<RunReport, "storm" | "about" | "availability" | "longestOutageMs" | "recoveryMs" | "verdict">;

/** One setting that is to blame, over all runs in which it was. */
export interface GroupedFinding extends Omit<Finding, "changes" | "storm" | "about"> {
  readonly title: string;
  /** Whether it only explains: no setting of the Service's own manifests is to blame. */
  readonly onlyExplains: boolean;
  /** The runs in which it was found, the worst first: "node-lost node-2". */
  readonly runs: readonly string[];
  /** The change as YAML; "" where there is no single one. */
  readonly change: string;
  /** null where it was not tried. */
  readonly trial: Trial | null;
}

/** Everything that a rehearsal found out: rehearsal.json, and what `--json` prints. */
export interface Rehearsal {
  readonly rehearsalVersion: number;
  readonly wavetankVersion: string;
  readonly seed: number;
  readonly verdict: "held" | "violated";
  readonly cluster: Pick<ClusterShape, "etcd" | "apiServers" | "controllers" | "nodes" | "zones" | "capacity">;
  readonly services: readonly ServiceReport[];
  readonly runs: readonly RunReport[];
  readonly findings: readonly GroupedFinding[];
  readonly notModelled: readonly Note[];
  /** Images whose behaviour nobody declared. */
  readonly undeclaredImages: readonly string[];
  /** With a baseline: which violations are new or worse, as "shop/web node-lost node-1". */
  readonly regressions: readonly string[] | null;
  readonly wallMs: number;
}

/** One Service over all runs. */
export interface ServiceReport {
  readonly service: string;
  readonly file: string;
  readonly line: number;
  readonly verdict: RunReport["verdict"];
  /** Percent of all its requests in all runs. */
  readonly availability: number;
  readonly longestOutageMs: number;
  readonly recoveryMs: number;
  /** Whether it recovered in every run. */
  readonly recovered: boolean;
  readonly detectionMs: number | null;
  readonly restoredMs: number | null;
  /** The run in which the smallest share succeeded. */
  readonly worst: { readonly storm: string; readonly about: string; readonly availability: number } | null;
}

export function titleOf({ storm, about }: Pick<RunReport, "storm" | "about">): string {
  return about === "" ? storm : `${storm} ${about}`;
}

/** Sums up one Service's runs. */
export function summed(service: string, place: { readonly file: string; readonly line: number }, all: readonly RunReport[]): ServiceReport {
  const runs = all.filter((run) => run.service === service);
  const requests = runs.reduce((sum, run) => sum + run.requests, 0);
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  const worst = runs.reduce<RunReport | null>(
    (least, run) => (least === null || run.availability < least.availability ? run : least),
    null,
  );
  const most = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  // A replica that never came back while the storm lasted took longer than any that did.
  const restored = runs.map(({ restoredMs }) => restoredMs);
  return {
    service,
    ...place,
    verdict: runs.some(({ verdict }) => verdict === "violated") ? "violated" : "held",
    availability: requests === 0 ? 0 : (100 * (requests - failed)) / requests,
    longestOutageMs: most(runs.map((run) => run.longestOutageMs)) ?? 0,
    recoveryMs: most(runs.map((run) => run.recoveryMs)) ?? 0,
    recovered: runs.every((run) => run.recovered),
    detectionMs: most(runs.map((run) => run.detectionMs)),
    restoredMs: restored.includes(null) ? null : most(restored),
    worst: worst && { storm: worst.storm, about: worst.about, availability: worst.availability },
  };
}

/** Findings of the same setting of the same Service as one, each with the run in which it did most harm; those of violated runs first. */
export function grouped(findings: readonly Finding[], runs: readonly RunReport[]): readonly (readonly Finding[])[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = `${finding.blame} ${finding.service} ${finding.file}:${finding.line}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  const runOf = (finding: Finding) => runs.find((run) => run.service === finding.service && titleOf(run) === titleOf(finding));
  // The worst run is not the one in which most failed, but the one for which this setting accounts most.
  const harm = (finding: Finding) => {
    const run = runOf(finding);
    return finding.failed === 0
      ? 0
      : finding.failed ** 2 / Math.max(finding.failed, run?.failed ?? 0) + (run?.verdict === "violated" ? 1 : 0);
  };
  const sorted = [...groups.values()].map((group) => [...group].sort((a, b) => harm(b) - harm(a)));
  const weightOf = (group: readonly Finding[]) =>
    weight(
      group[0]!,
      harm,
      group.some((finding) => runOf(finding)?.verdict === "violated"),
    );
  return sorted.sort((a, b) => weightOf(b) - weightOf(a));
}

/** What can be mended comes before what only explains, and what is violated before what is not. */
function weight(finding: Finding, harm: (finding: Finding) => number, isViolated: boolean): number {
  return harm(finding) + (blameNamed(finding.blame)?.onlyExplains ? 0 : 1e12) + (isViolated ? 1e9 : 0);
}

/** A group as it is reported. */
export function reported(group: readonly Finding[], trial: Trial | null): GroupedFinding {
  const { changes, storm: _, about: __, ...worst } = group[0]!;
  return {
    ...worst,
    title: blameNamed(worst.blame)?.title ?? worst.blame,
    onlyExplains: blameNamed(worst.blame)?.onlyExplains === true,
    failed: group.reduce((sum, { failed }) => sum + failed, 0),
    runs: group.map(titleOf),
    change: changesText(changes),
    trial,
  };
}

/** Whether a Service came through better: more requests succeeded, silence was shorter, or what was violated held. */
export function isBetter(before: Measures, after: Measures): boolean {
  if (before.verdict !== after.verdict) return after.verdict === "held";
  if (after.availability !== before.availability) return after.availability > before.availability;
  return after.longestOutageMs < before.longestOutageMs;
}
