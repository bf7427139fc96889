import { maxNodeScore, type Plugin } from "../framework";

/** Prefers nodes on which CPU and memory would be used to the same degree. Pods that ask for neither are not judged. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  events: [],
  score(pod, _snapshot, feasible) {
    if (pod.requests.milliCpu === 0 && pod.requests.memory === 0) return undefined;
    return feasible.map(({ allocatable, requested }) => {
      // Of two numbers the standard deviation is half their distance; of one it is nothing.
      if (allocatable.milliCpu === 0 || allocatable.memory === 0) return maxNodeScore;
      const cpu = Math.min(1, (requested.milliCpu + pod.requests.milliCpu) / allocatable.milliCpu);
      const memory = Math.min(1, (requested.memory + pod.requests.memory) / allocatable.memory);
      return Math.floor((1 - Math.abs(cpu - memory) / 2) * maxNodeScore);
    });
  },
};
