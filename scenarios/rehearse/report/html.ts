import { escapeXml } from "../../report/junit";
import type { RunResult } from "../../run";
import { plural, spell } from "../blames/blame";
import { percent, type RunReport } from "../judgement";
import { type GroupedFinding, type Rehearsal, titleOf } from "../rehearsal";
import { stormNamed } from "../storms";
import { runsHtml } from "./runs";
import { style } from "./style";

/** A run as the page shows it. */
export interface ShownRun {
  /** Of its folder: "node-lost-node-2". */
  readonly name: string;
  readonly title: string;
  readonly happened: string;
  readonly series: RunResult["series"];
  readonly timeline: RunResult["timeline"];
}

/** A rehearsal as one page that needs nothing else: which Service came how through which storm, what is to blame, and what happened in each run. */
export function rehearsalHtml(rehearsal: Rehearsal, shown: readonly ShownRun[]): string {
  const { verdict, services, runs, seed, cluster, wavetankVersion } = rehearsal;
  const title = `Rehearsal of ${services.length === 1 ? services[0]!.service : `${services.length} Services`}`;
  const findings = rehearsal.findings.filter(({ onlyExplains }) => !onlyExplains);
  const others = rehearsal.findings.filter(({ onlyExplains }) => onlyExplains);
  const { nodes, zones, capacity, etcd, apiServers } = cluster;
  const on = `${nodes} nodes of ${capacity.cpu} CPUs and ${capacity.memory} in ${plural(zones, "zone")}, ${etcd} etcd members, ${plural(apiServers, "API server")}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}: ${verdict}</title>
<style>${style}</style>
<header class="${verdict}">
<h1>${escapeXml(title)}</h1>
<p class="verdict">${escapeXml(verdictOf(rehearsal))}</p>
<p class="quiet">${plural(new Set(runs.map(titleOf)).size, "run")} on ${escapeXml(on)}. Seed ${seed}, Wavetank ${escapeXml(wavetankVersion)}.</p>
</header>
<main>
${section("Services and storms", matrix(rehearsal))}
${section("What is to blame", findings.map((finding) => findingHtml(finding, runs)).join(""))}
${section("What else made requests fail", others.map(noteHtml).join(""))}
${section("Services over all storms", servicesTable(rehearsal))}
${section("What happened in each run", runsHtml(shown, runs))}
${section("Not modelled, or taken for granted", notesHtml(rehearsal))}
</main>
</html>
`;
}

const section = (title: string, body: string) => (body === "" ? "" : `<section><h2>${title}</h2>${body}</section>`);

function verdictOf({ verdict, runs, regressions }: Rehearsal): string {
  const violated = runs.filter((run) => run.verdict === "violated").length;
  if (regressions !== null)
    return verdict === "held"
      ? `No worse than the baseline${violated > 0 ? `; ${plural(violated, "violation")} known from there` : ""}`
      : `Worse than the baseline: ${regressions.join(", ")}`;
  return verdict === "held" ? "Every objective held" : `${plural(violated, "objective")} of ${runs.length} violated`;
}

/** A row for each Service, a column for each storm, in each cell the worst run. */
function matrix({ services, runs }: Rehearsal): string {
  const storms = [...new Set(runs.map(({ storm }) => storm))];
  const heads = storms.map((storm) => `<th title="${escapeXml(stormNamed(storm)?.what ?? "")}">${escapeXml(storm)}</th>`);
  const rows = services.map(({ service }) => {
    const cells = storms.map((storm) => `<td>${cell(runs.filter((run) => run.service === service && run.storm === storm))}</td>`);
    return `<tr><th class="service">${escapeXml(service)}</th>${cells.join("")}</tr>`;
  });
  return `<div class="key"><span>every request answered</span><span class="some">some failed, within the objective</span><span class="violated">objective violated</span></div>
<div class="scroll"><table class="matrix"><tr><th></th>${heads.join("")}</tr>${rows.join("")}</table></div>
<p class="quiet">The share of requests that were answered and the longest time in which none was, in the worst run of each storm.</p>`;
}

function cell(runs: readonly RunReport[]): string {
  const rank = (run: RunReport) => (run.verdict === "violated" ? -1000 : 0) + run.availability;
  const worst = [...runs].sort((a, b) => rank(a) - rank(b))[0];
  if (!worst) return "";
  const { availability, longestOutageMs, verdict, violations } = worst;
  const kind = verdict === "violated" ? "violated" : availability < 100 ? "some" : "";
  const tip = [titleOf(worst), ...violations].join("\n");
  const outage = longestOutageMs > 0 ? spell(longestOutageMs / 1000) : violations.length > 0 ? "see why" : "&nbsp;";
  return `<a class="cell ${kind}" href="#${anchorOf(titleOf(worst))}" title="${escapeXml(tip)}"><b>${percent(availability)}</b><small>${outage}</small></a>`;
}

