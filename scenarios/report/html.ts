import { isWrong } from "../checks/check";
import { formatTime } from "../history";
import type { RunResult } from "../run";
import type { Scenario } from "../scenario";
import { auditTable } from "./audit";
import type { CloseUp } from "./close-up";
import { cyclesHtml } from "./cycle";
import { intervalsHtml } from "./intervals";
import { escapeXml } from "./junit";
import { overviewHtml, toOrOf } from "./overview";
import { spaceTimeHtml, whyHtml } from "./space-time";
import { spaceTimeScript } from "./space-time-script";
import { script, style } from "./style";
import { checksTable, probesTable, recoveryTable, scoreHtml, stepsTable, timelineTable } from "./tables";

export interface ReportInput {
  readonly scenario: Scenario;
  readonly result: RunResult;
  /** What to paste to see the same again. */
  readonly replayLine: string;
  /** A violation in a paragraph; "" where there is none. */
  readonly cause: string;
  /** The run around the moment that matters most; undefined where nobody looked. */
  readonly closeUp: CloseUp | undefined;
}

/** A run as one HTML file that needs nothing else and answers what happened. */
export function htmlOf({ scenario, result, replayLine, cause, closeUp }: ReportInput): string {
  const { series, focus } = result;
  const hosts = scenario.plan.hosts.map(({ name }) => name);
  const sections: readonly (readonly [string, string, string])[] = [
    ["what", "What happened", overviewHtml(result)],
    ["operation", "The illegal operation", closeUp ? intervalsHtml(closeUp, focus, series) : ""],
    ["cycle", "The cycle", cyclesHtml(result)],
    [
      "messages",
      "Messages around the moment",
      closeUp ? whyHtml(focus.why, focus.atUs) + spaceTimeHtml(closeUp, hosts, series.faults, result.schedule) : "",
    ],
    ["recovery", "Time to detect, time to recover", recoveryTable(result)],
    ["steps", "Steps of the storm", stepsTable(result)],
    ["checks", "Verdicts", checksTable(result)],
    ["score", "Score", scoreHtml(result)],
    ["reached", "What the run reached", probesTable(result)],
    ["events", "Events", timelineTable(result)],
    ["audit", "Audit log", auditTable(result)],
  ];
  const shown = sections.filter(([, , body]) => body !== "");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(scenario.title)}: ${result.verdict}</title>
<style>${style}</style>
<header class="${result.verdict}">
<h1>${escapeXml(scenario.title)}</h1>
<p class="verdict">${verdictOf(result)}</p>
${cause === "" ? "" : `<p class="cause">${escapeXml(cause)}</p>`}
${factsList(result)}
<p class="replay"><code>${escapeXml(replayLine)}</code></p>
<nav>${shown.map(([id, title]) => `<a href="#${id}">${title}</a>`).join("")}</nav>
</header>
<main>
<p>${escapeXml(scenario.description)}</p>
${shown.map(([id, title, body]) => `<section id="${id}"><h2>${title}</h2>${body}</section>`).join("\n")}
</main>
<div id="moment"></div>
<script>${script}${spaceTimeScript}</script>
</html>
`;
}

function verdictOf({ verdict, checks, stopped }: RunResult): string {
  const violated = checks.filter(isWrong).length;
  const unproven = checks.filter((check) => check.unproven).length;
  const idle = `${unproven} had nothing to judge`;
  if (violated > 0)
    return `${violated} of ${checks.length} checks ${violated === 1 ? "is" : "are"} violated${unproven > 0 ? `, ${idle}` : ""}`;
  if (verdict === "violated") return `This run proves nothing: of ${checks.length} checks ${idle}`;
  return stopped ? "Stopped before the end; nothing is violated so far" : `All ${checks.length} checks held`;
}

/** What one wants to know of a run before anything else. */
function factsList({ seed, traceHash, virtualMs, events, series }: RunResult): string {
  const answered = series.load.map(({ service, succeeded, failed }): readonly [string, string] => {
    const [good, bad] = [sum(succeeded), sum(failed)];
    return [
      `requests ${toOrOf(service)} answered`,
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
