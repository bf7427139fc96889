import { percentSchema } from "../schema";
import type { Fault } from "./fault";
import { onPackets, packetParams, probabilityOf } from "./network";

export const duplicate: Fault = {
  name: "duplicate",
  what: "Delivers a share of the datagrams to and from the target twice. Connections do not double.",
  params: { ...packetParams, rate: percentSchema },
  required: ["rate"],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ rate: `${Math.round(5 + d * 60)}%` }) },
  begin: (tank, hosts, params, id) => onPackets(tank, hosts, params, id, { type: "duplicate", probability: probabilityOf(params.rate) }),
};
