import type { PodDisruptionBudget } from "../../../protocol/kinds/generated";
import { objectId } from "../../history";
import type { Change } from "../change";
import { type Blame, placeOf, plural, podsBehind, wanted } from "./blame";

export const blockingBudget: Blame = {
  name: "blocking-budget",
  title: "a budget that blocks every drain",
  what: "A drain never came to its end, because a PodDisruptionBudget allowed no eviction although every pod was healthy.",
  find(evidence) {
    const { subject, observation } = evidence;
    if (observation.failedActions.length === 0) return [];
    return subject.budgets.flatMap((manifest) => {
      const { namespace, name } = manifest.object.metadata;
      const seen = observation.budgets.find(({ budget }) => budget === `${namespace}/${name}`);
      if (!seen?.blocksAlways) return [];
      const { minAvailable, maxUnavailable } = (manifest.object as PodDisruptionBudget).spec ?? {};
      const field = minAvailable === undefined ? "maxUnavailable" : "minAvailable";
      const nodes = new Set(podsBehind(evidence).map(({ node }) => node));
      const stuck = observation.failedActions.join("; ").match(/node-\d+(?= was not drained)/g) ?? [];
      const blocked = stuck.filter((node) => nodes.has(node));
      if (blocked.length === 0) return [];
      const id = objectId(manifest.object);
      const changes: Change[] = [
        { type: "set", id, path: ["spec", "minAvailable"] },
        { type: "set", id, path: ["spec", "maxUnavailable"], value: 1 },
      ];
      const [workload] = subject.workloads;
      return [
        {
          failed: 0,
          ...placeOf(manifest, ["spec", field]),
          setting: `spec.${field}: ${minAvailable ?? maxUnavailable}`,
          evidence: `With all ${plural(seen.expectedPods, "pod")} healthy it asks for ${seen.desiredHealthy} and allows no eviction: ${blocked.join(", ")} could not be drained, and no waiting helps.`,
          fix: "Let one pod go at a time: maxUnavailable: 1.",
          changes:
            workload && wanted(evidence) === 1
              ? [...changes, { type: "set", id: workload.id, path: ["spec", "replicas"], value: 2 } as const]
              : changes,
        },
      ];
    });
  },
};
