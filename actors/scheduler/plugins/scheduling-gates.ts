import type { Plugin } from "../framework";

/** Keeps a pod out of the queue while it carries gates. Source: "Pod Scheduling Readiness". */
export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  weight: 0,
  events: ["PodUpdate"],
  preEnqueue(pod) {
    const gates = pod.pod.spec?.schedulingGates ?? [];
    return gates.length === 0 ? undefined : `waiting for scheduling gates: [${gates.map((gate) => gate.name).join(" ")}]`;
  },
};
