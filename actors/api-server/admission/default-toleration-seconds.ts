import type { Pod, Toleration } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { isOf, type Plugin } from "./admission";

/** A Pod that says nothing about nodes that are not ready or out of reach stays on them for five minutes. */
export const defaultTolerationSeconds: Plugin = {
  name: "DefaultTolerationSeconds",
  mutate(admission) {
    const { operation, object } = admission;
    if (operation === "DELETE" || !isOf(admission, "", "pods")) return object;
    const pod = object as ApiObject & Pod;
    const tolerations = pod.spec?.tolerations ?? [];
    const missing = taints.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
    if (!pod.spec || missing.length === 0) return object;
    const added = missing.map((key): Toleration => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
  },
};

const taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}
