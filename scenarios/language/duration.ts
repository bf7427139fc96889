import { parseDurationMs } from "../../protocol/kinds/duration";

/** Whole microseconds of a duration that the schema has approved. */
export function microseconds(duration: unknown): number {
  return Math.round((parseDurationMs(String(duration)) ?? 0) * 1000);
}
