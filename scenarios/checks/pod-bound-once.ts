import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { factOf } from "./raft/history";

/** A pod lives and dies on one node. */
export const podBoundOnce: Check = {
  name: "pod-bound-once",
  claim: "Once a pod is bound to a node it is never bound to another, and only that node starts its containers.",
  source: "Kubernetes documentation, Pod Lifecycle: a Pod is scheduled once in its lifetime",
  params: {},
  required: [],
  begin() {
    const nodeOfUid = new Map<string, string>();
    // By name: every node to which a pod of that name was ever bound, for names are used again and kubelets act later than the store.
    const nodesOfName = new Map<string, Set<string>>();
    let starts = 0;
    return {
      see(event) {
        if (event.type === "object" && event.after?.kind === "Pod") {
          const pod = event.after as Stored<Pod>;
          const node = pod.spec?.nodeName;
          const before = nodeOfUid.get(pod.metadata.uid);
          if (before !== undefined && node !== before) return `${event.id} was bound to ${before} and then to ${node ?? "no node"}`;
          if (node === undefined) return undefined;
          nodeOfUid.set(pod.metadata.uid, node);
          const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
          nodesOfName.set(name, (nodesOfName.get(name) ?? new Set()).add(node));
          return undefined;
        }
        const started = factOf(event, "container.started");
        if (!started) return undefined;
        starts++;
        const [pod, node] = [String(started.pod), String(started.node)];
        if (!nodesOfName.get(pod)?.has(node))
          return `${node} started container ${String(started.container)} of pod ${pod}, which was never bound to it`;
        return undefined;
      },
      end: () => ({ detail: `${nodeOfUid.size} pods bound, ${starts} containers started`, reached: nodeOfUid.size }),
    };
  },
};
