import type { RunResult } from "../run";
import type { CloseUp } from "./close-up";
import { type Band, lanesOf } from "./recorder";
import { hostsHit } from "./recovery";

type TraceEvent = Record<string, unknown>;

/** Numbers for the names of processes and threads, with the events that make a viewer show the names. */
class Tracks {
  readonly events: TraceEvent[] = [];
  private readonly processes = new Map<string, number>();
  private readonly threads = new Map<string, number>();

  process(name: string): number {
    let pid = this.processes.get(name);
    if (pid === undefined) {
      pid = this.processes.size + 1;
      this.processes.set(name, pid);
      this.events.push({ ph: "M", name: "process_name", pid, tid: 0, args: { name } });
      this.events.push({ ph: "M", name: "process_sort_index", pid, tid: 0, args: { sort_index: pid } });
    }
    return pid;
  }

  /** Slices of one thread may only lie in one another: what overlaps goes to further lanes, each a thread of that name. */
  thread(process: string, name: string, lane = 0): { readonly pid: number; readonly tid: number } {
    const pid = this.process(process);
    const key = `${pid} ${lane} ${name}`;
    let tid = this.threads.get(key);
    if (tid === undefined) {
      tid = this.threads.size + 1;
      this.threads.set(key, tid);
      this.events.push({ ph: "M", name: "thread_name", pid, tid, args: { name } });
      // Faults stand above the actors that suffer them.
      this.events.push({ ph: "M", name: "thread_sort_index", pid, tid, args: { sort_index: name === "faults" ? -1 : tid } });
    }
    return { pid, tid };
  }
}

/**
 * A run in Chrome's trace event format, which Perfetto and chrome://tracing open. Of the whole run: faults, leaders, troubles and acts as slices, the
 * timeline as instants, load and pods as counters. Around the moment that matters most: hosts as processes, actors as threads, their turns as slices,
 * messages as flows from turn to turn. Times are microseconds of virtual time.
 */
export function perfettoOf(result: RunResult, closeUp?: CloseUp): string {
  const tracks = new Tracks();
  const events = [...ofRun(result, tracks), ...ofFaults(result, tracks), ...(closeUp ? ofCloseUp(closeUp, tracks) : [])];
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: [...tracks.events, ...events] });
}

function ofRun({ scenario, seed, series, timeline }: RunResult, tracks: Tracks): readonly TraceEvent[] {
  const run = `${scenario}, seed ${seed}`;
  const pid = tracks.process(run);
  const acts = series.acts.flatMap(({ act, atUs }, i) => {
    const next = series.acts[i + 1];
    return next ? [{ row: "act", label: act, fromUs: atUs, toUs: next.atUs, detail: "" }] : [];
  });
  const slices = (category: string, bands: readonly Band[]) =>
    lanesOf(bands).flatMap(({ row, bands: lane }, i) =>
      lane.map((band) => sliceOf(category, band, tracks.thread(run, `${category}: ${row}`, i))),
    );
  const instants = timeline.map(({ atUs, tone, text }) => ({
    ...{ ph: "i", s: "t", cat: tone, name: text, ts: atUs },
    ...tracks.thread(run, `events: ${tone}`),
  }));
  const requests = series.load.flatMap(({ service, succeeded, failed }) =>
    succeeded.map((ok, second) => ({
      ph: "C",
      name: `requests ${service}`,
      pid,
      ts: second * 1e6,
      args: { succeeded: ok, failed: failed[second] ?? 0 },
    })),
  );
  const pods = series.deployments.flatMap(({ name, available }) =>
    available.map((count, second) => ({ ph: "C", name: `available ${name}`, pid, ts: (second + 1) * 1e6, args: { pods: count } })),
  );
  return [
    ...slices("act", acts),
    ...slices("leader", series.leaders),
    ...slices("trouble", series.troubles),
    ...instants,
    ...requests,
    ...pods,
  ];
}

/** On each host that a fault hits. */
function ofFaults({ series }: RunResult, tracks: Tracks): readonly TraceEvent[] {
  const own = series.faults.flatMap((fault) => hostsHit(fault).map((host) => ({ ...fault, row: host })));
  return lanesOf(own).flatMap(({ row, bands }, lane) => bands.map((band) => sliceOf("fault", band, tracks.thread(row, "faults", lane))));
}

function sliceOf(category: string, { label, fromUs, toUs, detail }: Band, track: object): TraceEvent {
  return { ph: "X", cat: category, name: label, ts: fromUs, dur: Math.max(1, toUs - fromUs), args: { detail }, ...track };
}

function ofCloseUp({ messages, turns, marks }: CloseUp, tracks: Tracks): readonly TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const { host, actor, what, atUs, tookUs } of turns)
    events.push({ ph: "X", cat: "turn", name: what, ts: atUs, dur: tookUs, ...tracks.thread(host, actor) });
  // A flow has an end: what lies in no turn of the close-up (it came later, or the host itself took it) is a slice alone.
  const heard = new Set(turns.map(({ message }) => message));
  // What is said when a disk is done lies in no turn, and a flow needs a slice to begin in.
  for (const [id, { from, to, sender, receiver, kind, operation, sentUs, arrivedUs, rules, bytes, text }] of messages.entries()) {
    const track = tracks.thread(from, sender);
    const name = kind || operation;
    const fate = arrivedUs.length > 0 ? `arrived after ${arrivedUs[0]! - sentUs} µs` : "never arrived";
    const args = { to: `${receiver} on ${to}`, operation, bytes, fate, ...(rules.length > 0 ? { rules: rules.join(", ") } : {}), text };
    events.push({ ph: "X", cat: arrivedUs.length > 0 ? "message" : "lost", name: `→ ${name}`, ts: sentUs, dur: 1, args, ...track });
    if (heard.has(id)) events.push({ ph: "s", cat: "message", name, id, ts: sentUs, ...track });
  }
  // A message that was doubled is a flow to its first arrival.
  const ended = new Set<number>();
  for (const { host, actor, atUs, message } of turns)
    if (message >= 0 && !ended.has(message)) {
      ended.add(message);
      const { kind, operation } = messages[message]!;
      events.push({ ph: "f", bp: "e", cat: "message", name: kind || operation, id: message, ts: atUs, ...tracks.thread(host, actor) });
    }
  for (const { host, atUs, tone, text } of marks)
    events.push({ ph: "i", s: "p", cat: tone, name: text, ts: atUs, ...tracks.thread(host, "faults") });
  return events;
}
