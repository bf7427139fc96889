import { maxNodeScore, type NodeInfo, type Plugin, type PodInfo } from "../framework";
import { isNothing } from "../resource-amounts";

/** What is lacking on a node for one more pod. `unresolvable`: the node would be too small even if it were empty. */
export interface Insufficiency {
  readonly resource: string;
  readonly reason: string;
  readonly requested: number;
  readonly used: number;
  readonly capacity: number;
  readonly unresolvable: boolean;
}

/** Each resource of which the node has not enough left for the pod, in the order in which Kubernetes names them. */
export function insufficientResources(pod: PodInfo, node: NodeInfo): readonly Insufficiency[] {
  const lacking: Insufficiency[] = [];
  if (node.pods.length + 1 > node.allowedPods)
    lacking.push({
      resource: "pods",
      reason: "Too many pods",
      requested: 1,
      used: node.pods.length,
      capacity: node.allowedPods,
      unresolvable: false,
    });
  if (isNothing(pod.requests)) return lacking;
  const judge = (resource: string, requested: number, used: number, capacity: number) => {
    if (requested > 0 && requested > capacity - used)
      lacking.push({ resource, reason: `Insufficient ${resource}`, requested, used, capacity, unresolvable: requested > capacity });
  };
  const { requests } = pod;
  judge("cpu", requests.milliCpu, node.requested.milliCpu, node.allocatable.milliCpu);
  judge("memory", requests.memory, node.requested.memory, node.allocatable.memory);
  judge("ephemeral-storage", requests.ephemeralStorage, node.requested.ephemeralStorage, node.allocatable.ephemeralStorage);
  for (const [name, amount] of requests.extended)
    judge(name, amount, node.requested.extended.get(name) ?? 0, node.allocatable.extended.get(name) ?? 0);
  return lacking;
}

/** The share that is left free, in whole per cent, or 0 when it would be overfull. */
function leastRequested(requested: number, capacity: number): number {
  return capacity === 0 || requested > capacity ? 0 : Math.floor(((capacity - requested) * maxNodeScore) / capacity);
}

/** Requests must fit; of the nodes on which they do, those with more left (LeastAllocated over CPU and memory) come first. */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  events: ["AssignedPodDelete", "AssignedPodScaleDown", "NodeAdd", "NodeAllocatable", "PodUpdate"],
  filter: (pod) => (node) => {
    const lacking = insufficientResources(pod, node);
    if (lacking.length === 0) return undefined;
    return { reasons: lacking.map(({ reason }) => reason), resolvable: !lacking.some((one) => one.unresolvable) };
  },
  score(pod, _snapshot, feasible) {
    return feasible.map((node) => {
      const { milliCpu, memory } = node.allocatable;
      const cpuScore = leastRequested(node.nonZeroMilliCpu + pod.nonZeroMilliCpu, milliCpu);
      const memoryScore = leastRequested(node.nonZeroMemory + pod.nonZeroMemory, memory);
      // What a node does not have at all is not judged.
      const judged = (milliCpu > 0 ? 1 : 0) + (memory > 0 ? 1 : 0);
      return judged === 0 ? 0 : Math.floor((cpuScore + memoryScore) / judged);
    });
  },
};
