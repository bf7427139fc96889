import type { RunResult } from "../run";
import { type Band, lanesOf } from "./recorder";

/** A run in Chrome's trace event format, which Perfetto and chrome://tracing open: bands as slices, timeline lines as instants, load as counters. */
export function perfettoOf({ scenario, seed, series, timeline }: RunResult): string {
  const events: Record<string, unknown>[] = [{ ph: "M", name: "process_name", pid: 1, args: { name: `${scenario}, seed ${seed}` } }];
  const threads = new Map<string, number>();
  const threadOf = (name: string, lane = 0) => {
    const key = `${name} ${lane}`;
    const known = threads.get(key);
    if (known !== undefined) return known;
    const tid = threads.size + 1;
    threads.set(key, tid);
    events.push({ ph: "M", name: "thread_name", pid: 1, tid, args: { name } });
    return tid;
  };
  const slices = (category: string, bands: readonly Band[]) => {
    // Slices of one thread may not overlap: each lane is a thread.
    for (const [lane, { row, label, fromUs, toUs, detail }] of lanesOf(bands).flatMap((one, i) =>
      one.bands.map((band) => [i, band] as const),
    ))
      events.push({
        ph: "X",
        cat: category,
        name: label,
        pid: 1,
        tid: threadOf(`${category}: ${row}`, lane),
        ts: fromUs,
        dur: toUs - fromUs,
        args: { detail },
      });
  };
  slices("fault", series.faults);
  slices("leader", series.leaders);
  slices("trouble", series.troubles);
  for (const { atUs, tone, text } of timeline)
    events.push({ ph: "i", s: "t", cat: tone, name: text, pid: 1, tid: threadOf(`events: ${tone}`), ts: atUs });
  for (const { service, succeeded, failed } of series.load)
    for (const [second, ok] of succeeded.entries())
      events.push({ ph: "C", name: `requests ${service}`, pid: 1, ts: second * 1e6, args: { succeeded: ok, failed: failed[second] ?? 0 } });
  for (const { name, available } of series.deployments)
    for (const [second, pods] of available.entries())
      events.push({ ph: "C", name: `available ${name}`, pid: 1, ts: (second + 1) * 1e6, args: { pods } });
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: events });
}
