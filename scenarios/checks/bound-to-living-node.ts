import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { Staleness } from "./staleness";

/** No pod is given to a node that is not there. */
export const boundToLivingNode: Check = {
  name: "bound-to-living-node",
  claim:
    "A pod is only bound to a node that exists, as far as a scheduler can know, and once the cluster is at rest no pod is left on one that is gone.",
  source: "Kubernetes documentation, Scheduling; kubernetes/kubernetes#56261, #94437",
  params: {},
  required: [],
  begin() {
    const nodes = new Set<string>();
    const goneAtUs = new Map<string, number>();
    const staleness = new Staleness();
    let bound = 0;
    return {
      see(event) {
        staleness.see(event);
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "Node") {
          if (event.after) nodes.add(object.metadata.name);
          else {
            nodes.delete(object.metadata.name);
            goneAtUs.set(object.metadata.name, event.atUs);
          }
        }
        if (object.kind !== "Pod" || !event.after) return undefined;
        const node = (event.after as Stored<Pod>).spec?.nodeName;
        if (!node || (event.before as Stored<Pod> | undefined)?.spec?.nodeName === node) return undefined;
        bound++;
        if (nodes.has(node) || (goneAtUs.get(node) ?? Number.NEGATIVE_INFINITY) >= staleness.knownUntil(event.atUs)) return undefined;
        return `${event.id} was bound to ${node}, which ${goneAtUs.has(node) ? "was gone by then" : "never existed"}`;
      },
      end(final) {
        const detail = `${bound} pods bound to nodes that existed`;
        for (const [id, object] of final.objects) {
          const node = object.kind === "Pod" ? (object as Stored<Pod>).spec?.nodeName : undefined;
          if (final.convergence.converged && node && !final.objects.has(`Node ${node}`))
            return { violation: `${id} is left on ${node}, which is gone`, detail, reached: bound };
        }
        return { detail, reached: bound };
      },
    };
  },
};