/** The id of a run's part of the page. */
export function anchorOf(title: string): string {
  return `run-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}

function findingHtml(finding: GroupedFinding, runs: readonly RunReport[]): string {
  const { service, title, file, line, setting, evidence, fix, change, trial, runs: where } = finding;
  const violated = runs.some((run) => run.service === service && run.verdict === "violated" && where.includes(titleOf(run)));
  const links = where.map((name) => `<a href="#${anchorOf(name)}">${escapeXml(name)}</a>`);
  const kind = violated ? "violated" : "";
  return `<article class="finding ${kind}"><h3>${escapeXml(service)}: ${escapeXml(title)}</h3>
<p><code>${escapeXml(file)}:${line}</code> ${escapeXml(setting)}</p>
<p>${escapeXml(evidence)} <small>${links.slice(0, 6).join(", ")}${links.length > 6 ? ` and ${links.length - 6} more` : ""}</small></p>
<p><b>${escapeXml(fix)}</b></p>
${trial === null ? "" : trialHtml(trial)}
${change === "" ? "" : `<details><summary>The change</summary><pre>${escapeXml(change)}</pre></details>`}
</article>`;
}

/** What explains failures that no change of the manifests alone would mend. */
function noteHtml({ service, title, evidence, fix, runs }: GroupedFinding): string {
  const link = `<a href="#${anchorOf(runs[0]!)}">${escapeXml(runs[0]!)}</a>${runs.length > 1 ? ` and ${plural(runs.length - 1, "more run")}` : ""}`;
  return `<article class="finding note"><p><b>${escapeXml(service)}: ${escapeXml(title)}.</b> ${escapeXml(evidence)} <small>${link}</small></p><p class="quiet">${escapeXml(fix)}</p></article>`;
}

/** Two bars of what failed: the longer one is the whole width. */
function trialHtml({ helped, before, after }: NonNullable<GroupedFinding["trial"]>): string {
  const most = Math.max(0.01, 100 - before.availability, 100 - after.availability);
  const row = (name: string, { availability, longestOutageMs }: typeof before) => {
    const width = (100 * (100 - availability)) / most;
    const text = `${percent(availability)} answered${longestOutageMs > 0 ? `, longest outage ${spell(longestOutageMs / 1000)}` : ""}`;
    return `<span>${name}</span><div class="bar"><i style="width:${width.toFixed(1)}%"></i></div><span>${text}</span>`;
  };
  const rows = `<div class="trial">${row("failed as it is", before)}${row("failed with the change", after)}</div>`;
  return `<p class="quiet">Tried in ${escapeXml(titleOf(before))}:${helped ? "" : ` <b class="bad">that change alone did not help.</b>`}</p>${rows}`;
}

function servicesTable({ services }: Rehearsal): string {
  const seconds = (ms: number | null) => (ms === null ? "–" : spell(ms / 1000));
  const rows = services.map(
    (one) =>
      `<tr><td>${escapeXml(one.service)}<br><small>${escapeXml(one.file)}:${one.line}</small></td><td class="n">${percent(one.availability)}</td>` +
      `<td>${one.worst && one.worst.availability < 100 ? `${percent(one.worst.availability)} in <a href="#${anchorOf(titleOf(one.worst))}">${escapeXml(titleOf(one.worst))}</a>` : "–"}</td>` +
      `<td class="n">${seconds(one.longestOutageMs)}</td><td class="n">${seconds(one.detectionMs)}</td><td class="n">${one.recovered ? seconds(one.recoveryMs) : "not in every run"}</td>` +
      `<td class="n">${one.restoredMs === null ? "not in the storm" : seconds(one.restoredMs)}</td><td class="${one.verdict === "held" ? "good" : "bad"}">${one.verdict}</td></tr>`,
  );
  return `<div class="scroll"><table><tr><th>Service<th class="n">Answered<th>At worst<th class="n">Longest outage<th class="n">Detected<th class="n">Recovered<th class="n">Replicas back<th></tr>${rows.join("")}</table></div>
<p class="quiet">Detected: until no lost pod was listed as ready any more, or a lost leader had a successor. Recovered: the longest time over which requests went on failing. Replicas back: until as many pods were ready as before.</p>`;
}

function notesHtml({ notModelled, undeclaredImages }: Rehearsal): string {
  const rows = notModelled.map(
    ({ file, line, what, became }) =>
      `<tr><td><code>${escapeXml(file)}:${line}</code></td><td>${escapeXml(what)}</td><td>${escapeXml(became)}</td></tr>`,
  );
  const images =
    undeclaredImages.length === 0
      ? ""
      : `<p>Nobody declared how ${undeclaredImages.length === 1 ? "this image behaves" : "these images behave"}: ${undeclaredImages.map((image) => `<code>${escapeXml(image)}</code>`).join(", ")}. By default an image is pulled in 0.5 to 1.5 s, listens 0.25 to 0.65 s after its start, answers 200 in 1 to 5 ms, depends on nobody, and stops at SIGTERM at once.</p>`;
  return `${rows.length === 0 ? "" : `<div class="scroll"><table class="notes">${rows.join("")}</table></div>`}${images}`;
}
