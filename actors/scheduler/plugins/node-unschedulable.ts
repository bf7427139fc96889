import { type Plugin, unresolvable } from "../framework";
import { tolerates } from "../tolerations";

/** Passes over cordoned nodes, unless the pod tolerates the taint that stands for it. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  weight: 0,
  events: ["NodeAdd", "NodeTaint"],
  filter(pod) {
    const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
    const tolerated = pod.pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false;
    if (tolerated) return undefined;
    return (node) => (node.node.spec?.unschedulable ? unresolvable("node(s) were unschedulable") : undefined);
  },
};
