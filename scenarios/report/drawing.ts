import { escapeXml } from "./junit";
import { type Band, lanesOf } from "./recorder";

/**
 * Drawings for the report. All of them share one horizontal axis of time, in shares of the plot's width, so that text keeps its size at any width of
 * the window and what happened at once stands one below the other.
 */
export interface Axis {
  readonly seconds: number;
  /** Seconds from one tick to the next. */
  readonly step: number;
}

const ticksMost = 12;

export function axisOf(seconds: number): Axis {
  const most = Math.max(1, seconds);
  return { seconds: most, step: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((one) => most / one <= ticksMost) ?? 1800 };
}

/** The row of times above all drawings. */
export function axisHtml(axis: Axis): string {
  const labels: string[] = [];
  // The last tick is left out where its label would leave the page.
  for (let second = 0; second <= axis.seconds - axis.step / 4; second += axis.step)
    labels.push(`<span style="left:${share(axis, second * 1e6)}">${clock(second)}</span>`);
  return `<div class="axis row"><div class="name"></div><div class="plot">${labels.join("")}</div><div class="scale"></div></div>`;
}

/** Rows of bands, one row for each name, or more where its bands overlap. */
export function bandsHtml(axis: Axis, title: string, bands: readonly Band[], kind: string): string {
  if (bands.length === 0) return "";
  const rows = lanesOf(bands).map(({ row: name, bands: lane }) => {
    const own = lane.map((band) => bandHtml(axis, band, kind));
    return `<div class="row bands"><div class="name" title="${escapeXml(name)}">${escapeXml(name)}</div>${plot(axis, own.join(""))}<div class="scale"></div></div>`;
  });
  return `<figure><figcaption>${escapeXml(title)}</figcaption>${rows.join("")}</figure>`;
}

function bandHtml(axis: Axis, { row, label, fromUs, toUs, detail }: Band, kind: string): string {
  const tip = `${row}: ${label}\n${clock(fromUs / 1e6, 2)} to ${clock(toUs / 1e6, 2)} (${((toUs - fromUs) / 1e6).toFixed(2)} s)${detail ? `\n${detail}` : ""}`;
  const shown = holderName(label);
  return `<div class="band ${kind}" style="${span(axis, fromUs, toUs)}" title="${escapeXml(tip)}">${escapeXml(shown)}</div>`;
}

/** What happened at a moment. */
export interface Mark {
  readonly row: string;
  readonly atUs: number;
  readonly text: string;
}

/** Rows of moments, one row for each name. */
export function marksHtml(axis: Axis, title: string, marks: readonly Mark[]): string {
  if (marks.length === 0) return "";
  const rows = [...new Set(marks.map(({ row }) => row))].map((name) => {
    const own = marks.filter(({ row }) => row === name);
    const drawn = own.map(
      ({ atUs, text }) =>
        `<div class="band act mark" style="${span(axis, atUs, atUs)}" title="${escapeXml(`${clock(atUs / 1e6, 2)} ${text}`)}"></div>`,
    );
    return `<div class="row bands"><div class="name" title="${escapeXml(name)}">${escapeXml(name)}</div>${plot(axis, drawn.join(""))}<div class="scale"></div></div>`;
  });
  return `<figure><figcaption>${escapeXml(title)}</figcaption>${rows.join("")}</figure>`;
}

/** The identity of a Lease's holder without the UUID at its end. */
export function holderName(identity: string): string {
  return identity.replace(/_[0-9a-f]{8}-[0-9a-f-]{27}$/, "");
}

export interface Line {
  readonly name: string;
  readonly kind: "good" | "bad" | "plain" | "c0" | "c1" | "c2" | "c3" | "c4" | "c5";
  /** By second; negative values are gaps. */
  readonly values: readonly number[];
  readonly filled?: boolean;
}

/** What is the same for every chart of a report. */
export interface Sheet {
  readonly axis: Axis;
  /** Drawn behind each chart. */
  readonly faults: readonly Band[];
}

/** Lines over a common vertical scale from 0 in steps of seconds; the values ride along for those who point at a moment. */
export function chartHtml({ axis, faults }: Sheet, title: string, lines: readonly Line[], unit: string): string {
  const most = Math.max(1e-9, ...lines.flatMap(({ values }) => values));
  const top = number(most === 1e-9 ? 0 : most);
  const paths = lines.map(({ kind, values, filled }) => {
    const stroke = `<path class="line ${kind}" d="${stepsPath(axis, values, most)}"/>`;
    return filled ? `<path class="area ${kind}" d="${areaPath(axis, values, most)}"/>${stroke}` : stroke;
  });
  const keys = lines.map(({ name, kind }) => `<span class="key ${kind}">${escapeXml(name)} <output></output></span>`);
  const shades = faults.map(
    ({ row, label, fromUs, toUs }) =>
      `<div class="shade" style="${span(axis, fromUs, toUs)}" title="${escapeXml(`${label} ${row}`)}"></div>`,
  );
  const drawing = `<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="${escapeXml(title)}">${paths.join("")}</svg>`;
  const data = escapeXml(
    JSON.stringify(lines.map(({ values }) => values.map((value) => (value < 0 ? null : Math.round(value * 100) / 100)))),
  );
  return (
    `<figure class="chart row" data-values="${data}"><figcaption class="name"><b title="${escapeXml(title)}">${escapeXml(title)}</b>${keys.join("")}</figcaption>` +
    `${plot(axis, shades.join("") + drawing)}<div class="scale"><span>${top} ${escapeXml(unit)}</span><span>0</span></div></figure>`
  );
}

function plot(axis: Axis, body: string): string {
  return `<div class="plot" style="background-size:${percent(axis.step / axis.seconds)} 100%">${body}</div>`;
}

/** Runs of neighbouring seconds that have a value, as [first second, values]. */
function stretches(values: readonly number[]): readonly (readonly [number, readonly number[]])[] {
  const all: [number, number[]][] = [];
  for (const [second, value] of values.entries()) {
    if (value < 0) continue;
    if (second > 0 && values[second - 1]! >= 0) all.at(-1)![1].push(value);
    else all.push([second, [value]]);
  }
  return all;
}

function steps(axis: Axis, first: number, values: readonly number[], most: number): string {
  const x = (second: number) => round((1000 * second) / axis.seconds);
  // Two units stay free above and below, or half of a line at the edge would be cut off.
  return values.map((value, i) => `V${round(98 - (96 * value) / most)}H${x(first + i + 1)}`).join("");
}

function stepsPath(axis: Axis, values: readonly number[], most: number): string {
  return stretches(values)
    .map(([first, own]) => `M${round((1000 * first) / axis.seconds)} ${round(98 - (96 * own[0]!) / most)}${steps(axis, first, own, most)}`)
    .join("");
}

function areaPath(axis: Axis, values: readonly number[], most: number): string {
  return stretches(values)
    .map(([first, own]) => `M${round((1000 * first) / axis.seconds)} 98${steps(axis, first, own, most)}V98Z`)
    .join("");
}

const percent = (part: number) => `${Math.round(part * 100_000) / 1000}%`;
const share = (axis: Axis, us: number) => percent(us / 1e6 / axis.seconds);
const span = (axis: Axis, fromUs: number, toUs: number) => `left:${share(axis, fromUs)};width:${share(axis, toUs - fromUs)}`;
const round = (value: number) => Math.round(value * 10) / 10;
const number = (value: number) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));

/** Seconds as minutes and seconds: 0:05, or 1:02.50 with two digits. */
function clock(seconds: number, digits = 0): string {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(digits).padStart(digits === 0 ? 2 : digits + 3, "0")}`;
}
