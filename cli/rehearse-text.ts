import colors from "picocolors";
import { plural, spell } from "../scenarios/rehearse/blames/blame";
import { percent, type RunReport } from "../scenarios/rehearse/judgement";
import { type GroupedFinding, type Rehearsal, type Trial, titleOf } from "../scenarios/rehearse/rehearsal";
import { hanging } from "./terminal";

/** A finished run in a line. */
export function runText(title: string, reports: readonly RunReport[]): string {
  const violated = reports.filter(({ verdict }) => verdict === "violated");
  const mark = violated.length > 0 ? colors.red("violated") : colors.green("held    ");
  const worst = [...reports].sort((a, b) => a.availability - b.availability)[0];
  const shown = violated.length > 0 ? violated : worst && worst.availability < 100 ? [worst] : [];
  const detail = shown.map(({ service, availability }) => `${service} ${percent(availability)}`).join(", ");
  return `  ${mark}  ${title.padEnd(44)} ${hanging(detail, 57, violated.length > 0 ? String : colors.dim)}`;
}

/** The whole rehearsal as people read it. */
export function rehearsalText(rehearsal: Rehearsal, out: string | undefined): string {
  const { cluster, verdict, wallMs, runs, seed } = rehearsal;
  const titles = new Set(runs.map(titleOf));
  return [
    "",
    servicesTable(rehearsal),
    ...violationsText(rehearsal),
    ...findingsText(rehearsal),
    ...notModelledText(rehearsal),
    "",
    `  ${plural(titles.size, "run")} on ${cluster.nodes} nodes in ${cluster.zones} zones (${cluster.capacity.cpu} CPUs and ${cluster.capacity.memory} each), seed ${seed}, ${(wallMs / 1000).toFixed(0)} s`,
    ...(out === undefined ? [] : [`  report: ${out}/report.html`]),
    "",
    verdictText(rehearsal, verdict),
  ].join("\n");
}

function verdictText({ runs, regressions }: Rehearsal, verdict: Rehearsal["verdict"]): string {
  const violated = runs.filter((run) => run.verdict === "violated").length;
  if (regressions !== null)
    return verdict === "held"
      ? colors.bold(colors.green(`no worse than the baseline${violated > 0 ? ` (${plural(violated, "violation")} known from there)` : ""}`))
      : colors.bold(colors.red(`worse than the baseline: ${regressions.join(", ")}`));
  return verdict === "held"
    ? colors.bold(colors.green("held"))
    : colors.bold(colors.red(`violated: ${plural(violated, "objective")} of ${runs.length}`));
}

function servicesTable({ services }: Rehearsal): string {
  const rows = services.map(
    ({ service, availability, worst, longestOutageMs, detectionMs, recoveryMs, recovered, restoredMs, verdict }) => [
      service,
      percent(availability),
      worst && worst.availability < 100 ? `${percent(worst.availability)} in ${titleOf(worst)}` : "-",
      time(longestOutageMs),
      time(detectionMs),
      recovered ? time(recoveryMs) : "not in every run",
      restoredMs === null ? "not in the storm" : time(restoredMs),
      verdict,
    ],
  );
  const heads = ["Service", "answered", "at worst", "longest outage", "detected", "recovered", "replicas back", ""];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => `  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join("  ")}`.trimEnd();
  return [
    colors.dim(line(heads)),
    ...rows.map((row) => {
      const text = line(row.slice(0, -1)).padEnd(widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 2));
      return `${text}${row.at(-1) === "held" ? colors.green("held") : colors.red("violated")}`;
    }),
  ].join("\n");
}

