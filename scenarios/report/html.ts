import { checks as catalogue } from "../checks";
import { formatTime } from "../history";
import type { RunResult } from "../run";
import type { Scenario } from "../scenario";
import { type Axis, axisHtml, axisOf, bandsHtml, chartHtml } from "./drawing";
import { escapeXml } from "./junit";
import { script, style } from "./style";

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
${violated.map(({ name, detail }) => `<p class="cause"><b>${escapeXml(name)}</b>: ${escapeXml(detail)}</p>`).join("")}
${factsList(result)}
<p><code>${escapeXml(replayLine)}</code></p>
</header>
<main>
<p>${escapeXml(scenario.description)}</p>
${section("What happened", drawings(axis, result))}
${section("Verdicts", checksTable(result))}
${section("Steps of the storm", stepsTable(result))}
${section("What the run reached", probesTable(result))}
${section("Events", timelineTable(result))}
</main>
<div id="moment"></div>
<script>${script}</script>
</html>
`;
}

const section = (title: string, body: string) => (body === "" ? "" : `<section><h2>${title}</h2>${body}</section>`);

/** What one wants to know of a run before anything else. */
function factsList({ seed, traceHash, virtualMs, events, series }: RunResult): string {
  const answered = series.load.map(({ service, succeeded, failed }): readonly [string, string] => {
    const [good, bad] = [sum(succeeded), sum(failed)];
    return [
      `requests to ${service} answered`,
      good + bad === 0 ? "none sent" : `${(Math.floor((good / (good + bad)) * 10_000) / 100).toFixed(2)} %`,
    ];
  });
  const facts: readonly (readonly [string, string])[] = [
    ["seed", String(seed)],
    ["trace", traceHash],
    ["of virtual time", formatTime(virtualMs * 1000)],
    ["events", String(events)],
    ...answered,
  ];
  const named = (name: string) => name === "seed" || name === "trace";
  const items = facts.map(([name, value]) =>
    named(name) ? `<li><span>${name}</span> ${value}</li>` : `<li>${escapeXml(value)} <span>${escapeXml(name)}</span></li>`,
  );
  return `<ul class="facts">${items.join("")}</ul>`;
}

const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);

/** A row for each check, violated ones first, with what it claims. */
function checksTable({ checks }: RunResult): string {
  const rows = [...checks]
    .sort((a, b) => Number(a.verdict === "held") - Number(b.verdict === "held"))
    .map(({ name, verdict, detail, atUs }) => {
      const claim = catalogue.find((check) => check.name === name.split(" ")[0])?.claim ?? "";
      const when = atUs >= 0 ? ` (at ${formatTime(atUs)})` : "";
      return `<tr class="${verdict}"><td>${verdict}</td><td>${escapeXml(name)}<small>${escapeXml(claim)}</small></td><td>${escapeXml(detail)}${when}</td></tr>`;
    });
  return `<table class="checks"><tr><th>Verdict<th>Check<th>What it saw</tr>${rows.join("")}</table>`;
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
  const sheet = { axis, faults: series.faults };
  const load = series.load.flatMap(({ service, succeeded, failed, medianUs, p99Us }) => [
    chartHtml(
      sheet,
      `Requests to ${service}`,
      [
        { name: "succeeded", kind: "good", values: succeeded, filled: true },
        { name: "failed", kind: "bad", values: failed, filled: true },
      ],
      "per s",
    ),
    chartHtml(
      sheet,
      `Success of ${service}`,
      [{ name: "% of requests", kind: "good", values: succeeded.map((good, i) => percentOf(good, failed[i] ?? 0)) }],
      "%",
    ),
    chartHtml(
      sheet,
      `Latency of ${service}`,
      [
        { name: "99th percentile", kind: "plain", values: p99Us.map(toMs) },
        { name: "median", kind: "good", values: medianUs.map(toMs) },
      ],
      "ms",
    ),
  ]);
  const endpoints = series.endpoints.map(({ service, ready }) =>
    chartHtml(sheet, `Endpoints of ${service}`, [{ name: "ready", kind: "good", values: ready }], "pods"),
  );
  const deployments = series.deployments.map(({ name, available, wanted }) =>
    chartHtml(
      sheet,
      `Pods of ${name}`,
      [
        { name: "wanted", kind: "plain", values: wanted },
        { name: "available", kind: "good", values: available },
      ],
      "pods",
    ),
  );
  return [
    `<div id="drawings" data-seconds="${axis.seconds}">`,
    axisHtml(axis),
    bandsHtml(axis, "Acts", acts, "act"),
    bandsHtml(axis, "Faults, by what they hit", series.faults, "fault"),
    bandsHtml(axis, "Hosts that were down, nodes that were NotReady", series.troubles, "trouble"),
    bandsHtml(axis, "Leaders", series.leaders, "leader"),
    ...load,
    ...endpoints,
    ...deployments,
    chartHtml(sheet, "Nodes", [{ name: "Ready", kind: "good", values: series.nodesReady }], "nodes"),
    "</div>",
  ].join("\n");
}

/** Microseconds in milliseconds; gaps stay gaps. */
const toMs = (us: number) => (us < 0 ? us : us / 1000);
/** -1, a gap, where nothing was sent. */
const percentOf = (good: number, bad: number) => (good + bad === 0 ? -1 : (100 * good) / (good + bad));

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
