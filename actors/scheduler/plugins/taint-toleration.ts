import { normalizedScores, type Plugin, unresolvable } from "../framework";
import { tolerates, untoleratedTaint } from "../tolerations";

/** Keeps pods off taints they do not tolerate, and prefers nodes with fewer PreferNoSchedule taints. Source: "Taints and Tolerations". */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  events: ["NodeAdd", "NodeTaint", "PodUpdate"],
  filter(pod) {
    const tolerations = pod.pod.spec?.tolerations;
    return ({ node }) => {
      const taint = untoleratedTaint(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"]);
      return taint && unresolvable(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`);
    };
  },
  score(pod, _snapshot, feasible) {
    const tolerations = (pod.pod.spec?.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    const intolerable = feasible.map(
      ({ node }) =>
        (node.spec?.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((t) => tolerates(t, taint)))
          .length,
    );
    return normalizedScores(intolerable, true);
  },
};
