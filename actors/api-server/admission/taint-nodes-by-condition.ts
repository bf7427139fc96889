import type { Node } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { isOf, type Plugin } from "./admission";

const notReady = "node.kubernetes.io/not-ready";

/** A new Node takes no Pods before the node lifecycle controller has seen it ready. */
export const taintNodesByCondition: Plugin = {
  name: "TaintNodesByCondition",
  mutate(admission) {
    const { operation, object } = admission;
    if (operation !== "CREATE" || !isOf(admission, "", "nodes")) return object;
    const node = object as ApiObject & Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === notReady && effect === "NoSchedule")) return object;
    return { ...node, spec: { ...node.spec, taints: [...taints, { key: notReady, effect: "NoSchedule" }] } };
  },
};
