import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import type { Check } from "./check";
import { isFinished, isReady, scaledValue } from "./pods";
import { Staleness } from "./staleness";

/** Evictions leave as many healthy pods as the budget promises. */
export const disruptionBudget: Check = {
  name: "disruption-budget",
  claim:
    "An eviction never leaves fewer healthy pods than the PodDisruptionBudget that selects the pod promises. Pods that a fault took, and replicas that were asked for, so shortly before that nobody could know of it are not held against it.",
  source:
    "Kubernetes documentation, Disruptions, Pod disruption budgets; API-initiated Eviction; PodDisruptionBudget API, disruptionsAllowed",
  params: {},
  required: [],
  begin() {
    const cluster = new Cluster();
    const staleness = new Staleness();
    let evictions = 0;
    let guarded = 0;
    return {
      see(event) {
        staleness.see(event);
        if (event.type !== "object") return undefined;
        const before = cluster.see(event);
        const pod = (event.after ?? event.before)! as Stored<Pod>;
        if (pod.kind !== "Pod") return undefined;
        staleness.note(
          event.id,
          event.after !== undefined && isHealthy(pod),
          wasEvicted(event.after as Stored<Pod> | undefined),
          event.atUs,
        );
        for (const [id, budget] of cluster.budgets) {
          if (!guards(budget, pod)) continue;
          guarded++;
          if (!before || isBeingDeleted(before) || !wasEvicted(event.after as Stored<Pod> | undefined)) continue;
          evictions++;
          // What was not healthy anyway takes nothing away from what is.
          if (!isReady(before)) continue;
          const own = [...cluster.pods].filter(([, other]) => guards(budget, other) && !isFinished(other));
          const healthy = own.filter(([, other]) => isHealthy(other)).length;
          const unnoticed = staleness.unnoticed((name) => guardsNamed(budget, name, cluster), event.atUs);
          const expected = cluster.expected(
            own.map(([, other]) => other),
            staleness.knownUntil(event.atUs),
          );
          const promised = promisedBy(budget, expected);
          if (healthy + unnoticed < promised)
            return `the eviction of ${event.id} left ${healthy} healthy pods, and ${id} promises ${promised}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${evictions} evictions among pods under ${cluster.budgets.size} budgets`, reached: guarded }),
    };
  },
};

/** Budgets, pods and those who want so many of them, as the store has them. */
class Cluster {
  readonly budgets = new Map<string, Stored<PodDisruptionBudget>>();
  readonly pods = new Map<string, Stored<Pod>>();
  /** The last that was known of pods that are gone, for their labels. */
  readonly labels = new Map<string, Stored<Pod>>();
  private readonly scaled = new Map<string, Stored<Deployment | ReplicaSet>>();
  /** How many replicas each of them was asked for, and since when, by uid. */
  private readonly asked = new Map<string, { readonly fromUs: number; readonly replicas: number }[]>();

  /** Takes a change; answers with the pod as it was, if it is one. */
  see({ id, before, after, atUs }: Extract<HistoryEvent, { readonly type: "object" }>): Stored<Pod> | undefined {
    const object = (after ?? before)!;
    const put = <T>(map: Map<string, T>, key: string) => (after ? map.set(key, after as T) : map.delete(key));
    switch (object.kind) {
      case "PodDisruptionBudget":
        put(this.budgets, id);
        return undefined;
      case "Deployment":
      case "ReplicaSet":
      case "StatefulSet":
      case "ReplicationController":
        put(this.scaled, object.metadata.uid);
        this.noteReplicas(object as Stored<Deployment>, atUs);
        return undefined;
      case "Pod": {
        const last = this.pods.get(id);
        put(this.pods, id);
        this.labels.set(id, object as Stored<Pod>);
        return last;
      }
      default:
        return undefined;
    }
  }

  /**
   * How many pods there should be by what was known by then: what their controllers are asked for, at least since that time, and pods without one
   * for themselves.
   */
  expected(pods: readonly Stored<Pod>[], knownUntilUs: number): number {
    const wanted = new Map<string, number>();
    for (const pod of pods) {
      const uid = controllerOf(pod)?.uid;
      const owner = uid === undefined ? undefined : this.scaled.get(uid);
      const top = owner && (this.scaled.get(controllerOf(owner)?.uid ?? "") ?? owner);
      if (top) wanted.set(top.metadata.uid, this.fewestSince(top.metadata.uid, knownUntilUs));
      else wanted.set(pod.metadata.uid, 1);
    }
    return [...wanted.values()].reduce((sum, count) => sum + count, 0);
  }

  private noteReplicas({ metadata: { uid }, spec }: Stored<Deployment | ReplicaSet>, atUs: number): void {
    const replicas = spec?.replicas ?? 1;
    const asked = this.asked.get(uid);
    if (!asked) this.asked.set(uid, [{ fromUs: atUs, replicas }]);
    else if (asked.at(-1)!.replicas !== replicas) asked.push({ fromUs: atUs, replicas });
  }

  private fewestSince(uid: string, sinceUs: number): number {
    const asked = this.asked.get(uid) ?? [];
    const first = asked.findLastIndex(({ fromUs }) => fromUs <= sinceUs);
    return Math.min(...asked.slice(Math.max(0, first)).map(({ replicas }) => replicas));
  }
}

function promisedBy({ spec }: PodDisruptionBudget, expected: number): number {
  if (spec?.minAvailable !== undefined) return scaledValue(spec.minAvailable, expected, "up");
  return Math.max(0, expected - scaledValue(spec?.maxUnavailable, expected, "up"));
}

function isHealthy(pod: Stored<Pod>): boolean {
  return isReady(pod) && !isBeingDeleted(pod) && !isFinished(pod);
}

function guards(budget: Stored<PodDisruptionBudget>, pod: Stored<Pod>): boolean {
  return budget.metadata.namespace === pod.metadata.namespace && matchesLabelSelector(budget.spec?.selector, pod.metadata.labels);
}

function guardsNamed(budget: Stored<PodDisruptionBudget>, id: string, cluster: Cluster): boolean {
  const pod = cluster.labels.get(id);
  return pod !== undefined && guards(budget, pod);
}

/** Whether its deletion was asked for through the eviction subresource: the API server says so in a condition. */
function wasEvicted(pod: Stored<Pod> | undefined): boolean {
  if (!pod || !isBeingDeleted(pod)) return false;
  return (
    pod.status?.conditions?.some((condition) => condition.type === "DisruptionTarget" && condition.reason === "EvictionByEvictionAPI") ??
    false
  );
}
