import type { Node } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { isReady } from "./pods";
import { Standstill } from "./raft/standstill";

/** The node controller looks at all nodes every few seconds; so long may its view be behind. */
const noticeUs = 15_000_000;

/** When nobody hears from any node, the nodes are not what broke. */
export const evictionStorm: Check = {
  name: "eviction-storm",
  claim:
    "While no node at all is Ready, no node is tainted so that its pods are evicted, and no pod is evicted because of such a taint for long.",
  source: "Kubernetes documentation, Nodes, Rate limits on eviction: all zones completely unhealthy; kubernetes/kubernetes#28832",
  params: {},
  required: [],
  begin() {
    const nodes = new Map<string, Stored<Node>>();
    const standstill = new Standstill();
    let allLostSinceUs = Number.POSITIVE_INFINITY;
    let changes = 0;
    return {
      see(event) {
        standstill.see(event);
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind !== "Node") return undefined;
        const { name } = object.metadata;
        const before = nodes.get(name);
        if (event.after) nodes.set(name, event.after as Stored<Node>);
        else nodes.delete(name);
        const allLost = nodes.size > 0 && [...nodes.values()].every((node) => !isReady(node));
        if (before && event.after && isReady(before) !== isReady(event.after as Stored<Node>)) changes++;
        if (!allLost) allLostSinceUs = Number.POSITIVE_INFINITY;
        else if (allLostSinceUs === Number.POSITIVE_INFINITY) allLostSinceUs = event.atUs;
        if (!event.after || evicts(before) || !evicts(event.after as Stored<Node>)) return undefined;
        if (!allLost || standstill.sinceUs(allLostSinceUs, event.atUs) <= noticeUs) return undefined;
        return `${name} was tainted for eviction, though for ${Math.round((event.atUs - allLostSinceUs) / 1e6)} s no node at all has been Ready`;
      },
      end: () => ({ detail: `${changes} times a node was lost or came back`, reached: changes }),
    };
  },
};

function evicts(node: Stored<Node> | undefined): boolean {
  return (
    node?.spec?.taints?.some(
      ({ key, effect }) => effect === "NoExecute" && (key === "node.kubernetes.io/unreachable" || key === "node.kubernetes.io/not-ready"),
    ) ?? false
  );
}
