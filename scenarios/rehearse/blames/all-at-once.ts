import { scaledValue } from "../../checks/pods";
import type { Path } from "../../source";
import { partAt, type Workload } from "../workload";
import { type Blame, countOf, type Found, failuresBy, longestOutage, placeOf, podsBehind, spell } from "./blame";

export const allAtOnce: Blame = {
  name: "all-at-once",
  title: "a rollout that takes all pods at once",
  what: "A rollout took the old pods away before new ones served, as its strategy allows.",
  find(evidence) {
    const { subject, service } = evidence;
    const failed = countOf(failuresBy(service, "no-endpoint"));
    if (failed === 0) return [];
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const setting = strategyOf(workload);
      const replaced = podsBehind(evidence).filter(({ owner, ending }) => owner === workload.id && ending === "replaced");
      if (!setting || replaced.length < workload.replicas) return [];
      return [
        {
          failed,
          ...placeOf(workload.manifest, setting.path),
          setting: setting.text,
          evidence: `The rollout deleted ${replaced.length === 1 ? "the only pod" : `all ${workload.replicas} pods`} without waiting for new ones: nobody answered for ${spell(longestOutage(service))}.`,
          fix: "Let a rollout take a pod away only when a new one is ready.",
          changes: [
            {
              type: "set",
              id: workload.id,
              path: ["spec", "strategy"],
              value: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
            },
          ],
        },
      ];
    });
  },
};

/** What in a Deployment's strategy lets all its pods go at once; undefined where nothing does. */
function strategyOf({ kind, manifest, replicas }: Workload): { readonly path: Path; readonly text: string } | undefined {
  if (kind !== "Deployment") return undefined;
  if (partAt(manifest.object, ["spec", "strategy", "type"]) === "Recreate")
    return { path: ["spec", "strategy", "type"], text: "strategy.type: Recreate" };
  const path = ["spec", "strategy", "rollingUpdate", "maxUnavailable"];
  const value = partAt(manifest.object, path) as number | string | undefined;
  if (value === undefined || scaledValue(value, replicas, "down") < replicas) return undefined;
  return { path, text: `maxUnavailable: ${value}` };
}
