import type { Node, NodeSelectorTerm, Pod, Taint, Toleration } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { podAllowsNode } from "../scheduler/node-selector";
import { tolerates } from "../scheduler/tolerations";

/** Which nodes a DaemonSet's pods belong on. Source: "DaemonSet" in the documentation: how Daemon Pods are scheduled, taints and tolerations. */

export interface NodeFit {
  /** A pod should be made there. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly mayStay: boolean;
}

/** What the pods of every DaemonSet tolerate. */
const daemonTolerations: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const hostNetworkToleration: Toleration = { key: "node.kubernetes.io/network-unavailable", operator: "Exists", effect: "NoSchedule" };

/** The pod as it is made for one node: bound to it by affinity on its name, tolerating what daemons tolerate. */
export function podForNode(pod: Pod, node: string): Pod {
  const spec = pod.spec!;
  const field = { key: "metadata.name", operator: "In", values: [node] };
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const nodeSelectorTerms =
    terms && terms.length > 0 ? terms.map((term): NodeSelectorTerm => ({ ...term, matchFields: [field] })) : [{ matchFields: [field] }];
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  const added = [...daemonTolerations, ...(spec.hostNetwork ? [hostNetworkToleration] : [])];
  const own = (spec.tolerations ?? []).filter(
    (toleration) => !added.some(({ key, effect }) => key === toleration.key && effect === toleration.effect),
  );
  return { ...pod, spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: [...own, ...added] } };
}

/** The node that a daemon's pod is on or meant for. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms)
    for (const { key, values } of matchFields) if (key === "metadata.name" && values?.length === 1) return values[0];
  return undefined;
}

/** `pod` is the template's pod, not yet made for any node. */
export function nodeFit(pod: Pod, node: Stored<Node>): NodeFit {
  const spec = pod.spec!;
  const isMeant = !spec.nodeName || spec.nodeName === node.metadata.name;
  if (!isMeant || !podAllowsNode(pod, { name: node.metadata.name, labels: node.metadata.labels ?? {} }))
    return { shouldRun: false, mayStay: false };
  const tolerations = podForNode(pod, node.metadata.name).spec!.tolerations!;
  const untolerated = (node.spec?.taints ?? []).filter((taint: Taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
  const has = (effect: string) => untolerated.some((taint) => taint.effect === effect);
  return { shouldRun: !has("NoSchedule") && !has("NoExecute"), mayStay: !has("NoExecute") };
}
