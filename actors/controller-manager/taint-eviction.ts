import type { Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import { type Controller, event, index, nodes, nothingToDo, type Plan, patchStatus, pods, remove, type View, watch } from "../client";
import { isSame } from "./canonical";
import { disruptionTarget } from "./disruption-target";
import { noExecuteTaints, tolerationMs } from "./toleration";

/** When (monotonic ms) the pod was first seen under taints that it bears for a while only. */
type Memory = { readonly sinceMs: number } | undefined;

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
export const taintEvictionController: Controller = {
  name: "taint-eviction",
  workers: 8,
  watches: [
    // Pods of nodes without such taints are no concern; when a taint goes, the node as it was still names its pods.
    watch(
      nodes,
      (node, view) => (noExecuteTaints(node).length > 0 ? view.of(pods).byIndex("node", node.metadata.name).map(keyOf) : []),
      (old, node) => !isSame(old.spec?.taints, node.spec?.taints),
    ),
    watch(pods, (pod, view) => (taintsOf(pod, view).length > 0 ? [keyOf(pod)] : [])),
  ],
  indexes: [index(pods, "node", (pod) => [pod.spec?.nodeName ?? ""])],
  reconcile(key, view, { nowMs, monotonicMs }, memory) {
    const pod = view.of(pods).get(key);
    if (!pod || isBeingDeleted(pod)) return { steps: [], memory: null };
    return evict(pod, view, nowMs, monotonicMs, memory as Memory);
  },
};

function taintsOf(pod: Stored<Pod>, view: View) {
  const node = pod.spec?.nodeName ? view.of(nodes).get(pod.spec.nodeName) : undefined;
  return node ? noExecuteTaints(node) : [];
}

function evict(pod: Stored<Pod>, view: View, nowMs: number, monotonicMs: number, memory: Memory): Plan {
  const taints = taintsOf(pod, view);
  const staysMs = tolerationMs(pod, taints);
  const name = keyOf(pod);
  if (taints.length === 0 || staysMs === Number.POSITIVE_INFINITY) {
    if (!memory) return nothingToDo;
    return { steps: [event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${name}`)], memory: null };
  }
  const sinceMs = memory?.sinceMs ?? monotonicMs;
  const leftMs = sinceMs + staysMs - monotonicMs;
  if (leftMs > 0) return { steps: [], memory: { sinceMs }, requeueAfterMs: leftMs };
  const node = pod.spec!.nodeName!;
  return {
    steps: [
      event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${name}`),
      { do: "record", fact: { kind: "node.eviction", pod: name, node } },
      patchStatus(
        pods,
        pod,
        "strategic",
        disruptionTarget(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", nowMs),
        { ignore: ["NotFound"] },
      ),
      remove(pods, pod),
    ],
    memory: { sinceMs },
  };
}
