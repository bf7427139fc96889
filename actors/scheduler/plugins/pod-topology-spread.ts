import type { TopologySpreadConstraint } from "../../../protocol/kinds/generated";
import { matchesLabels } from "../../../protocol/kinds/label-selector";
import {
  maxNodeScore,
  type NodeFilter,
  type NodeInfo,
  type Plugin,
  type PodInfo,
  resolvable,
  type Snapshot,
  unresolvable,
} from "../framework";
import { podAllowsNode } from "../node-selector";
import { withLabelKeys } from "../pod-affinity";
import { untoleratedTaint } from "../tolerations";

/** A constraint, ready to be applied. */
interface Spread {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selects: (labels: Readonly<Record<string, string>>) => boolean;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";
const mismatch = "node(s) didn't match pod topology spread constraints";
const missingLabel = `${mismatch} (missing required label)`;

/** Spreads pods over topology domains: DoNotSchedule constraints filter, ScheduleAnyway ones score. Source: "Pod Topology Spread Constraints". */
export const podTopologySpread: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  events: ["AssignedPodAdd", "AssignedPodLabel", "AssignedPodDelete", "NodeAdd", "NodeDelete", "NodeLabel", "NodeTaint", "PodUpdate"],
  filter(pod, snapshot) {
    const spreads = constraintsOf(pod, "DoNotSchedule");
    return spreads.length === 0 ? undefined : filterBy(pod, spreads, snapshot);
  },
  score(pod, snapshot, feasible) {
    const own = constraintsOf(pod, "ScheduleAnyway");
    const declared = (pod.pod.spec?.topologySpreadConstraints ?? []).length > 0;
    const spreads = declared ? own : systemDefaults(pod, snapshot);
    return spreads.length === 0 ? undefined : scoreBy(pod, spreads, declared, snapshot, feasible);
  },
};

function constraintsOf(pod: PodInfo, whenUnsatisfiable: string): readonly Spread[] {
  return (pod.pod.spec?.topologySpreadConstraints ?? [])
    .filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable)
    .map((constraint) => spreadOf(pod, constraint));
}

function spreadOf(pod: PodInfo, constraint: TopologySpreadConstraint): Spread {
  const requirements = constraint.labelSelector && withLabelKeys(constraint.labelSelector, pod.labels, constraint.matchLabelKeys);
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selects: (labels) => requirements !== undefined && matchesLabels(requirements, labels),
    honorsAffinity: constraint.nodeAffinityPolicy !== "Ignore",
    honorsTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

/** Pods that belong together are spread by host and, more loosely, by zone, where they say nothing themselves. */
function systemDefaults(pod: PodInfo, snapshot: Snapshot): readonly Spread[] {
  const selects = snapshot.siblings(pod);
  if (selects === undefined) return [];
  const common = { minDomains: 1, selects, honorsAffinity: true, honorsTaints: false };
  return [
    { ...common, topologyKey: hostname, maxSkew: 3 },
    { ...common, topologyKey: zone, maxSkew: 5 },
  ];
}

function counts(spread: Spread, pod: PodInfo, node: NodeInfo): boolean {
  if (spread.honorsAffinity && !podAllowsNode(pod.pod, node)) return false;
  return !spread.honorsTaints || !untoleratedTaint(node.node.spec?.taints, pod.pod.spec?.tolerations, ["NoSchedule", "NoExecute"]);
}

function selectedPods(spread: Spread, namespace: string, node: NodeInfo): number {
  let count = 0;
  for (const other of node.pods) if (!other.terminating && other.namespace === namespace && spread.selects(other.labels)) count += 1;
  return count;
}

function filterBy(pod: PodInfo, spreads: readonly Spread[], snapshot: Snapshot): NodeFilter {
  // Per constraint: how many selected pods each domain holds. Only nodes that have all the keys make domains.
  const domains = spreads.map(() => new Map<string, number>());
  for (const node of snapshot.nodes) {
    if (!spreads.every(({ topologyKey }) => node.labels[topologyKey] !== undefined)) continue;
    spreads.forEach((spread, index) => {
      if (!counts(spread, pod, node)) return;
      const value = node.labels[spread.topologyKey]!;
      const domain = domains[index]!;
      domain.set(value, (domain.get(value) ?? 0) + selectedPods(spread, pod.namespace, node));
    });
  }
  const fewest = spreads.map((spread, index) => {
    const domain = domains[index]!;
    return domain.size < spread.minDomains || domain.size === 0 ? 0 : Math.min(...domain.values());
  });
  return (node) => {
    for (const [index, spread] of spreads.entries()) {
      const value = node.labels[spread.topologyKey];
      if (value === undefined) return unresolvable(missingLabel);
      const here = domains[index]!.get(value) ?? 0;
      const self = spread.selects(pod.labels) ? 1 : 0;
      if (here + self - fewest[index]! > spread.maxSkew) return resolvable(mismatch);
    }
    return undefined;
  };
}

function scoreBy(
  pod: PodInfo,
  spreads: readonly Spread[],
  requireAllKeys: boolean,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
): readonly number[] {
  const lacksKey = (node: NodeInfo) => requireAllKeys && spreads.some(({ topologyKey }) => node.labels[topologyKey] === undefined);
  const known = feasible.map((node) => !lacksKey(node));
  const raw = feasible.map(() => 0);
  for (const spread of spreads) {
    const countOf = spread.topologyKey === hostname ? undefined : domainCounts(spread, pod, snapshot, feasible, lacksKey);
    // A host is its own domain, so its pods are counted where they are needed.
    const domains = countOf ? countOf.size : known.filter((one) => one).length;
    // More domains make each pod in one weigh more, so that zones and hosts can be added up.
    const weight = Math.log(domains + 2);
    for (let at = 0; at < feasible.length; at += 1) {
      const node = feasible[at]!;
      const value = node.labels[spread.topologyKey];
      if (!known[at] || value === undefined) continue;
      const count = countOf ? (countOf.get(value) ?? 0) : selectedPods(spread, pod.namespace, node);
      raw[at] = raw[at]! + count * weight + (spread.maxSkew - 1);
    }
  }
  let highest = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < raw.length; at += 1) {
    if (!known[at]) continue;
    raw[at] = Math.round(raw[at]!);
    highest = Math.max(highest, raw[at]!);
    lowest = Math.min(lowest, raw[at]!);
  }
  return raw.map((score, at) => {
    if (!known[at]) return 0;
    return highest === 0 ? maxNodeScore : Math.floor((maxNodeScore * (highest + lowest - score)) / highest);
  });
}

/** How many selected pods each domain holds, of the domains that have a feasible node; over all nodes that count. */
function domainCounts(
  spread: Spread,
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
  lacksKey: (node: NodeInfo) => boolean,
): ReadonlyMap<string, number> {
  const domains = new Map<string, number>();
  for (const node of feasible) {
    const value = node.labels[spread.topologyKey];
    if (value !== undefined && !lacksKey(node)) domains.set(value, 0);
  }
  for (const node of snapshot.nodes) {
    const value = node.labels[spread.topologyKey];
    const before = value === undefined || node.pods.length === 0 ? undefined : domains.get(value);
    if (before === undefined || lacksKey(node) || !counts(spread, pod, node)) continue;
    const count = selectedPods(spread, pod.namespace, node);
    if (count > 0) domains.set(value!, before + count);
  }
  return domains;
}
