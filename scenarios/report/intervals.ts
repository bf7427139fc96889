import { formatTime } from "../history";
import type { CloseUp } from "./close-up";
import { holderName } from "./drawing";
import type { Focus } from "./focus";
import { escapeXml } from "./junit";
import type { ClientOperation, Commit } from "./operations";
import { type Band, lanesOf, type RunSeries } from "./recorder";

/** So many operations on the key are drawn: those answered before the illegal one, and those after. */
const [before, after] = [12, 4];
const commitsMax = 40;

/**
 * The operation that no order explains, among those on its key: an interval for each, from call to answer, in a row for each client; what was committed
 * of the key, and the faults and leaders of that time. "" where no violation names an operation.
 */
export function intervalsHtml(closeUp: CloseUp, focus: Focus, series: RunSeries): string {
  const illegal = closeUp.operations.find(({ call }) => call === focus.calls[0]);
  if (!illegal) return "";
  const drawn = around(closeUp.operations, illegal, new Set(focus.calls));
  const endUs = (one: ClientOperation) => (one.returnedUs < 0 ? closeUp.toUs : one.returnedUs);
  const fromUs = Math.min(...drawn.map(({ calledUs }) => calledUs));
  const toUs = Math.max(...drawn.filter(({ returnedUs }) => returnedUs >= 0).map(endUs), illegal.calledUs + 1000);
  const place = (us: number) => (100 * (Math.min(Math.max(us, fromUs), toUs) - fromUs)) / (toUs - fromUs);
  const bands = drawn.map((one): Band & { readonly kind: string } => ({
    row: one.client.replace(/^client\//, ""),
    label: `${one.text} → ${one.returnedUs < 0 ? "no answer" : one.outcome}`,
    fromUs: one.calledUs,
    toUs: endUs(one),
    detail: one.call,
    kind:
      one === illegal
        ? "op illegal"
        : focus.calls.includes(one.call)
          ? "op named"
          : one.outcome.startsWith("done") || (!/^(unknown|refused)/.test(one.outcome) && one.returnedUs >= 0)
            ? "op"
            : "op unknown",
  }));
  const rows = [
    ...rowsOf(bands, place, ({ kind }) => kind),
    commitsRow(closeUp.commits, illegal.keys, fromUs, toUs, place),
    ...rowsOf(
      within(series.faults, fromUs, toUs).map((band) => ({ ...band, row: `fault: ${band.row}` })),
      place,
      () => "fault",
    ),
    ...rowsOf(
      within(series.leaders, fromUs, toUs).map((band) => ({ ...band, row: `leader: ${band.row}`, label: holderName(band.label) })),
      place,
      () => "leader",
    ),
  ];
  return `<p>${escapeXml(illegal.call)} asked <b>${escapeXml(illegal.text)}</b> at ${formatTime(illegal.calledUs)} and was answered <b class="violated">${escapeXml(illegal.outcome || "nothing")}</b> at ${formatTime(endUs(illegal))}. Operations on ${escapeXml(illegal.keys.join(" and "))}, ${formatTime(fromUs)} to ${formatTime(toUs)}:</p>
<div class="intervals">${rows.join("")}</div>
${listOf(drawn, illegal, focus)}`;
}

/** Those on the same key next to the illegal one, and those that the violation names. */
function around(all: readonly ClientOperation[], illegal: ClientOperation, named: ReadonlySet<string>): readonly ClientOperation[] {
  const own = all.filter(({ keys }) => keys.some((key) => illegal.keys.includes(key))).sort((a, b) => a.calledUs - b.calledUs);
  const at = own.indexOf(illegal);
  const near = new Set(own.slice(Math.max(0, at - before), at + after + 1));
  return own.filter((one) => near.has(one) || named.has(one.call));
}

function within(bands: readonly Band[], fromUs: number, toUs: number): readonly Band[] {
  return bands.filter((band) => band.toUs >= fromUs && band.fromUs <= toUs);
}

function rowsOf<B extends Band>(bands: readonly B[], place: (us: number) => number, kindOf: (band: B) => string): readonly string[] {
  return lanesOf(bands).map(({ row, bands: lane }) => {
    const drawn = (lane as readonly B[]).map((band) => {
      const [left, right] = [place(band.fromUs), place(band.toUs)];
      const tip = `${band.detail ? `${band.detail}\n` : ""}${band.label}\n${formatTime(band.fromUs)} to ${formatTime(band.toUs)}`;
      return `<div class="band ${kindOf(band)}" style="left:${left.toFixed(3)}%;width:${Math.max(0, right - left).toFixed(3)}%" title="${escapeXml(tip)}">${escapeXml(band.label)}</div>`;
    });
    return rowHtml(row, drawn.join(""));
  });
}

function commitsRow(
  commits: readonly Commit[],
  keys: readonly string[],
  fromUs: number,
  toUs: number,
  place: (us: number) => number,
): string {
  const own = commits.filter(({ key, atUs }) => keys.includes(key) && atUs >= fromUs && atUs <= toUs).slice(-commitsMax);
  const marks = own.map(({ atUs, revision, key, value }) => {
    const tip = `revision ${revision}: ${key} ${value === null ? "deleted" : `= ${value}`}\n${formatTime(atUs)}`;
    return `<div class="commit" style="left:${place(atUs).toFixed(3)}%" title="${escapeXml(tip)}"></div>`;
  });
  return rowHtml("committed", marks.join(""));
}

function rowHtml(name: string, body: string): string {
  return `<div class="row bands"><div class="name" title="${escapeXml(name)}">${escapeXml(name)}</div><div class="plot">${body}</div></div>`;
}

/** The same as text: what is a few pixels wide can be read here. */
function listOf(drawn: readonly ClientOperation[], illegal: ClientOperation, focus: Focus): string {
  const rows = drawn.map((one) => {
    const kind = one === illegal ? "violated" : focus.calls.includes(one.call) ? "named" : "";
    const until = one.returnedUs < 0 ? "…" : formatTime(one.returnedUs);
    return `<tr class="${kind}"><td>${formatTime(one.calledUs)}</td><td>${until}</td><td>${escapeXml(one.call.replace(/^client\//, ""))}</td><td>${escapeXml(one.text)}</td><td>${escapeXml(one.returnedUs < 0 ? "no answer" : one.outcome)}</td></tr>`;
  });
  return `<details><summary>The same ${drawn.length} operations as a list</summary><div class="wide"><table class="events"><tr><th>Called<th>Answered<th>Call<th>What<th>Answer</tr>${rows.join("")}</table></div></details>`;
}
