import type { Pod } from "../../../../protocol/kinds/generated";
import { forbidden } from "../../../../protocol/status";
import { isOf, type Plugin } from "../admission";

const hostname = "kubernetes.io/hostname";

/** No Pod keeps others out of more than one node at a time. Source: "Admission Control", LimitPodHardAntiAffinityTopology. */
export const limitPodHardAntiAffinityTopology: Plugin = {
  name: "LimitPodHardAntiAffinityTopology",
  validate(admission) {
    if (admission.operation === "DELETE" || !isOf(admission, "", "pods")) return undefined;
    const terms = (admission.object as Pod).spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const other = terms.find(({ topologyKey }) => topologyKey !== hostname);
    if (!other) return undefined;
    return forbidden(
      { group: "", resource: "pods", name: admission.name },
      `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${other.topologyKey} but only key ${hostname} is allowed`,
    );
  },
};
