import type { HostName } from "../../protocol/address";
import { formatTime } from "../history";
import type { ScheduledStep } from "../storm";
import type { CloseMessage, CloseUp } from "./close-up";
import { escapeXml } from "./junit";
import type { Band } from "./recorder";
import { hostsHit } from "./recovery";

/** Message kinds of one family have one colour; the first that fits. */
const families = ["raft", "etcd", "api", "cri", "kubelet", "net"] as const;

/**
 * The space-time diagram of a close-up: the hosts as lines, time to the right, messages as arrows between them, and what happened on each line. The page's
 * script draws it from the data beside it, so that it can be moved, magnified and filtered.
 */
export function spaceTimeHtml(
  closeUp: CloseUp,
  hosts: readonly HostName[],
  faults: readonly Band[],
  schedule: readonly ScheduledStep[],
): string {
  const { messages, fromUs, toUs, aroundUs } = closeUp;
  if (messages.length === 0) return "";
  const lost = messages.filter(({ arrivedUs }) => arrivedUs.length === 0).length;
  const chips = familiesOf(messages).map(
    ([family, count]) =>
      `<label class="chip ${family}"><input type="checkbox" name="family" value="${family}" checked> ${family} <span>${count}</span></label>`,
  );
  const data = JSON.stringify(dataOf(closeUp, hosts, faults, schedule)).replace(/</g, "\\u003c");
  return `<p class="hint">${messages.length} messages between hosts from ${formatTime(fromUs)} to ${formatTime(toUs)}; ${lost} of them never arrived. The red line is ${formatTime(aroundUs)}.
Drag to move; zoom with the buttons, + and −, or Ctrl and the wheel; click a message to follow its conversation, a host to see its messages only.</p>
<div id="space-time">
<div class="tools"><input type="search" name="text" placeholder="filter: kind, actor or content" aria-label="filter messages by text" size="30">
${chips.join("\n")}
<label class="chip"><input type="checkbox" name="lost"> only lost</label>
<label class="chip"><input type="checkbox" name="quiet" checked> hide quiet hosts</label>
<span class="buttons"><button type="button" name="in" title="magnify">+</button><button type="button" name="out" title="show more">−</button><button type="button" name="moment" title="to the red line">moment</button><button type="button" name="all" title="show everything">all</button></span></div>
<canvas class="density" height="28" title="messages over time: click to go there"></canvas>
<svg class="diagram" tabindex="0" role="img" aria-label="space-time diagram of the messages"></svg>
<div class="status"><output></output></div>
<div class="details" hidden></div>
</div>
<script type="application/json" id="space-time-data">${data}</script>`;
}

export function familyOf(kind: string): string {
  return families.find((family) => kind.startsWith(`${family}.`)) ?? "other";
}

function familiesOf(messages: readonly CloseMessage[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { kind } of messages) counts.set(familyOf(kind), (counts.get(familyOf(kind)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** Texts are numbered, and messages are arrays, since there are thousands. Times are microseconds since `from`. */
function dataOf(
  { messages, marks, lives, fromUs, toUs, aroundUs }: CloseUp,
  hosts: readonly HostName[],
  faults: readonly Band[],
  schedule: readonly ScheduledStep[],
) {
  const texts: string[] = [];
  const numbers = new Map<string, number>();
  const number = (text: string) => {
    let known = numbers.get(text);
    if (known === undefined) {
      known = texts.push(text) - 1;
      numbers.set(text, known);
    }
    return known;
  };
  const seen = new Set(messages.flatMap(({ from, to }) => [from, to]));
  const named = [...hosts, ...[...seen].filter((host) => !hosts.includes(host))];
  const place = new Map(named.map((host, i) => [host, i]));
  const nameOfRule = ruleNames(schedule);
  return {
    from: fromUs,
    to: toUs,
    around: aroundUs,
    hosts: named,
    texts,
    families: [...families, "other"],
    messages: messages.map((m) => [
      place.get(m.from),
      place.get(m.to),
      m.sentUs - fromUs,
      m.arrivedUs.map((us) => us - fromUs),
      number(m.kind || m.operation),
      [...families, "other"].indexOf(familyOf(m.kind)),
      number(m.operation),
      number(m.sender),
      number(m.receiver),
      m.conversation === "" ? -1 : number(m.conversation),
      m.rules.length === 0 ? -1 : number([...new Set(m.rules.map(nameOfRule))].join(", ")),
      m.bytes,
      m.text,
    ]),
    marks: marks.map(({ host, atUs, tone, text }) => [place.get(host) ?? -1, atUs - fromUs, tone, text]),
    // Before the first of its lives a host is down.
    lives: named.map((host) => lives.filter((life) => life.host === host).map(({ atUs, up }) => [atUs - fromUs, up])),
    faults: faults
      .filter((fault) => fault.fromUs <= toUs && fault.toUs >= fromUs)
      .map((fault) => [hostsHit(fault).map((host) => place.get(host) ?? -1), fault.label, fault.fromUs - fromUs, fault.toUs - fromUs]),
  };
}

/** Rules are named after the step that installed them: "step 3 out", "step 3.1 in" the second time. */
function ruleNames(schedule: readonly ScheduledStep[]): (rule: string) => string {
  return (rule) => {
    const match = /^step (\d+)(?:\.(\d+))?/.exec(rule);
    const scheduled = match && schedule.find(({ step, occurrence }) => step === Number(match[1]) && occurrence === Number(match[2] ?? 0));
    return scheduled ? `${scheduled.name} (${scheduled.where})` : rule;
  };
}

/** A heading's addition: why the report looks there. */
export function whyHtml(why: string, atUs: number): string {
  return `<p>At ${formatTime(atUs)}: ${escapeXml(why)}.</p>`;
}
