import { formatTime } from "../../history";
import { escapeXml } from "../../report/junit";
import type { Band } from "../../report/recorder";
import { spell } from "../blames/blame";
import { percent, type RunReport } from "../judgement";
import { titleOf } from "../rehearsal";
import { anchorOf, type ShownRun } from "./html";

/** A strip is drawn in at most so many parts. */
const partsMost = 240;

/** Each run with a strip of time for each Service, what happened in it, and the way to its whole report. */
export function runsHtml(shown: readonly ShownRun[], reports: readonly RunReport[]): string {
  return shown
    .map((run) =>
      runHtml(
        run,
        reports.filter((report) => titleOf(report) === run.title),
      ),
    )
    .join("");
}

function runHtml(run: ShownRun, reports: readonly RunReport[]): string {
  const { name, title, happened, series, timeline } = run;
  const violated = reports.some(({ verdict }) => verdict === "violated");
  const from = Math.floor((series.acts.find(({ act }) => act === "storm")?.atUs ?? 0) / 1e6);
  const window: Window = { from, to: Math.max(from + 1, series.seconds) };
  const links = [`<a href="storms/${name}/report.html">the whole report</a>`];
  const strips = reports.map((report) => strip(run, report, window));
  const events = timeline.filter(({ tone, atUs }) => tone !== "rollout" && atUs >= from * 1e6);
  const rows = events
    .slice(0, 60)
    .map(
      ({ atUs, tone, text }) =>
        `<tr class="${tone}"><td>${formatTime(Math.max(0, atUs - from * 1e6))}</td><td>${escapeXml(text)}</td></tr>`,
    );
  const more = events.length > 60 ? `<p class="quiet">${events.length - 60} more are in the whole report.</p>` : "";
  return `<div class="run" id="${anchorOf(title)}"><h4><span class="${violated ? "bad" : ""}">${escapeXml(title)}</span>${links.join("")}</h4>
<p class="quiet">${escapeXml(happened.charAt(0).toUpperCase() + happened.slice(1))}.</p>
${axis(window)}${strips.join("")}
<details><summary>${events.length} events</summary><table class="events">${rows.join("")}</table>${more}</details></div>`;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** Seconds since the storm began, above the strips. */
function axis({ from, to }: Window): string {
  const seconds = to - from;
  const step = [5, 10, 15, 30, 60, 120, 300].find((one) => seconds / one <= 9) ?? 600;
  const labels: string[] = [];
  for (let second = 0; second <= seconds - step / 2; second += step)
    labels.push(`<span style="left:${((100 * second) / seconds).toFixed(2)}%">${formatTime(second * 1e6).replace(/\.\d+$/, "")}</span>`);
  return `<div class="strip axis"><span></span><div class="times">${labels.join("")}</div><span></span></div>`;
}

function strip({ series }: ShownRun, report: RunReport, { from, to }: Window): string {
  const { service, availability, longestOutageMs, verdict, violations } = report;
  const own = series.load.find((load) => load.service === service);
  const width = (to - from) / Math.min(partsMost, to - from);
  const parts: string[] = [];
  for (let second = from; second < to; second += width) {
    const [first, last] = [Math.floor(second), Math.max(Math.floor(second) + 1, Math.floor(second + width))];
    const sum = (values: readonly number[] | undefined) => (values ?? []).slice(first, last).reduce((total, one) => total + one, 0);
    const failed = sum(own?.failed);
    if (failed === 0) continue;
    const share = failed / (failed + sum(own?.succeeded));
    const [x, height] = [(1000 * (second - from)) / (to - from), 12 * Math.max(0.15, share)];
    parts.push(
      `<rect class="err" x="${x.toFixed(1)}" y="${(14 - height).toFixed(1)}" width="${((1000 * width) / (to - from)).toFixed(1)}" height="${height.toFixed(1)}"/>`,
    );
  }
  const bands = series.faults.map((band) => fault(band, { from, to }));
  const text = `${percent(availability)}${longestOutageMs > 0 ? `, outage ${spell(longestOutageMs / 1000)}` : ""}`;
  return `<div class="strip"><span class="name" title="${escapeXml(service)}">${escapeXml(service)}</span>
<svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label="${escapeXml(`${service}: ${text}`)}"><rect class="ok" width="1000" height="14"/>${parts.join("")}${bands.join("")}</svg>
<span class="n ${verdict}" title="${escapeXml(violations.join("\n"))}">${text}</span></div>`;
}

/** A thin line along the top while a fault lasts. */
function fault({ fromUs, toUs, label, row }: Band, { from, to }: Window): string {
  const x = (us: number) => (1000 * (us / 1e6 - from)) / (to - from);
  return `<rect class="fault" x="${x(fromUs).toFixed(1)}" y="0" width="${Math.max(2, x(toUs) - x(fromUs)).toFixed(1)}" height="2"><title>${escapeXml(`${label} ${row}`)}</title></rect>`;
}