/** A line for each Service and storm: the worst run, and how many more. */
function violationsText({ runs, regressions }: Rehearsal): readonly string[] {
  const groups = new Map<string, RunReport[]>();
  for (const run of runs) {
    if (run.verdict === "held") continue;
    const key = `${run.service} ${run.storm}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const known = (run: RunReport) => regressions !== null && !regressions.includes(`${run.service} ${titleOf(run)}`);
  const lines = [...groups.values()].map((group) => {
    const [worst, ...others] = [...group].sort((a, b) => Number(known(a)) - Number(known(b)) || a.availability - b.availability);
    const mark = known(worst!) ? colors.dim("known   ") : colors.red("violated");
    const more = others.length > 0 ? ` (and in ${plural(others.length, "more run")})` : "";
    return `  ${mark}  ${hanging(`${worst!.service} in ${titleOf(worst!)}: ${worst!.violations.join("; ")}${more}`, 12)}`;
  });
  return lines.length === 0 ? [] : ["", ...lines];
}

function findingsText({ findings }: Rehearsal): readonly string[] {
  const mendable = findings.filter(({ onlyExplains }) => !onlyExplains);
  const others = findings.filter(({ onlyExplains }) => onlyExplains);
  return [
    ...(mendable.length === 0
      ? []
      : ["", colors.bold("What is to blame"), ...mendable.flatMap((finding) => ["", ...findingText(finding)])]),
    ...(others.length === 0 ? [] : ["", colors.bold("What else made requests fail"), ...others.map(noteText)]),
  ];
}

/** What explains failures that no change of the manifests alone would mend. */
function noteText({ title, service, evidence, runs }: GroupedFinding): string {
  const more = runs.length > 1 ? ` Also in ${plural(runs.length - 1, "more run")}.` : "";
  return `  ${hanging(`${colors.yellow(service)}: ${title}. ${runs[0]}: ${evidence}${more}`, 4)}`;
}

function findingText({ title, service, file, line, setting, evidence, fix, runs, trial }: GroupedFinding): readonly string[] {
  const others = runs.length > 1 ? ` Also in ${runs.slice(1, 4).join(", ")}${runs.length > 4 ? ` and ${runs.length - 4} more` : ""}.` : "";
  return [
    `  ${colors.yellow(service)}: ${colors.bold(title)}`,
    `    ${colors.cyan(`${file}:${line}`)}  ${hanging(setting, 4)}`,
    `    ${hanging(`${runs[0]}: ${evidence}${others}`, 4)}`,
    `    ${hanging(`${fix}${trial ? ` ${trialText(trial)}` : ""}`, 4, trial?.helped ? colors.green : String)}`,
  ];
}

/** "Tried: 99.2 % instead of 51.4 %, longest outage 1 s instead of 352 s." */
export function trialText({ helped, gone, before, after }: Trial): string {
  const outage =
    after.longestOutageMs === before.longestOutageMs
      ? ""
      : `, longest outage ${time(after.longestOutageMs)} instead of ${time(before.longestOutageMs)}`;
  const figures =
    after.availability === before.availability && outage === ""
      ? "as many requests answered as before"
      : `${percent(after.availability)} answered instead of ${percent(before.availability)}${outage}`;
  if (!helped) return `Tried, and that alone did not help: ${figures}.`;
  // Whoever is let go on may meet other troubles, which have findings of their own.
  return gone && after.availability <= before.availability ? `Tried: that is over then; ${figures}.` : `Tried: ${figures}.`;
}

function notModelledText({ notModelled, undeclaredImages }: Rehearsal): readonly string[] {
  const lines: string[] = [];
  if (notModelled.length > 0)
    lines.push(
      "",
      colors.bold("What was not modelled, or taken for granted"),
      ...notModelled.map(({ file, line, what, became }) => `  ${colors.cyan(`${file}:${line}`)}  ${hanging(`${what}: ${became}`, 4)}`),
    );
  if (undeclaredImages.length > 0)
    lines.push(
      "",
      `  ${hanging(`Nobody declared how ${undeclaredImages.length === 1 ? "this image behaves" : "these images behave"} (--behaviour FILE): ${undeclaredImages.join(", ")}. By default an image is pulled in 0.5 to 1.5 s, listens 0.25 to 0.65 s after its start, answers 200 in 1 to 5 ms, depends on nobody, and stops at SIGTERM at once.`, 2, colors.dim)}`,
    );
  return lines;
}

function time(ms: number | null): string {
  return ms === null ? "-" : spell(ms / 1000);
}
