import type { Pod, Toleration } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { isOf, type Plugin } from "./admission";

/** A Pod that says nothing about nodes that are not ready or out of reach stays on them for five minutes, or as long as the server was told. */
export const defaultTolerationSeconds: Plugin = {
  name: "DefaultTolerationSeconds",
  mutate(admission) {
    const { operation, object } = admission;
    if (operation === "DELETE" || !isOf(admission, "", "pods")) return object;
    const pod = object as ApiObject & Pod;
    const tolerations = pod.spec?.tolerations ?? [];
    const missing = [...admission.cluster.defaultTolerationSeconds].filter(([taint]) => !tolerations.some((one) => tolerates(one, taint)));
    if (!pod.spec || missing.length === 0) return object;
    const added = missing.map(
      ([key, tolerationSeconds]): Toleration => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }),
    );
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
  },
};

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}
