import { normalizedScores, type Plugin, unresolvable } from "../framework";
import { matchesNodeSelectorTerm, podAllowsNode } from "../node-selector";

/** nodeSelector and node affinity: the required must hold, the preferred add their weights. Source: "Assigning Pods to Nodes". */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  events: ["NodeAdd", "NodeLabel", "PodUpdate"],
  filter(pod) {
    const { nodeSelector, affinity } = pod.pod.spec ?? {};
    if (!nodeSelector && !affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return undefined;
    return (node) => (podAllowsNode(pod.pod, node) ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector"));
  },
  score(pod, _snapshot, feasible) {
    const preferred = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred?.length) return undefined;
    const weights = feasible.map((node) =>
      preferred.reduce((sum, { weight, preference }) => sum + (matchesNodeSelectorTerm(preference, node) ? weight : 0), 0),
    );
    return normalizedScores(weights, false);
  },
};
