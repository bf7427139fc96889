import type { Pod, PodDisruptionBudget } from "../../protocol/kinds/generated";
import { scaledValue } from "../../protocol/kinds/int-or-string";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, keyOf, objectKey, type Stored, timeMs } from "../../protocol/kinds/object";
import {
  type Controller,
  deployments,
  event,
  nothingToDo,
  type Plan,
  podDisruptionBudgets,
  pods,
  type Resource,
  replicaSets,
  replicationControllers,
  statefulSets,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { withCondition } from "./condition";
import { isPodReady } from "./pod-state";

/** An eviction that was allowed is expected to have deleted its pod by then. */
export const deletionTimeoutMs = 120_000;

type Budget = Stored<PodDisruptionBudget>;

/** Keeps the status of PodDisruptionBudgets, by which the API server allows evictions. Source: "Disruptions" and "Specifying a Disruption Budget" in the documentation. */
export const disruptionController: Controller = {
  name: "disruption",
  watches: [
    watch(podDisruptionBudgets, (budget) => [keyOf(budget)]),
    watch(pods, budgetsOf),
    watch(replicaSets, () => []),
    watch(deployments, () => []),
    watch(statefulSets, () => []),
    watch(replicationControllers, () => []),
  ],
  reconcile(key, view, { nowMs }) {
    const budget = view.of(podDisruptionBudgets).get(key);
    return budget?.spec ? reconcileBudget(budget, view, nowMs) : nothingToDo;
  },
};

function budgetsOf(pod: Stored<Pod>, view: View): readonly string[] {
  return view
    .of(podDisruptionBudgets)
    .byIndex("namespace", pod.metadata.namespace ?? "")
    .filter((budget) => matchesLabelSelector(budget.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

function reconcileBudget(budget: Budget, view: View, nowMs: number): Plan {
  const chosen = view
    .of(pods)
    .byIndex("namespace", budget.metadata.namespace ?? "")
    .filter((pod) => matchesLabelSelector(budget.spec?.selector, pod.metadata.labels));
  const expected = expectedHealth(budget, chosen, view);
  if (!expected.ok) return failSafe(budget, expected.message, nowMs);

  const disrupted = stillExpected(budget, chosen, nowMs);
  const currentHealthy = chosen.filter((pod) => !isBeingDeleted(pod) && !disrupted.has(pod.metadata.name) && isPodReady(pod)).length;
  const { expectedPods, desiredHealthy } = expected;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const isAllowed = disruptionsAllowed > 0;
  const condition = {
    type: "DisruptionAllowed",
    status: isAllowed ? "True" : "False",
    reason: isAllowed ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration: budget.metadata.generation ?? 0,
  };
  const status = {
    ...(disrupted.size > 0 ? { disruptedPods: Object.fromEntries([...disrupted].map(([name, { at }]) => [name, at])) } : {}),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: withCondition(budget.status?.conditions ?? [], condition, nowMs),
  };
  const againMs = Math.min(...[...disrupted.values()].map(({ untilMs }) => untilMs - nowMs + 1));
  return {
    steps: isSame(status, budget.status) ? [] : [updateStatus(podDisruptionBudgets, { ...budget, status } as Budget)],
    ...(disrupted.size > 0 ? { requeueAfterMs: againMs } : {}),
  };
}

type Expected =
  | { readonly ok: true; readonly expectedPods: number; readonly desiredHealthy: number }
  | { readonly ok: false; readonly message: string };

/** How many pods there should be, and how many of them healthy. Percentages and maxUnavailable count from what the pods' controllers want; percentages are rounded up. */
export function expectedHealth(budget: Budget, chosen: readonly Stored<Pod>[], view: View): Expected {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (maxUnavailable !== undefined) {
    const scale = expectedScale(chosen, view);
    if (!scale.ok) return scale;
    const lost = scaledValue(maxUnavailable, scale.replicas, "up");
    if (lost === undefined)
      return { ok: false, message: `maxUnavailable ${JSON.stringify(maxUnavailable)} is neither a number nor a percentage` };
    return { ok: true, expectedPods: scale.replicas, desiredHealthy: Math.max(0, scale.replicas - lost) };
  }
  if (typeof minAvailable === "number") return { ok: true, expectedPods: chosen.length, desiredHealthy: minAvailable };
  if (minAvailable === undefined) return { ok: true, expectedPods: 0, desiredHealthy: 0 };
  const scale = expectedScale(chosen, view);
  if (!scale.ok) return scale;
  const wanted = scaledValue(minAvailable, scale.replicas, "up");
  if (wanted === undefined)
    return { ok: false, message: `minAvailable ${JSON.stringify(minAvailable)} is neither a number nor a percentage` };
  return { ok: true, expectedPods: scale.replicas, desiredHealthy: wanted };
}

type Scale = { readonly ok: true; readonly replicas: number } | { readonly ok: false; readonly message: string };

/** The sum of what the distinct controllers of these pods want; pods without a controller do not count. */
function expectedScale(chosen: readonly Stored<Pod>[], view: View): Scale {
  const byUid = new Map<string, number>();
  for (const pod of chosen) {
    if (!controllerOf(pod)) continue;
    const found = scaleOf(pod, view);
    if (!found) return { ok: false, message: `found no controllers for pod ${JSON.stringify(pod.metadata.name)}` };
    byUid.set(found.uid, found.replicas);
  }
  return { ok: true, replicas: [...byUid.values()].reduce((sum, replicas) => sum + replicas, 0) };
}

interface Scaled {
  readonly spec?: { readonly replicas?: number };
}

/** What the controller of a pod wants; a ReplicaSet that belongs to a Deployment speaks for the Deployment. */
function scaleOf(pod: Stored<Pod>, view: View): { readonly uid: string; readonly replicas: number } | undefined {
  const { namespace } = pod.metadata;
  const find = <T extends Scaled>(resource: Resource<T>, owner: { readonly name: string; readonly uid: string }) => {
    const found = view.of(resource).get(objectKey(namespace, owner.name));
    return found?.metadata.uid === owner.uid ? found : undefined;
  };
  const want = (object: Stored<Scaled> | undefined) => object && { uid: object.metadata.uid, replicas: object.spec?.replicas ?? 1 };
  const owner = controllerOf(pod)!;
  switch (owner.kind) {
    case "ReplicaSet": {
      const set = find(replicaSets, owner);
      const above = set && controllerOf(set);
      return above?.kind === "Deployment" ? want(find(deployments, above)) : want(set);
    }
    case "StatefulSet":
      return want(find(statefulSets, owner));
    case "ReplicationController":
      return want(find(replicationControllers, owner));
    default:
      return undefined;
  }
}

/** Evictions that the API server allowed and whose pods are not yet on their way out, until they time out. */
function stillExpected(
  budget: Budget,
  chosen: readonly Stored<Pod>[],
  nowMs: number,
): ReadonlyMap<string, { readonly at: string; readonly untilMs: number }> {
  const expected = new Map<string, { readonly at: string; readonly untilMs: number }>();
  const disrupted = budget.status?.disruptedPods ?? {};
  for (const pod of chosen) {
    const at = disrupted[pod.metadata.name];
    if (at === undefined || isBeingDeleted(pod)) continue;
    const untilMs = (timeMs(at) ?? 0) + deletionTimeoutMs;
    if (untilMs > nowMs) expected.set(pod.metadata.name, { at, untilMs });
  }
  return expected;
}

/** Where nothing can be counted nothing may be disrupted. */
function failSafe(budget: Budget, message: string, nowMs: number): Plan {
  const condition = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "SyncFailed",
    message,
    observedGeneration: budget.metadata.generation ?? 0,
  };
  const status = { ...budget.status, disruptionsAllowed: 0, conditions: withCondition(budget.status?.conditions ?? [], condition, nowMs) };
  const told = event(budget, "Warning", "CalculateExpectedPodCountFailed", `Failed to calculate the number of expected pods: ${message}`);
  if (isSame(status, budget.status)) return nothingToDo;
  return { steps: [told, updateStatus(podDisruptionBudgets, { ...budget, status } as Budget)] };
}
