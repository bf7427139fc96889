import type { Node, Pod, Taint, Toleration } from "../../protocol/kinds/generated";

/** Which taints drive pods from a node, and how long a pod bears them. Source: "Taints and Tolerations" in the documentation. */

export function noExecuteTaints(node: Node): readonly Taint[] {
  return node.spec?.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (!toleration.key && toleration.operator !== "Exists") return false;
  switch (toleration.operator) {
    case "Exists":
      return true;
    case "Gt":
    case "Lt": {
      const [wanted, value] = [Number(toleration.value), Number(taint.value)];
      return toleration.operator === "Gt" ? value > wanted : value < wanted;
    }
    default:
      return (toleration.value ?? "") === (taint.value ?? "");
  }
}

/** How long (ms) the pod stays in the face of these taints: for ever is Infinity, 0 is not at all. The first toleration that matches a taint counts for it. */
export function tolerationMs(pod: Pod, taints: readonly Taint[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const used = pod.spec?.tolerations?.find((toleration) => tolerates(toleration, taint));
    if (!used) return 0;
    if (used.tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, used.tolerationSeconds) * 1000);
  }
  return least;
}
