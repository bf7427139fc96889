import type { Pod, PodDisruptionBudget } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { isFinished, isReady, scaledValue } from "./pods";

/** Evictions leave as many healthy pods as the budget promises. */
export const disruptionBudget: Check = {
  name: "disruption-budget",
  claim: "An eviction never leaves fewer healthy pods than the PodDisruptionBudget that selects the pod promises.",
  source: "Kubernetes documentation, Disruptions, Pod disruption budgets; API-initiated Eviction",
  params: {},
  required: [],
  begin() {
    const budgets = new Map<string, Stored<PodDisruptionBudget>>();
    const pods = new Map<string, Stored<Pod>>();
    let evictions = 0;
    let guarded = 0;
    return {
      see(event) {
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "PodDisruptionBudget") {
          if (event.after) budgets.set(event.id, event.after as Stored<PodDisruptionBudget>);
          else budgets.delete(event.id);
        }
        if (object.kind !== "Pod") return undefined;
        const before = pods.get(event.id);
        if (event.after) pods.set(event.id, event.after as Stored<Pod>);
        else pods.delete(event.id);
        const pod = object as Stored<Pod>;
        for (const [id, budget] of budgets) {
          if (!guards(budget, pod)) continue;
          guarded++;
          if (!before || isBeingDeleted(before) || !wasEvicted(event.after as Stored<Pod> | undefined)) continue;
          evictions++;
          const own = [...pods.values()].filter((other) => guards(budget, other) && !isFinished(other));
          const healthy = own.filter((other) => isReady(other) && !isBeingDeleted(other)).length;
          const { minAvailable, maxUnavailable } = budget.spec ?? {};
          const promised =
            minAvailable !== undefined
              ? scaledValue(minAvailable, own.length, "up")
              : own.length - scaledValue(maxUnavailable, own.length, "up");
          if (isReady(before) && healthy < promised)
            return `the eviction of ${event.id} left ${healthy} healthy pods, and ${id} promises ${promised}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${evictions} evictions among pods under ${budgets.size} budgets`, reached: guarded }),
    };
  },
};

function guards(budget: Stored<PodDisruptionBudget>, pod: Stored<Pod>): boolean {
  return budget.metadata.namespace === pod.metadata.namespace && matchesLabelSelector(budget.spec?.selector, pod.metadata.labels);
}

/** Whether its deletion was asked for through the eviction subresource: the API server says so in a condition. */
function wasEvicted(pod: Stored<Pod> | undefined): boolean {
  if (!pod || !isBeingDeleted(pod)) return false;
  return (
    pod.status?.conditions?.some((condition) => condition.type === "DisruptionTarget" && condition.reason === "EvictionByEvictionAPI") ??
    false
  );
}
