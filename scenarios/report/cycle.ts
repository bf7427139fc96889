import type { Cycle, Dependency } from "../checks/txn/cycle";
import type { RunResult } from "../run";
import { escapeXml } from "./junit";

const meanings: Readonly<Record<Dependency, string>> = {
  ww: "ww: wrote what stands before the other's write",
  wr: "wr: wrote what the other read",
  rw: "rw: read what was before the other's write",
  rt: "rt: had been answered before the other was asked for",
};

/** The names of anomalies in a sentence each (Adya, 1999; Elle, 2020). */
const anomalies: readonly (readonly [string, string])[] = [
  ["G0", "writes that lie in each other's way"],
  ["G1c", "each saw what the other wrote, in a circle"],
  ["G-single", "one read a state that is older than what it follows from"],
  ["G2", "several read what was before each other's writes"],
];

/** Operations that prove by a cycle that no order explains them: drawn, and told one by one. "" where no check found such. */
export function cyclesHtml({ checks }: Pick<RunResult, "checks">): string {
  return checks.flatMap(({ name, cycle }) => (cycle ? [cycleHtml(name, cycle)] : [])).join("\n");
}

function cycleHtml(check: string, { name, steps }: Cycle): string {
  const meaning = anomalies.find(([prefix]) => name.startsWith(prefix))?.[1] ?? "";
  const used = [...new Set(steps.map(({ kind }) => kind))].map((kind) => `<li>${meanings[kind]}</li>`);
  const rows = steps.map(({ call, did, kind, why }, i) => {
    const next = steps[(i + 1) % steps.length]!.call;
    return `<tr><td>${escapeXml(call)}</td><td>${escapeXml(did)}</td><td><b>${kind}</b> ${escapeXml(`${why} ${next}`)}</td></tr>`;
  });
  return `<p>${escapeXml(check)}: each of these has to come before the next one, and the last before the first, which no order does. <b class="violated">${name}</b>: ${meaning}.</p>
${drawing(steps)}
<ul class="hint">${used.join("")}</ul>
<div class="wide"><table><tr><th>Operation<th>What it read and wrote<th>Why it comes before the next</tr>${rows.join("")}</table></div>`;
}

const [width, boxWidth, boxHeight, gap] = [760, 200, 34, 74];

/** A box for each operation: the first on the left in the middle of the others on the right, or, of two, face to face; arrows lead round. */
function drawing(steps: Cycle["steps"]): string {
  const rows = Math.ceil(steps.length / 2);
  const height = 40 + rows * gap;
  // Down on the left and up again on the right, so that the arrow from the last to the first is as short as the others.
  const at = steps.map((_, i) => {
    const isLeft = i < rows;
    // With one less on the right these stand between those on the left.
    const row = isLeft ? i : steps.length - 1 - i + (steps.length % 2) / 2;
    return { x: isLeft ? 140 : width - 140, y: 20 + gap / 2 + row * gap };
  });
  const arrows = steps.map(({ kind }, i) => {
    const [from, to] = [at[i]!, at[(i + 1) % steps.length]!];
    const level = steps.length === 2;
    const down = to.y > from.y ? 1 : -1;
    const right = to.x > from.x ? 1 : -1;
    // Two that face each other have an arrow each way, one above, one below the middle; of a circle the lower arrow leads to the right and the upper one back.
    const shift = (level ? -9 : 9) * right;
    const [x1, y1] = from.x === to.x ? [from.x, from.y + (down * boxHeight) / 2] : [from.x + (right * boxWidth) / 2, from.y + shift];
    const [x2, y2] =
      from.x === to.x ? [to.x, to.y - (down * boxHeight) / 2 - down * 6] : [to.x - (right * boxWidth) / 2 - right * 6, to.y + shift];
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2 + (level ? -5 * right + 4 : 4)];
    return `<path class="${kind}" marker-end="url(#arrow)" d="M${x1} ${y1}L${x2} ${y2}"/><text class="kind" x="${mx}" y="${my}">${kind}</text>`;
  });
  const boxes = steps.map(({ call, did }, i) => {
    const { x, y } = at[i]!;
    return `<g><title>${escapeXml(`${call}: ${did}`)}</title><rect x="${x - boxWidth / 2}" y="${y - boxHeight / 2}" width="${boxWidth}" height="${boxHeight}" rx="5"/><text x="${x}" y="${y + 4}">${escapeXml(short(call))}</text></g>`;
  });
  return `<svg class="cycle" viewBox="0 0 ${width} ${height}" role="img" aria-label="the cycle"><defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8" style="fill:var(--quiet);stroke:none"/></marker></defs>${arrows.join("")}${boxes.join("")}</svg>`;
}

const short = (call: string) => (call.replace(/^client\//, "").length > 30 ? `${call.slice(0, 29)}…` : call.replace(/^client\//, ""));
