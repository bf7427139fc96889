import { checks as catalogue } from "../checks";
import type { CheckResult } from "../checks/check";
import { faultNamed } from "../faults";
import { formatTime } from "../history";
import type { RunResult } from "../run";
import { escapeXml } from "./junit";
import { type Recovery, recoveries } from "./recovery";
import { type Score, scoreOf } from "./score";

/** A row for each check, violated ones first, with what it claims. */
export function checksTable({ checks }: RunResult): string {
  const rows = [...checks]
    .sort((a, b) => rankOf(a) - rankOf(b))
    .map(({ name, verdict, detail, atUs, reached, unproven }) => {
      const check = catalogue.find((one) => one.name === name.split(" ")[0]);
      const claim = check ? `<small>${escapeXml(check.claim)} <i>${escapeXml(check.source)}</i></small>` : "";
      const when = atUs >= 0 ? ` (at ${formatTime(atUs)})` : "";
      return `<tr class="${unproven ? "unproven" : verdict}"><td>${unproven ? "unproven" : verdict}</td><td>${escapeXml(name)}${claim}</td><td>${escapeXml(detail)}${when}<small>judged ${reached === 1 ? "once" : `${reached} times`}</small></td></tr>`;
    });
  return wide(`<table class="checks"><tr><th>Verdict<th>Check<th>What it saw</tr>${rows.join("")}</table>`);
}

/** What is wrong first, then what had nothing to judge. */
function rankOf({ verdict, unproven }: CheckResult): number {
  if (verdict === "held") return 2;
  return unproven ? 1 : 0;
}

/** What was done to the cluster, and the proof that it took effect. */
export function stepsTable({ steps, schedule }: RunResult): string {
  if (schedule.length === 0) return "";
  const rows = schedule.map(({ type, where, atUs, forUs, name, targets }, place) => {
    const result = steps.find((one) => one.step === place);
    const became = result?.wrong ? `<span class="violated">${escapeXml(result.wrong)}</span>` : escapeXml(result?.effect ?? "");
    const what = type === "fault" ? (faultNamed(name)?.what ?? "") : "";
    const lasted = type !== "fault" ? "" : forUs === null ? "until the calm" : seconds(forUs);
    return `<tr><td>${escapeXml(where)}</td><td>${formatTime(atUs)}</td><td title="${escapeXml(what)}">${escapeXml(name)}<small>${type === "fault" ? "" : type}</small></td><td>${escapeXml(targets.join(", "))}</td><td>${lasted}</td><td>${became}</td></tr>`;
  });
  return wide(`<table><tr><th>Step<th>At (in the storm)<th>What<th>Whom<th>For<th>What it did</tr>${rows.join("")}</table>`);
}

/** Time to detect and to recover, for each fault and Service. */
export function recoveryTable({ series }: RunResult): string {
  const all = recoveries(series);
  if (all.length === 0) return "";
  const services = all[0]!.services.map(({ service }) => service);
  const rows = all.map((recovery) => {
    const { fault, detected, services: own } = recovery;
    const first = detected ? `${seconds(detected.afterUs)}<small>${escapeXml(detected.what)}</small>` : "–";
    const cells = own.map((one) => `<td>${cellOf(one)}</td>`).join("");
    return `<tr><td>${formatTime(fault.fromUs)}</td><td>${escapeXml(fault.label)}<small>${escapeXml(fault.row)}, for ${seconds(fault.toUs - fault.fromUs)}</small></td><td>${first}</td>${cells}</tr>`;
  });
  const heads = services.map((service) => `<th>${escapeXml(service.replace(/^client\//, ""))} recovered after`).join("");
  return `<p>From the beginning of each fault: until the cluster first did something about a host that it hit (another leader, NotReady, an endpoint taken out), and until each Service answered all requests and had as many ready endpoints as before.</p>
${wide(`<table><tr><th>At<th>Fault<th>Detected after${heads}</tr>${rows.join("")}</table>`)}`;
}

function cellOf({ failed, answeredAfterUs, endpointsAfterUs }: Recovery["services"][number]): string {
  const requests =
    failed === 0
      ? "no request failed"
      : `${answeredAfterUs < 0 ? "never" : seconds(answeredAfterUs)}<small>${failed} requests failed</small>`;
  const endpoints =
    endpointsAfterUs === 0
      ? ""
      : `<small>endpoints ${endpointsAfterUs < 0 ? "never back" : `back after ${seconds(endpointsAfterUs)}`}</small>`;
  return requests + endpoints;
}

export function scoreHtml(result: RunResult): string {
  const score: Score = scoreOf(result);
  const rows = score.parts.map(
    ({ name, points, of, why }) =>
      `<tr><td>${escapeXml(name)}</td><td>${points.toFixed(1)} of ${of}</td><td class="meter"><i style="width:${((100 * points) / of).toFixed(1)}%"></i></td><td>${escapeXml(why)}</td></tr>`,
  );
  return `<div class="score"><div class="total"><b>${score.total}</b><span>of 100</span></div>${wide(`<table>${rows.join("")}</table>`)}</div>
<p class="hint">For comparing runs of one scenario; it judges nothing. Checks: all, or at most half with a violation. Availability of the worst Service: nothing with one nine, everything with four. Recovery and convergence: everything within 2 s, nothing after 2 min, by orders of magnitude. What did not apply is left out.</p>`;
}

export function probesTable({ probes }: RunResult): string {
  const cells = Object.entries(probes).map(
    ([name, count]) => `<li class="${count === 0 ? "none" : ""}"><b>${count}</b> ${escapeXml(name)}</li>`,
  );
  return `<ul class="probes">${cells.join("")}</ul>`;
}

export function timelineTable({ timeline }: RunResult): string {
  const rows = timeline.map(
    ({ atUs, tone, text }) => `<tr class="${tone}"><td>${formatTime(atUs)}</td><td>${tone}</td><td>${escapeXml(text)}</td></tr>`,
  );
  return wide(`<table class="events">${rows.join("")}</table>`);
}

/** On a narrow page a table is moved, not the page. */
function wide(table: string): string {
  return `<div class="wide">${table}</div>`;
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(us < 10_000_000 ? 2 : 1)} s`;
}
