import type { Pod, Toleration } from "../../../../protocol/kinds/generated";
import type { ApiObject } from "../../../../protocol/kinds/object";
import { isOf, type Plugin } from "../admission";

/**
 * A Pod that asks for special hardware tolerates the taint that keeps others off the nodes which have it: the taint is called like the resource.
 * Source: "Admission Control", ExtendedResourceToleration.
 */
export const extendedResourceToleration: Plugin = {
  name: "ExtendedResourceToleration",
  mutate(admission) {
    if (admission.operation === "DELETE" || !isOf(admission, "", "pods")) return admission.object;
    const pod = admission.object as ApiObject & Pod;
    const { spec } = pod;
    if (!spec) return pod;
    const asked = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      Object.keys(resources?.requests ?? {}),
    );
    const extended = [...new Set(asked.filter((name) => name.includes("/") && !name.includes("kubernetes.io/")))].sort();
    const tolerations = spec.tolerations ?? [];
    const missing = extended
      .map((key): Toleration => ({ key, operator: "Exists", effect: "NoSchedule" }))
      .filter(
        ({ key }) =>
          !tolerations.some((one) => one.key === key && one.operator === "Exists" && (!one.effect || one.effect === "NoSchedule")),
      );
    return missing.length === 0 ? pod : { ...pod, spec: { ...spec, tolerations: [...tolerations, ...missing] } };
  },
};
