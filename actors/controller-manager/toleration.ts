import type { Node, Pod, Taint } from "../../protocol/kinds/generated";
import { tolerates } from "../scheduler/tolerations";

/** Which taints drive pods from a node, and how long a pod bears them. Source: "Taints and Tolerations" in the documentation. */

export function noExecuteTaints(node: Node): readonly Taint[] {
  return node.spec?.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];
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
