import type { Node, Pod } from "../../protocol/kinds/generated";
import { podAllowsNode } from "../scheduler/node-selector";
import { nodePorts } from "../scheduler/plugins/node-ports";
import { insufficientResources } from "../scheduler/plugins/node-resources-fit";
import { nodeInfo, podInfo } from "../scheduler/pod-info";
import { untoleratedTaint } from "../scheduler/tolerations";

/**
 * Whether a node takes a pod that was bound to it, beside those it has: the scheduler decides on what it knows, the node on what is.
 * A reason such as "OutOfcpu" and its message where it does not.
 */
export function rejectionOf(
  pod: Pod,
  node: Node,
  others: readonly Pod[],
): { readonly reason: string; readonly message: string } | undefined {
  const info = podInfo(pod);
  const here = nodeInfo(node, others.map(podInfo));
  const lacking = insufficientResources(info, here)[0];
  if (lacking) {
    const { resource, requested, used, capacity } = lacking;
    const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
    return {
      reason: `OutOf${resource}`,
      message: `Pod was rejected: Node didn't have enough resource: ${resource}, ${amounts}`,
    };
  }
  if (!podAllowsNode(pod, here))
    return {
      reason: "NodeAffinity",
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  const snapshot = { nodes: [here], namespaceLabels: new Map(), claim: () => undefined, siblings: () => undefined };
  if (nodePorts.filter?.(info, snapshot)?.(here))
    return {
      reason: "NodePorts",
      message: "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  const taint = untoleratedTaint(node.spec?.taints, pod.spec?.tolerations, ["NoExecute"]);
  if (taint)
    return {
      reason: "TaintToleration",
      message: `Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate`,
    };
  return undefined;
}
