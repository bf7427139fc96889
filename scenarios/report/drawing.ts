import { escapeXml } from "./junit";
import type { Band } from "./recorder";

/** Drawings for the report as SVG text: one horizontal axis of time that all of them share. */
export interface Axis {
  readonly seconds: number;
  readonly widthPx: number;
  readonly leftPx: number;
}

export const axisOf = (seconds: number): Axis => ({ seconds: Math.max(1, seconds), widthPx: 1180, leftPx: 190 });

function x(axis: Axis, us: number): number {
  return round(axis.leftPx + ((axis.widthPx - axis.leftPx - 10) * us) / 1e6 / axis.seconds);
}

/** Rows of bands, one row for each name. */
export function bandsSvg(axis: Axis, title: string, bands: readonly Band[], kind: string): string {
  const rows = [...new Set(bands.map(({ row }) => row))];
  if (rows.length === 0) return "";
  const height = rows.length * 22 + 4;
  const parts = rows.map((row, i) => `<text class="row" x="4" y="${i * 22 + 17}">${escapeXml(short(row, 26))}</text>`);
  for (const { row, label, fromUs, toUs, detail } of bands) {
    const [left, right] = [x(axis, fromUs), x(axis, toUs)];
    const y = rows.indexOf(row) * 22 + 3;
    const width = Math.max(2, round(right - left));
    const text = width > label.length * 6.5 ? `<text class="label" x="${left + 4}" y="${y + 14}">${escapeXml(label)}</text>` : "";
    const tip = `${row}: ${label}, ${seconds(fromUs)} to ${seconds(toUs)}${detail ? `: ${detail}` : ""}`;
    parts.push(
      `<g><title>${escapeXml(tip)}</title><rect class="${kind}" x="${left}" y="${y}" width="${width}" height="18" rx="3"/>${text}</g>`,
    );
  }
  return figure(title, axis, height, parts);
}

export interface Line {
  readonly name: string;
  readonly kind: string;
  /** By second; negative values are gaps. */
  readonly values: readonly number[];
}

/** Lines over a common vertical scale from 0, with the fault bands behind them. */
export function linesSvg(axis: Axis, title: string, lines: readonly Line[], unit: string, faults: readonly Band[]): string {
  const height = 90;
  const most = Math.max(1e-9, ...lines.flatMap(({ values }) => values));
  const y = (value: number) => round(height - 6 - ((height - 18) * value) / most);
  const parts = faults.map(({ fromUs, toUs }) => {
    const left = x(axis, fromUs);
    return `<rect class="shade" x="${left}" y="0" width="${Math.max(1, round(x(axis, toUs) - left))}" height="${height}"/>`;
  });
  parts.push(
    `<text class="row" x="4" y="16">${escapeXml(`${number(most)} ${unit}`)}</text><text class="row" x="4" y="${height - 6}">0</text>`,
  );
  for (const [i, { name, kind, values }] of lines.entries()) {
    const paths: string[] = [];
    let path = "";
    for (const [second, value] of values.entries()) {
      if (value < 0) {
        if (path) paths.push(path);
        path = "";
      } else path += `${path === "" ? "M" : "L"}${x(axis, (second + 1) * 1e6)} ${y(value)}`;
    }
    if (path) paths.push(path);
    parts.push(`<path class="line ${kind}" d="${paths.join("")}"/>`);
    parts.push(`<text class="key ${kind}" x="70" y="${30 + i * 16}">${escapeXml(name)}</text>`);
  }
  return figure(title, axis, height, parts);
}

function figure(title: string, axis: Axis, height: number, parts: readonly string[]): string {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((one) => axis.seconds / one <= 20) ?? 1800;
  const ticks: string[] = [];
  for (let second = 0; second <= axis.seconds; second += step) {
    const at = x(axis, second * 1e6);
    ticks.push(
      `<line class="tick" x1="${at}" y1="0" x2="${at}" y2="${height}"/><text class="time" x="${at}" y="${height + 12}">${clock(second)}</text>`,
    );
  }
  const label = escapeXml(title);
  return `<figure><figcaption>${label}</figcaption><svg viewBox="0 0 ${axis.widthPx} ${height + 16}" role="img" aria-label="${label}">${ticks.join("")}${parts.join("")}</svg></figure>`;
}

const clock = (second: number) => `${Math.floor(second / 60)}:${String(second % 60).padStart(2, "0")}`;
const seconds = (us: number) => `${(us / 1e6).toFixed(2)} s`;
const round = (value: number) => Math.round(value * 10) / 10;
const number = (value: number) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));
const short = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
