import type { NodeFilter, NodeInfo, Plugin, PodInfo, Rejection, Snapshot } from "./framework";
import { maxNodeScore } from "./framework";

/** What one attempt to place a pod came to. */
export type Placement =
  | { readonly outcome: "placed"; readonly node: string; readonly evaluated: number; readonly feasible: number }
  | { readonly outcome: "unschedulable"; readonly diagnosis: Diagnosis };

/** Why each node was turned down, and which plug-ins did it. */
export interface Diagnosis {
  readonly nodeCount: number;
  readonly rejections: ReadonlyMap<string, Rejection>;
  readonly rejectors: ReadonlySet<string>;
  /** Why no node was looked at. */
  readonly preFilter?: string;
}

/** What came of asking a plug-in, in the scheduler framework's words. */
export type PluginStatus = "Success" | "Skip" | "Unschedulable" | "UnschedulableAndUnresolvable";

/** Told how long each step of an attempt took. */
export interface Stopwatch {
  nowUs(): number;
  /** All plug-ins at one extension point. */
  point(extensionPoint: string, status: PluginStatus, tookUs: number): void;
  /** One plug-in, at a filter for one node; only where this attempt is among those that are looked at so closely. */
  readonly plugin?: (plugin: string, extensionPoint: string, status: PluginStatus, tookUs: number) => void;
}

/** A draw in [0, 1). */
export type Draw = () => number;

const allNodesUpTo = 100;
const lowestPercentage = 5;

/** How many feasible nodes are enough: all in a small cluster, a falling share (50% to 5%, at least 100) in a large one. Source: percentageOfNodesToScore. */
export function feasibleNodesWanted(nodeCount: number): number {
  if (nodeCount < allNodesUpTo) return nodeCount;
  const percentage = Math.max(50 - Math.floor(nodeCount / 125), lowestPercentage);
  return Math.max(Math.floor((nodeCount * percentage) / 100), allNodesUpTo);
}

/** All the filters that have something to say about this pod, in order. */
export function filtersFor(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  watch?: Stopwatch,
): readonly (readonly [Plugin, NodeFilter])[] {
  return plugins.flatMap((plugin) => {
    if (plugin.filter === undefined) return [];
    const begunUs = watch?.plugin ? watch.nowUs() : 0;
    const filter = plugin.filter(pod, snapshot);
    watch?.plugin?.(plugin.name, "PreFilter", filter ? "Success" : "Skip", watch.nowUs() - begunUs);
    return filter === undefined ? [] : [[plugin, filter] as const];
  });
}

/** The first rejection, with the plug-in that gave it. */
export function firstRejection(
  filters: readonly (readonly [Plugin, NodeFilter])[],
  node: NodeInfo,
  watch?: Stopwatch,
): { readonly plugin: string; readonly rejection: Rejection } | undefined {
  for (const [plugin, filter] of filters) {
    const begunUs = watch?.plugin ? watch.nowUs() : 0;
    const rejection = filter(node);
    watch?.plugin?.(plugin.name, "Filter", statusOf(rejection), watch.nowUs() - begunUs);
    if (rejection) return { plugin: plugin.name, rejection };
  }
  return undefined;
}

/**
 * Finds a node for a pod: filter, score, weigh, pick; of equal scores one is drawn. `startAt` is where in the list of nodes to begin, so that in a
 * large cluster not always the same nodes are looked at. `nominated` is tried before the others: preemption has made room there.
 */
export function schedulePod(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  options: { readonly startAt: number; readonly nominated?: string | undefined; readonly draw: Draw; readonly watch?: Stopwatch },
): Placement {
  const { nodes } = snapshot;
  const { watch } = options;
  let begunUs = watch?.nowUs() ?? 0;
  const ended = (extensionPoint: string, status: PluginStatus = "Success") => {
    if (!watch) return;
    const nowUs = watch.nowUs();
    watch.point(extensionPoint, status, nowUs - begunUs);
    begunUs = nowUs;
  };
  if (nodes.length === 0) return { outcome: "unschedulable", diagnosis: { nodeCount: 0, rejections: new Map(), rejectors: new Set() } };
  for (const plugin of plugins) {
    const preFilter = plugin.preFilter?.(pod, snapshot);
    if (preFilter === undefined) continue;
    ended("PreFilter", "UnschedulableAndUnresolvable");
    const rejections = new Map(nodes.map((node): [string, Rejection] => [node.name, { reasons: [], resolvable: false }]));
    return { outcome: "unschedulable", diagnosis: { nodeCount: nodes.length, rejections, rejectors: new Set([plugin.name]), preFilter } };
  }
  const filters = filtersFor(pod, snapshot, plugins, watch);
  ended("PreFilter");
  const rejections = new Map<string, Rejection>();
  const rejectors = new Set<string>();
  const passes = (node: NodeInfo): boolean => {
    const found = firstRejection(filters, node, watch);
    if (found === undefined) return true;
    rejections.set(node.name, found.rejection);
    rejectors.add(found.plugin);
    return false;
  };

  const nominated = options.nominated ? nodes.find((node) => node.name === options.nominated) : undefined;
  if (nominated && passes(nominated)) {
    ended("Filter");
    return { outcome: "placed", node: nominated.name, evaluated: 1, feasible: 1 };
  }

  const wanted = feasibleNodesWanted(nodes.length);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  while (evaluated < nodes.length && feasible.length < wanted) {
    const node = nodes[(options.startAt + evaluated) % nodes.length]!;
    evaluated += 1;
    if (passes(node)) feasible.push(node);
  }
  ended("Filter");
  if (feasible.length === 0) return { outcome: "unschedulable", diagnosis: { nodeCount: nodes.length, rejections, rejectors } };
  if (feasible.length === 1) return { outcome: "placed", node: feasible[0]!.name, evaluated, feasible: 1 };
  const node = best(feasible, totalScores(pod, snapshot, plugins, feasible, watch), options.draw);
  ended("Score");
  return { outcome: "placed", node: node.name, evaluated, feasible: feasible.length };
}

/** The weighted sum of all scores for each of the feasible nodes. */
export function totalScores(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  feasible: readonly NodeInfo[],
  watch?: Stopwatch,
): readonly number[] {
  const totals = feasible.map(() => 0);
  for (const plugin of plugins) {
    if (plugin.weight === 0 || plugin.score === undefined) continue;
    const begunUs = watch?.plugin ? watch.nowUs() : 0;
    const scores = plugin.score(pod, snapshot, feasible);
    watch?.plugin?.(plugin.name, "Score", scores ? "Success" : "Skip", watch.nowUs() - begunUs);
    if (scores === undefined) continue;
    scores.forEach((score, at) => {
      if (score < 0 || score > maxNodeScore)
        throw new Error(`plug-in ${plugin.name} gave the score ${score}, outside 0 to ${maxNodeScore}`);
      totals[at] = totals[at]! + score * plugin.weight;
    });
  }
  return totals;
}

function best(feasible: readonly NodeInfo[], totals: readonly number[], draw: Draw): NodeInfo {
  const highest = Math.max(...totals);
  const tied = feasible.filter((_, at) => totals[at] === highest);
  return tied.length === 1 ? tied[0]! : tied[Math.floor(draw() * tied.length)]!;
}

function statusOf(rejection: Rejection | undefined): PluginStatus {
  return rejection === undefined ? "Success" : rejection.resolvable ? "Unschedulable" : "UnschedulableAndUnresolvable";
}
