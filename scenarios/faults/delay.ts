import { parseDurationMs } from "../../protocol/kinds/duration";
import { durationSchema } from "../schema";
import type { Fault } from "./fault";
import { onPackets, packetParams } from "./network";

export const delay: Fault = {
  name: "delay",
  what: "Delays the packets to and from the target, each by something between `min` and `max`.",
  params: { ...packetParams, min: durationSchema, max: durationSchema },
  required: ["max"],
  silences: false,
  begin(tank, hosts, params, id) {
    const maxUs = microseconds(params.max);
    const minUs = params.min === undefined ? maxUs : microseconds(params.min);
    return onPackets(tank, hosts, params, id, { type: "delay", minUs: Math.min(minUs, maxUs), maxUs });
  },
};

/** Whole microseconds of a duration that the schema has approved. */
export function microseconds(duration: unknown): number {
  return Math.round((parseDurationMs(String(duration)) ?? 0) * 1000);
}
