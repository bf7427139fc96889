import type { PodDisruptionBudget } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { timeMs } from "../../protocol/kinds/object";
import { histogramOf } from "./diagnosis";
import type { NodeInfo, Plugin, PodInfo, Rejection, Snapshot } from "./framework";
import { unresolvable } from "./framework";
import { withoutPod, withPod } from "./pod-info";
import { type Diagnosis, filtersFor, firstRejection } from "./schedule";

/** Whose place a pod may take, or why nobody's. `message` completes "preemption: …". */
export type Preemption =
  | { readonly possible: true; readonly node: string; readonly victims: readonly PodInfo[] }
  | { readonly possible: false; readonly message: string };

interface Candidate {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  readonly budgetViolations: number;
}

const candidatesAtLeast = 100;

/**
 * DefaultPreemption: on which node the removal of pods of lower priority would make room, and of which. Of several nodes the one that breaks
 * fewest disruption budgets, then the one whose victims matter least. Source: "Pod Priority and Preemption".
 */
export function preempt(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  diagnosis: Diagnosis,
  budgets: readonly PodDisruptionBudget[],
  startAt: number,
): Preemption {
  const { nodes } = snapshot;
  const refused = (message: string): Preemption => ({ possible: false, message: `0/${nodes.length} nodes are available: ${message}.` });
  if (pod.pod.spec?.preemptionPolicy === "Never") return { possible: false, message: "not eligible due to preemptionPolicy=Never." };
  // Victims of an earlier attempt are still on their way out: taking more would be in vain.
  const nominated = nodes.find((node) => node.name === pod.pod.status?.nominatedNodeName);
  if (nominated?.pods.some((other) => other.terminating && other.priority < pod.priority))
    return { possible: false, message: "not eligible due to a terminating pod on the nominated node." };

  const rejections = new Map<string, Rejection>();
  const candidates: Candidate[] = [];
  const wanted = Math.max(Math.floor(nodes.length / 10), candidatesAtLeast);
  for (let step = 0; step < nodes.length && candidates.length < wanted; step += 1) {
    const node = nodes[(startAt + step) % nodes.length]!;
    if (diagnosis.rejections.get(node.name)?.resolvable === false) {
      rejections.set(node.name, unresolvable("Preemption is not helpful for scheduling"));
      continue;
    }
    const found = victimsOn(node, pod, snapshot, plugins, budgets);
    if ("victims" in found) candidates.push(found);
    else rejections.set(node.name, found);
  }
  const chosen = bestCandidate(candidates);
  return chosen ? { possible: true, node: chosen.node, victims: chosen.victims } : refused(histogramOf(rejections.values()));
}

function victimsOn(
  node: NodeInfo,
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  budgets: readonly PodDisruptionBudget[],
): Candidate | Rejection {
  const lower = node.pods.filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return unresolvable("No preemption victims found for incoming pod");
  const rejectionOf = (changed: NodeInfo) => {
    const hypothetical = { ...snapshot, nodes: snapshot.nodes.map((other) => (other.name === node.name ? changed : other)) };
    return firstRejection(filtersFor(pod, hypothetical, plugins), changed)?.rejection;
  };
  let emptied = lower.reduce((left, victim) => withoutPod(left, victim.uid), node);
  const rejection = rejectionOf(emptied);
  if (rejection) return rejection;

  // Let as many as possible stay, the most important first; those whose budget would break before all others.
  const important = [...lower].sort(moreImportant);
  const violating = budgetViolators(important, budgets);
  const victims: PodInfo[] = [];
  let budgetViolations = 0;
  for (const breaks of [true, false])
    for (const candidate of important) {
      if (violating.has(candidate) !== breaks) continue;
      const withIt = withPod(emptied, candidate);
      if (rejectionOf(withIt)) {
        victims.push(candidate);
        if (breaks) budgetViolations += 1;
      } else emptied = withIt;
    }
  return { node: node.name, victims: victims.sort(moreImportant), budgetViolations };
}

const startedMs = (pod: PodInfo) => timeMs(pod.pod.status?.startTime) ?? Number.MAX_SAFE_INTEGER;

function moreImportant(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (startedMs(a) !== startedMs(b)) return startedMs(a) - startedMs(b);
  return a.key < b.key ? -1 : 1;
}

/** Those pods whose eviction, in this order, a disruption budget would not allow any more. */
function budgetViolators(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): ReadonlySet<PodInfo> {
  const left = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0);
  const violating = new Set<PodInfo>();
  for (const pod of pods)
    budgets.forEach((budget, at) => {
      if (budget.metadata?.namespace !== pod.namespace || !matchesLabelSelector(budget.spec?.selector, pod.labels)) return;
      if (budget.status?.disruptedPods?.[pod.name] !== undefined) return;
      left[at] = left[at]! - 1;
      if (left[at]! < 0) violating.add(pod);
    });
  return violating;
}

function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  const order = (a: Candidate, b: Candidate): number => {
    const by = [
      a.budgetViolations - b.budgetViolations,
      highestPriority(a) - highestPriority(b),
      prioritySum(a) - prioritySum(b),
      a.victims.length - b.victims.length,
      earliestStart(b) - earliestStart(a),
    ];
    return by.find((difference) => difference !== 0) ?? 0;
  };
  return candidates.reduce<Candidate | undefined>((best, one) => (best === undefined || order(one, best) < 0 ? one : best), undefined);
}

const highestPriority = ({ victims }: Candidate) => victims.reduce((most, { priority }) => Math.max(most, priority), -(2 ** 31));
// Priorities are lifted above zero, so that many victims never weigh less than few.
const prioritySum = ({ victims }: Candidate) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0);
const earliestStart = (candidate: Candidate) => {
  const most = highestPriority(candidate);
  return candidate.victims
    .filter(({ priority }) => priority === most)
    .reduce((first, pod) => Math.min(first, startedMs(pod)), Number.MAX_SAFE_INTEGER);
};
