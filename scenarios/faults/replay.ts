import { durationSchema, percentSchema } from "../schema";
import { microseconds } from "./delay";
import type { Fault } from "./fault";
import { onPackets, packetParams, probabilityOf } from "./network";

export const replay: Fault = {
  name: "replay",
  what: "Delivers a share of the datagrams to and from the target once more, `min` to `max` later, when what they say is old. Connections do not repeat themselves.",
  params: { ...packetParams, rate: percentSchema, min: durationSchema, max: durationSchema },
  required: ["rate"],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ rate: `${Math.round(1 + d * 40)}%`, min: "500ms", max: `${Math.round(2 + d * 18)}s` }) },
  begin(tank, hosts, params, id) {
    const maxUs = microseconds(params.max ?? "10s");
    const minUs = Math.min(microseconds(params.min ?? "1s"), maxUs);
    return onPackets(tank, hosts, params, id, { type: "replay", probability: probabilityOf(params.rate), minUs, maxUs });
  },
};
