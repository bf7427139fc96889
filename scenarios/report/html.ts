import { formatTime } from "../history";
import type { RunResult } from "../run";
import type { Scenario } from "../scenario";
import { type Axis, axisOf, bandsSvg, linesSvg } from "./drawing";
import { escapeXml } from "./junit";

/** A run as one HTML file that needs nothing else: verdicts, the timeline with its fault bands, pods and requests over time, probes, every event. */
export function htmlOf(scenario: Scenario, result: RunResult, replayLine: string): string {
  const { series } = result;
  const axis = axisOf(series.seconds);
  const violated = result.checks.filter(({ verdict }) => verdict === "violated");
  const verdict =
    result.verdict === "held"
      ? `All ${result.checks.length} checks held`
      : `${violated.length} of ${result.checks.length} checks are violated`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(scenario.title)}: ${result.verdict}</title>
<style>${style}</style>
<header class="${result.verdict}">
<h1>${escapeXml(scenario.title)}</h1>
<p class="verdict">${verdict}</p>
<p>seed ${result.seed} · trace ${result.traceHash} · ${formatTime(result.virtualMs * 1000)} of virtual time · ${result.events} events</p>
<p><code>${escapeXml(replayLine)}</code></p>
</header>
<main>
<p>${escapeXml(scenario.description)}</p>
${section("Verdicts", checksTable(result))}
${section("What happened", drawings(axis, result))}
${section("Steps of the storm", stepsTable(result))}
${section("What the run reached", probesTable(result))}
${section("Events", timelineTable(result))}
</main>
</html>
`;
}

const section = (title: string, body: string) => (body === "" ? "" : `<section><h2>${title}</h2>${body}</section>`);

function checksTable({ checks }: RunResult): string {
  const rows = checks.map(({ name, verdict, detail, atUs }) => {
    const when = atUs >= 0 ? formatTime(atUs) : "";
    return `<tr class="${verdict}"><td>${verdict}</td><td>${escapeXml(name)}</td><td>${escapeXml(detail)}</td><td>${when}</td></tr>`;
  });
  return `<table><tr><th>Verdict<th>Check<th>What it saw<th>When</tr>${rows.join("")}</table>`;
}

function drawings(axis: Axis, { series }: RunResult): string {
  const acts = series.acts
    .filter(({ act }) => act !== "end")
    .map(({ act, atUs }, i) => ({
      row: "act",
      label: act,
      fromUs: atUs,
      toUs: series.acts[i + 1]?.atUs ?? series.seconds * 1e6,
      detail: "",
    }));
  return [
    bandsSvg(axis, "Acts", acts, "act"),
    bandsSvg(axis, "Faults, by what they hit", series.faults, "fault"),
    bandsSvg(axis, "Hosts that were down, nodes that were NotReady", series.troubles, "trouble"),
    bandsSvg(axis, "Leaders", series.leaders, "leader"),
    ...series.load.flatMap(({ service, succeeded, failed, medianUs, p99Us }) => [
      linesSvg(
        axis,
        `Requests to ${service}`,
        [
          { name: "succeeded", kind: "good", values: succeeded },
          { name: "failed", kind: "bad", values: failed },
        ],
        "per second",
        series.faults,
      ),
      linesSvg(
        axis,
        `Latency of ${service}`,
        [
          { name: "99th percentile", kind: "bad", values: p99Us.map((us) => (us < 0 ? us : us / 1000)) },
          { name: "median", kind: "good", values: medianUs.map((us) => (us < 0 ? us : us / 1000)) },
        ],
        "ms",
        series.faults,
      ),
    ]),
    ...series.deployments.map(({ name, available, wanted }) =>
      linesSvg(
        axis,
        `Pods of ${name}`,
        [
          { name: "available", kind: "good", values: available },
          { name: "wanted", kind: "plain", values: wanted },
        ],
        "pods",
        series.faults,
      ),
    ),
    linesSvg(axis, "Nodes that are Ready", [{ name: "Ready", kind: "good", values: series.nodesReady }], "nodes", series.faults),
  ].join("\n");
}

function stepsTable({ steps, schedule }: RunResult): string {
  if (schedule.length === 0) return "";
  const rows = schedule.map(({ step, atUs, name, targets }) => {
    const result = steps.find((one) => one.step === step);
    const became = result?.wrong ? `<span class="violated">${escapeXml(result.wrong)}</span>` : escapeXml(result?.effect ?? "");
    return `<tr><td>${step}</td><td>${formatTime(atUs)}</td><td>${escapeXml(name)}</td><td>${escapeXml(targets.join(", "))}</td><td>${became}</td></tr>`;
  });
  return `<table><tr><th>Step<th>At (in the storm)<th>What<th>Whom<th>What it did</tr>${rows.join("")}</table>`;
}

function probesTable({ probes }: RunResult): string {
  const cells = Object.entries(probes).map(
    ([name, count]) => `<li class="${count === 0 ? "none" : ""}"><b>${count}</b> ${escapeXml(name)}</li>`,
  );
  return `<ul class="probes">${cells.join("")}</ul>`;
}

function timelineTable({ timeline }: RunResult): string {
  const rows = timeline.map(
    ({ atUs, tone, text }) => `<tr class="${tone}"><td>${formatTime(atUs)}</td><td>${tone}</td><td>${escapeXml(text)}</td></tr>`,
  );
  return `<table class="events">${rows.join("")}</table>`;
}

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--faint:#e4e8ee;--quiet:#66707f;--good:#1a7f4b;--bad:#c2312f;--fault:#e0803a;--leader:#3a6fc9;--act:#8794a8}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--paper:#14181f;--faint:#2a313d;--quiet:#97a2b3;--good:#4cc98a;--bad:#f0716d;--fault:#e99a5e;--leader:#7aa7f5;--act:#5d6a7f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}
header,main{max-width:1220px;margin:0 auto;padding:16px 20px}
header{border-top:6px solid var(--good)}header.violated{border-color:var(--bad)}
h1{font-size:24px;margin:8px 0}h2{font-size:18px;margin:28px 0 8px}
.verdict{font-size:18px;font-weight:600;color:var(--good)}header.violated .verdict,.violated,tr.violated td:first-child{color:var(--bad)}
tr.held td:first-child{color:var(--good)}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:3px 10px 3px 0;border-bottom:1px solid var(--faint);vertical-align:top}
code{background:var(--faint);padding:2px 6px;border-radius:4px}
figure{margin:6px 0 14px}figcaption{font-weight:600;font-size:13px;color:var(--quiet)}svg{width:100%;height:auto;display:block}
.row,.time,.label,.key{font:11px system-ui,sans-serif;fill:var(--quiet)}.time{text-anchor:middle}.label{fill:#fff}
.tick{stroke:var(--faint)}.shade{fill:var(--fault);opacity:.15}
rect.fault{fill:var(--fault)}rect.trouble{fill:var(--bad)}rect.leader{fill:var(--leader)}rect.act{fill:var(--act)}
.line{fill:none;stroke-width:1.5;stroke:var(--quiet)}.line.good{stroke:var(--good)}.line.bad{stroke:var(--bad)}.key.good{fill:var(--good)}.key.bad{fill:var(--bad)}
.probes{columns:3;list-style:none;padding:0}.probes b{display:inline-block;min-width:5em;text-align:right;margin-right:6px}.probes .none{color:var(--quiet)}
.events td{font:12px/1.5 ui-monospace,monospace;border:0}.events tr.fault td,.events tr.trouble td{color:var(--fault)}.events tr.verdict td{color:var(--bad);font-weight:600}.events tr.leader td{color:var(--leader)}
`;
