import { type HostPort, type Plugin, resolvable } from "../framework";

const wildcard = "0.0.0.0";

/** Whether two host ports cannot both be had on one node: 0.0.0.0 means every address. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.hostIP === b.hostIP || a.hostIP === wildcard || b.hostIP === wildcard);
}

/** A pod with host ports fits where they are free. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  weight: 0,
  events: ["AssignedPodDelete", "NodeAdd"],
  filter(pod) {
    if (pod.hostPorts.length === 0) return undefined;
    return (node) => {
      const taken = node.pods.some((other) => other.hostPorts.some((used) => pod.hostPorts.some((wanted) => portsConflict(used, wanted))));
      return taken ? resolvable("node(s) didn't have free ports for the requested pod ports") : undefined;
    };
  },
};
