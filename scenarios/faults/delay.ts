import { parseDurationMs } from "../../protocol/kinds/duration";
import type { Distribution } from "../../runtime/distributions";
import { durationSchema } from "../schema";
import type { Fault } from "./fault";
import { onPackets, packetParams } from "./network";

export const delay: Fault = {
  name: "delay",
  what: "Delays the packets to and from the target, each by something between `min` and `max`: evenly, mostly near `min` (exponential), or twice `min` for half of them and now and then up to `max` (slow-tail).",
  params: {
    ...packetParams,
    min: durationSchema,
    max: durationSchema,
    distribution: { enum: ["uniform", "exponential", "slow-tail"], description: "uniform where not given" },
  },
  required: ["max"],
  silences: false,
  swarm: {
    roles: ["etcd", "apiserver", "control", "node"],
    params: (d) => ({
      min: "1ms",
      max: `${Math.round(10 + d * 490)}ms`,
      distribution: (["uniform", "exponential", "slow-tail"] as const)[Math.floor(d * 300) % 3],
    }),
  },
  begin(tank, hosts, params, id) {
    const maxUs = microseconds(params.max);
    const distribution = (params.distribution ?? "uniform") as Distribution;
    // An even delay of which nothing but `max` is said is always that long.
    const otherwiseUs = distribution === "uniform" ? maxUs : 1000;
    const minUs = params.min === undefined ? otherwiseUs : microseconds(params.min);
    return onPackets(tank, hosts, params, id, { type: "delay", minUs: Math.min(minUs, maxUs), maxUs, distribution });
  },
};

/** Whole microseconds of a duration that the schema has approved. */
export function microseconds(duration: unknown): number {
  return Math.round((parseDurationMs(String(duration)) ?? 0) * 1000);
}
