import type { JsonSchema } from "../schema";
import type { Fault } from "./fault";
import { onPackets, packetParams } from "./network";

const bytes = (description: string): JsonSchema => ({ type: "integer", minimum: 1, description });

export const bandwidth: Fault = {
  name: "bandwidth",
  what: "Lets only `bytesPerSecond` pass between the target and each other host, in each direction. Packets queue; a datagram that finds more than `queueBytes` waiting is dropped.",
  params: {
    ...packetParams,
    bytesPerSecond: bytes("how much passes in a second"),
    queueBytes: bytes("how much may wait before datagrams are dropped; 64 KiB where not given"),
  },
  required: ["bytesPerSecond"],
  silences: false,
  swarm: {
    roles: ["etcd", "apiserver", "control", "node"],
    params: (d) => ({ bytesPerSecond: Math.round(2_000 * 500 ** d), queueBytes: Math.round(1_000 + d * 63_000) }),
  },
  begin(tank, hosts, params, id) {
    const { bytesPerSecond, queueBytes = 65_536 } = params as { readonly bytesPerSecond: number; readonly queueBytes?: number };
    return onPackets(tank, hosts, params, id, { type: "bandwidth", bytesPerSecond, queueBytes });
  },
};
