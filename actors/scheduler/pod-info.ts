import type { Node, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf } from "../../protocol/kinds/object";
import { quantityValue } from "../../protocol/kinds/quantity";
import type { HostPort, NodeInfo, PodInfo } from "./framework";
import { affinityTerms } from "./pod-affinity";
import { addAmounts, nonZeroRequests, nothing, podRequests, resourceAmounts, subtractAmounts } from "./resource-amounts";

const noLabels: Readonly<Record<string, string>> = {};

/** Works out once what plug-ins ask of a pod. */
export function podInfo(pod: Pod): PodInfo {
  const nonZero = nonZeroRequests(pod);
  return {
    pod,
    key: keyOf(pod),
    uid: pod.metadata?.uid ?? "",
    name: pod.metadata?.name ?? "",
    namespace: pod.metadata?.namespace ?? "",
    labels: pod.metadata?.labels ?? noLabels,
    priority: pod.spec?.priority ?? 0,
    terminating: isBeingDeleted(pod),
    requests: podRequests(pod),
    nonZeroMilliCpu: nonZero.milliCpu,
    nonZeroMemory: nonZero.memory,
    hostPorts: hostPorts(pod),
    ...affinityTerms(pod),
  };
}

function hostPorts(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ port: hostPort, hostIP: hostIP || "0.0.0.0", protocol: protocol ?? "TCP" }] : [],
    ),
  );
}

/** A node without pods; `pods` are added with withPod. */
export function nodeInfo(node: Node, pods: readonly PodInfo[] = []): NodeInfo {
  const allocatable = node.status?.allocatable;
  const images = new Map<string, number>();
  for (const image of node.status?.images ?? []) for (const name of image.names ?? []) images.set(name, image.sizeBytes ?? 0);
  const empty: NodeInfo = {
    node,
    name: node.metadata?.name ?? "",
    labels: node.metadata?.labels ?? noLabels,
    allocatable: resourceAmounts(allocatable),
    allowedPods: allocatable?.pods === undefined ? 0 : quantityValue(allocatable.pods),
    pods: [],
    requested: nothing,
    nonZeroMilliCpu: 0,
    nonZeroMemory: 0,
    images,
    podsWithAffinity: 0,
  };
  return pods.reduce(withPod, empty);
}

const hasAffinity = (pod: PodInfo) =>
  pod.requiredAffinity.length + pod.requiredAntiAffinity.length + pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;

/** The node with one more pod on it. */
export function withPod(node: NodeInfo, pod: PodInfo): NodeInfo {
  return {
    ...node,
    pods: [...node.pods, pod],
    requested: addAmounts(node.requested, pod.requests),
    nonZeroMilliCpu: node.nonZeroMilliCpu + pod.nonZeroMilliCpu,
    nonZeroMemory: node.nonZeroMemory + pod.nonZeroMemory,
    podsWithAffinity: node.podsWithAffinity + (hasAffinity(pod) ? 1 : 0),
  };
}

/** The node without the pod of that uid; itself where there is none. */
export function withoutPod(node: NodeInfo, uid: string): NodeInfo {
  const pod = node.pods.find((candidate) => candidate.uid === uid);
  if (pod === undefined) return node;
  return {
    ...node,
    pods: node.pods.filter((candidate) => candidate !== pod),
    requested: subtractAmounts(node.requested, pod.requests),
    nonZeroMilliCpu: node.nonZeroMilliCpu - pod.nonZeroMilliCpu,
    nonZeroMemory: node.nonZeroMemory - pod.nonZeroMemory,
    podsWithAffinity: node.podsWithAffinity - (hasAffinity(pod) ? 1 : 0),
  };
}
