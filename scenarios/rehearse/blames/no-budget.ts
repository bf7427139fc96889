import type { PodDisruptionBudget } from "../../../protocol/kinds/generated";
import type { JsonObject } from "../../../protocol/kinds/object";
import type { Workload } from "../workload";
import { type Blame, countOf, failuresBy, longestOutage, placeOf, podsBehind, spell, wanted } from "./blame";

export const noBudget: Blame = {
  name: "no-budget",
  title: "no PodDisruptionBudget",
  what: "Drains evicted pods while others of the same Service were not back yet, and no budget kept one for the users.",
  find(evidence) {
    const { subject, service } = evidence;
    const failed = failuresBy(service, "no-endpoint");
    const evicted = podsBehind(evidence).filter(({ ending }) => ending === "evicted");
    const [workload] = subject.workloads;
    if (!workload || countOf(failed) === 0 || evicted.length < 2 || wanted(evidence) < 2) return [];
    const budget = subject.budgets[0];
    const spec = (budget?.object as PodDisruptionBudget | undefined)?.spec;
    const [field, value] =
      spec?.minAvailable !== undefined ? ["minAvailable", spec.minAvailable] : ["maxUnavailable", spec?.maxUnavailable];
    const together = evicted.filter(({ deletedUs = 0 }) => Math.abs(deletedUs - evicted[0]!.deletedUs!) < 1e6).length;
    return [
      {
        failed: countOf(failed),
        ...(budget ? placeOf(budget, ["spec", field]) : placeOf(workload.manifest, [])),
        setting: budget ? `spec.${field}: ${value}, which allows all pods to go at once` : `no PodDisruptionBudget selects ${workload.id}`,
        evidence: `${together > 1 ? `${together} of its pods were evicted at once` : "Each of its pods was evicted as soon as its node was drained"}, whether another was ready or not: nobody answered for ${spell(longestOutage(service))}.`,
        fix: "Add a PodDisruptionBudget that lets one pod go at a time.",
        changes: budget
          ? [
              {
                type: "set",
                id: `PodDisruptionBudget ${workload.namespace}/${budget.object.metadata.name}`,
                path: ["spec", "minAvailable"],
              },
              {
                type: "set",
                id: `PodDisruptionBudget ${workload.namespace}/${budget.object.metadata.name}`,
                path: ["spec", "maxUnavailable"],
                value: 1,
              },
            ]
          : [{ type: "add", object: budgetFor(workload) }],
      },
    ];
  },
};

function budgetFor({ namespace, name, labels, manifest }: Workload): JsonObject {
  const { spec } = manifest.object as unknown as { readonly spec?: { readonly selector?: JsonObject } };
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace },
    spec: { maxUnavailable: 1, selector: spec?.selector ?? { matchLabels: labels } },
  };
}
