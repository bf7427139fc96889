import { refusedFrames } from "../../runtime/versions";
import { percentSchema } from "../schema";
import { count, type Fault, listed } from "./fault";
import { onPackets, packetParams, probabilityOf } from "./network";

export const corrupt: Fault = {
  name: "corrupt",
  what: "Turns a bit of a share of the packets to and from the target. Their checksums give them away: a datagram is lost, and a connection breaks, as TLS would have it.",
  params: { ...packetParams, rate: percentSchema },
  required: ["rate"],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => ({ rate: `${(0.1 + d * d * 20).toFixed(1)}%` }) },
  begin(tank, hosts, params, id) {
    const before = tank.packetsHitBy(refusedFrames);
    const packets = onPackets(tank, hosts, params, id, { type: "corrupt", probability: probabilityOf(params.rate) });
    return {
      end: () => listed(packets.end(), count(tank.packetsHitBy(refusedFrames) - before, "frame", "refused")),
    };
  },
};
