import { maxNodeScore, type NodeInfo, type Plugin, type PodInfo, resolvable, type Snapshot, unresolvable } from "../framework";
import { type AffinityTerm, termMatches } from "../pod-affinity";

/** Counts by topology key and value: a domain such as zone a. */
class DomainCounts {
  readonly #byKey = new Map<string, Map<string, number>>();

  add(node: NodeInfo, topologyKey: string, amount: number): void {
    const value = node.labels[topologyKey];
    if (value === undefined) return;
    let values = this.#byKey.get(topologyKey);
    if (values === undefined) this.#byKey.set(topologyKey, (values = new Map()));
    values.set(value, (values.get(value) ?? 0) + amount);
  }

  of(node: NodeInfo, topologyKey: string): number {
    const value = node.labels[topologyKey];
    return value === undefined ? 0 : (this.#byKey.get(topologyKey)?.get(value) ?? 0);
  }

  get keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }
}

/** The weight that another pod's required affinity to this one adds to a node's score. */
const hardPodAffinityWeight = 1;

/** Pods that want to be near to, or far from, other pods. Source: "Inter-pod affinity and anti-affinity". */
export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  events: ["AssignedPodAdd", "AssignedPodLabel", "AssignedPodDelete", "NodeAdd", "NodeLabel", "PodUpdate"],

  filter(pod, snapshot) {
    const existing = existingAntiAffinity(pod, snapshot);
    const { requiredAffinity, requiredAntiAffinity } = pod;
    if (existing.keys.length === 0 && requiredAffinity.length === 0 && requiredAntiAffinity.length === 0) return undefined;
    const near = new DomainCounts();
    const far = new DomainCounts();
    if (requiredAffinity.length + requiredAntiAffinity.length > 0)
      for (const node of snapshot.nodes)
        for (const other of node.pods) {
          if (requiredAffinity.length > 0 && matchesAll(requiredAffinity, other, snapshot))
            for (const term of requiredAffinity) near.add(node, term.topologyKey, 1);
          for (const term of requiredAntiAffinity) if (matches(term, other, snapshot)) far.add(node, term.topologyKey, 1);
        }
    // The first pod of a group that wants to be near its own kind must be able to start somewhere.
    const isFirst = near.keys.length === 0 && requiredAffinity.length > 0 && matchesAll(requiredAffinity, pod, snapshot);
    return (node) => {
      if (requiredAffinity.some(({ topologyKey }) => node.labels[topologyKey] === undefined))
        return unresolvable("node(s) didn't match pod affinity rules");
      if (!isFirst && requiredAffinity.some(({ topologyKey }) => near.of(node, topologyKey) === 0))
        return unresolvable("node(s) didn't match pod affinity rules");
      if (requiredAntiAffinity.some(({ topologyKey }) => far.of(node, topologyKey) > 0))
        return resolvable("node(s) didn't match pod anti-affinity rules");
      if (existing.keys.some((topologyKey) => existing.of(node, topologyKey) > 0))
        return resolvable("node(s) didn't satisfy existing pods anti-affinity rules");
      return undefined;
    };
  },

  score(pod, snapshot, feasible) {
    const sums = new DomainCounts();
    const { preferredAffinity, preferredAntiAffinity } = pod;
    const hasPreferences = preferredAffinity.length + preferredAntiAffinity.length > 0;
    for (const node of snapshot.nodes) {
      if (!hasPreferences && node.podsWithAffinity === 0) continue;
      for (const other of node.pods) {
        for (const term of preferredAffinity) if (matches(term, other, snapshot)) sums.add(node, term.topologyKey, term.weight);
        for (const term of preferredAntiAffinity) if (matches(term, other, snapshot)) sums.add(node, term.topologyKey, -term.weight);
        for (const term of other.requiredAffinity)
          if (matches(term, pod, snapshot)) sums.add(node, term.topologyKey, hardPodAffinityWeight);
        for (const term of other.preferredAffinity) if (matches(term, pod, snapshot)) sums.add(node, term.topologyKey, term.weight);
        for (const term of other.preferredAntiAffinity) if (matches(term, pod, snapshot)) sums.add(node, term.topologyKey, -term.weight);
      }
    }
    const keys = sums.keys;
    if (keys.length === 0) return undefined;
    const raw = feasible.map((node) => keys.reduce((sum, key) => sum + sums.of(node, key), 0));
    const lowest = Math.min(...raw);
    const range = Math.max(...raw) - lowest;
    return raw.map((score) => (range > 0 ? Math.floor((maxNodeScore * (score - lowest)) / range) : 0));
  },
};

const matches = (term: AffinityTerm, pod: PodInfo, snapshot: Snapshot) =>
  termMatches(term, pod.namespace, pod.labels, snapshot.namespaceLabels);

const matchesAll = (terms: readonly AffinityTerm[], pod: PodInfo, snapshot: Snapshot) =>
  terms.every((term) => matches(term, pod, snapshot));

/** Domains in which a running pod refuses to have this one. */
function existingAntiAffinity(pod: PodInfo, snapshot: Snapshot): DomainCounts {
  const found = new DomainCounts();
  for (const node of snapshot.nodes) {
    if (node.podsWithAffinity === 0) continue;
    for (const other of node.pods)
      for (const term of other.requiredAntiAffinity) if (matches(term, pod, snapshot)) found.add(node, term.topologyKey, 1);
  }
  return found;
}
