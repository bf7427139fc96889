import type { Fault } from "./fault";
import { onPackets, packetParams } from "./network";

export const isolate: Fault = {
  name: "isolate",
  what: "Cuts the target off from all other hosts, or from some: nothing passes in the directions given. The targets still reach each other.",
  params: packetParams,
  required: [],
  silences: true,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => (d < 0.6 ? {} : { direction: d < 0.8 ? "in" : "out" }) },
  begin: (tank, hosts, params, id) => onPackets(tank, hosts, params, id, { type: "block" }),
};
