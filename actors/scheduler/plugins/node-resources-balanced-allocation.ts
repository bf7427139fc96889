import { maxNodeScore, type Plugin } from "../framework";

/** Prefers nodes on which CPU and memory would be used to the same degree. Pods that ask for neither are not judged. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  events: [],
  score(pod, _snapshot, feasible) {
    if (pod.requests.milliCpu === 0 && pod.requests.memory === 0) return undefined;
    return feasible.map((node) => {
      const fractions: number[] = [];
      if (node.allocatable.milliCpu > 0)
        fractions.push(Math.min(1, (node.requested.milliCpu + pod.requests.milliCpu) / node.allocatable.milliCpu));
      if (node.allocatable.memory > 0) fractions.push(Math.min(1, (node.requested.memory + pod.requests.memory) / node.allocatable.memory));
      const [cpu, memory] = fractions;
      // Of two numbers the standard deviation is half their distance.
      const deviation = cpu === undefined || memory === undefined ? 0 : Math.abs(cpu - memory) / 2;
      return Math.floor((1 - deviation) * maxNodeScore);
    });
  },
};
