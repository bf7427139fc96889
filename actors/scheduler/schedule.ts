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
export function filtersFor(pod: PodInfo, snapshot: Snapshot, plugins: readonly Plugin[]): readonly (readonly [Plugin, NodeFilter])[] {
  return plugins.flatMap((plugin) => {
    const filter = plugin.filter?.(pod, snapshot);
    return filter === undefined ? [] : [[plugin, filter] as const];
  });
}

/** The first rejection, with the plug-in that gave it. */
export function firstRejection(
  filters: readonly (readonly [Plugin, NodeFilter])[],
  node: NodeInfo,
): { readonly plugin: string; readonly rejection: Rejection } | undefined {
  for (const [plugin, filter] of filters) {
    const rejection = filter(node);
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
  options: { readonly startAt: number; readonly nominated?: string | undefined; readonly draw: Draw },
): Placement {
  const { nodes } = snapshot;
  for (const plugin of nodes.length === 0 ? [] : plugins) {
    const preFilter = plugin.preFilter?.(pod, snapshot);
    if (preFilter === undefined) continue;
    const rejections = new Map(nodes.map((node): [string, Rejection] => [node.name, { reasons: [], resolvable: false }]));
    return { outcome: "unschedulable", diagnosis: { nodeCount: nodes.length, rejections, rejectors: new Set([plugin.name]), preFilter } };
  }
  const filters = filtersFor(pod, snapshot, plugins);
  const rejections = new Map<string, Rejection>();
  const rejectors = new Set<string>();
  const passes = (node: NodeInfo): boolean => {
    const found = firstRejection(filters, node);
    if (found === undefined) return true;
    rejections.set(node.name, found.rejection);
    rejectors.add(found.plugin);
    return false;
  };

  const nominated = options.nominated ? nodes.find((node) => node.name === options.nominated) : undefined;
  if (nominated && passes(nominated)) return { outcome: "placed", node: nominated.name, evaluated: 1, feasible: 1 };

  const wanted = feasibleNodesWanted(nodes.length);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  while (evaluated < nodes.length && feasible.length < wanted) {
    const node = nodes[(options.startAt + evaluated) % nodes.length]!;
    evaluated += 1;
    if (passes(node)) feasible.push(node);
  }
  if (feasible.length === 0) return { outcome: "unschedulable", diagnosis: { nodeCount: nodes.length, rejections, rejectors } };
  const node = feasible.length === 1 ? feasible[0]! : best(feasible, totalScores(pod, snapshot, plugins, feasible), options.draw);
  return { outcome: "placed", node: node.name, evaluated, feasible: feasible.length };
}

/** The weighted sum of all scores for each of the feasible nodes. */
export function totalScores(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  feasible: readonly NodeInfo[],
): readonly number[] {
  const totals = feasible.map(() => 0);
  for (const plugin of plugins) {
    const scores = plugin.weight > 0 ? plugin.score?.(pod, snapshot, feasible) : undefined;
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
