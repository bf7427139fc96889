import type { Fault } from "./fault";
import { onPackets, packetParams } from "./network";

export const clog: Fault = {
  name: "clog",
  what: "Holds all packets between the target and the others (a single link with `peers`), and lets them go at once when it ends: nothing is lost, everything is late, datagrams too. A connection that is held longer than its keep-alive breaks.",
  params: packetParams,
  required: [],
  silences: true,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => (d < 0.6 ? {} : { direction: d < 0.8 ? "in" : "out" }) },
  begin: (tank, hosts, params, id) => onPackets(tank, hosts, params, id, { type: "clog" }),
};
