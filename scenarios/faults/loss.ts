import { percentSchema } from "../schema";
import type { Fault } from "./fault";
import { onPackets, packetParams, probabilityOf } from "./network";

export const loss: Fault = {
  name: "loss",
  what: "Loses a share of the packets to and from the target. A datagram is gone; on a connection a loss is the delay of its retransmission.",
  params: { ...packetParams, rate: percentSchema },
  required: ["rate"],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "node"], params: (d) => ({ rate: `${Math.round(1 + d * 30)}%` }) },
  begin: (tank, hosts, params, id) => onPackets(tank, hosts, params, id, { type: "loss", probability: probabilityOf(params.rate) }),
};
