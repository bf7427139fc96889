import { durationSchema, percentSchema } from "../schema";
import { microseconds } from "./delay";
import type { Fault } from "./fault";
import { onPackets, packetParams, probabilityOf } from "./network";

export const reorder: Fault = {
  name: "reorder",
  what: "Holds back a share of the datagrams to and from the target for up to `max`, so that later ones overtake them.",
  params: { ...packetParams, rate: percentSchema, max: durationSchema },
  required: ["rate", "max"],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ rate: `${Math.round(5 + d * 60)}%`, max: `${Math.round(20 + d * 480)}ms` }) },
  begin: (tank, hosts, params, id) =>
    onPackets(tank, hosts, params, id, { type: "reorder", probability: probabilityOf(params.rate), maxUs: microseconds(params.max) }),
};
