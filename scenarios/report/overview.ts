import type { RunResult } from "../run";
import { type Axis, axisHtml, axisOf, bandsHtml, chartHtml, type Line, marksHtml } from "./drawing";

/** Everything that went on in a run over one axis of time: what was done to it, who led, what was down, what users got. */
export function overviewHtml({ series, timeline }: RunResult): string {
  const axis: Axis = axisOf(series.seconds);
  const acts = series.acts
    .filter(({ act }) => act !== "end")
    .map(({ act, atUs }, i) => ({
      row: "act",
      label: act,
      fromUs: atUs,
      toUs: series.acts[i + 1]?.atUs ?? series.seconds * 1e6,
      detail: "",
    }));
  const stormUs = series.acts.find(({ act }) => act === "storm")?.atUs ?? 0;
  // "drain node-1 done": by what was done.
  const actions = timeline
    .filter(({ atUs, tone }) => tone === "action" && atUs >= stormUs)
    .map(({ atUs, text }) => ({ row: text.split(" ")[0]!, atUs, text }));
  const sheet = { axis, faults: series.faults };
  const load = series.load.flatMap(({ service, succeeded, failed, medianUs, p99Us }) => [
    chartHtml(
      sheet,
      `Requests ${toOrOf(service)}`,
      [
        { name: "succeeded", kind: "good", values: succeeded, filled: true },
        { name: "failed", kind: "bad", values: failed, filled: true },
      ],
      "per s",
    ),
    chartHtml(
      sheet,
      `Success of ${service.replace(/^client\//, "")}`,
      [{ name: "% of requests", kind: "good", values: succeeded.map((good, i) => percentOf(good, failed[i] ?? 0)) }],
      "%",
    ),
    chartHtml(
      sheet,
      `Latency of ${service.replace(/^client\//, "")}`,
      [
        { name: "99th percentile", kind: "plain", values: p99Us.map(toMs) },
        { name: "median", kind: "good", values: medianUs.map(toMs) },
      ],
      "ms",
    ),
  ]);
  const endpoints = series.endpoints.map(({ service, ready }) =>
    chartHtml(sheet, `Endpoints of ${service}`, [{ name: "ready", kind: "good", values: ready }], "pods"),
  );
  const deployments = series.deployments.map(({ name, available, wanted }) =>
    chartHtml(
      sheet,
      `Pods of ${name}`,
      [
        { name: "wanted", kind: "plain", values: wanted },
        { name: "available", kind: "good", values: available },
      ],
      "pods",
    ),
  );
  const nodes = series.nodes > 0 ? [chartHtml(sheet, "Nodes", [{ name: "Ready", kind: "good", values: series.nodesReady }], "nodes")] : [];
  return [
    `<div id="drawings" data-seconds="${axis.seconds}">`,
    axisHtml(axis),
    bandsHtml(axis, "Acts", acts, "act"),
    marksHtml(axis, "What was done to the cluster", actions),
    bandsHtml(axis, "Faults, by what they hit", series.faults, "fault"),
    bandsHtml(axis, "Hosts that were down, nodes that were NotReady", series.troubles, "trouble"),
    bandsHtml(axis, "Leaders and their terms", series.leaders, "leader"),
    ...load,
    ...endpoints,
    ...deployments,
    ...nodes,
    ...clocksHtml(sheet, series.clocks),
    "</div>",
  ].join("\n");
}

/** How far wall clocks were off, where any was: those fast above, those slow below, each over its own scale. */
function clocksHtml(sheet: Parameters<typeof chartHtml>[0], clocks: RunResult["series"]["clocks"]): readonly string[] {
  const chart = (title: string, sign: 1 | -1) => {
    // Clocks that are minutes off would fill the scale's label with zeros.
    const inSeconds = clocks.some(({ offsetMs }) => offsetMs.some((ms) => ms * sign >= 10_000));
    const lines = clocks
      .filter(({ offsetMs }) => offsetMs.some((ms) => ms * sign > 0))
      .map(
        ({ host, offsetMs }, i): Line => ({
          name: host,
          kind: `c${i % 6}` as Line["kind"],
          values: offsetMs.map((ms) => Math.max(0, ms * sign) / (inSeconds ? 1000 : 1)),
        }),
      );
    return lines.length === 0 ? [] : [chartHtml(sheet, title, lines, inSeconds ? "s" : "ms")];
  };
  return [...chart("Clocks that were fast", 1), ...chart("Clocks that were slow", -1)];
}

/** Services are asked; clients of a store, which have no other name for it, ask. */
export function toOrOf(service: string): string {
  return service.startsWith("client/") ? `of ${service.slice("client/".length)}` : `to ${service}`;
}

/** Microseconds in milliseconds; gaps stay gaps. */
const toMs = (us: number) => (us < 0 ? us : us / 1000);
/** -1, a gap, where nothing was sent. */
const percentOf = (good: number, bad: number) => (good + bad === 0 ? -1 : (100 * good) / (good + bad));
