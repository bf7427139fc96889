import { timeZone } from "../../../../protocol/kinds/time-zone";
import { isDateTime } from "../../custom-resources/schema/formats";
import { Duration, fail, Timestamp } from "../values";

/** Times and spans as Go reads and writes them. */

const second = 1_000_000_000n;
const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", second],
  ["m", 60n * second],
  ["h", 3600n * second],
]);

/** "1h30m", "-1.5s", "0"; undefined for what Go would not read. */
export function parseGoDuration(text: string): Duration | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let nanos = 0n;
  for (const [, number = "", unit = ""] of match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [whole = "", fraction = ""] = number.split(".");
    const size = units.get(unit)!;
    nanos +=
      BigInt(whole || "0") * size +
      (fraction === "" ? 0n : (BigInt(fraction.slice(0, 18)) * size) / 10n ** BigInt(Math.min(18, fraction.length)));
  }
  if (nanos >= 2n ** 63n) return undefined;
  return new Duration(match[1] === "-" ? -nanos : nanos);
}

/** A span in seconds, "90s", "1.5s": how CEL writes it. */
export function durationText({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / second}${fraction === "" ? "" : `.${fraction}`}s`;
}

/** RFC 3339 with up to nine decimals; undefined for anything else. */
export function parseTimestamp(text: string): Timestamp | undefined {
  if (!isDateTime(text)) return undefined;
  const match = /^(.{19})(?:\.(\d+))?(.*)$/.exec(text)!;
  const ms = Date.parse(`${match[1]}${match[3]}`.toUpperCase());
  if (Number.isNaN(ms)) return undefined;
  const nanos = BigInt((match[2] ?? "0").slice(0, 9).padEnd(9, "0"));
  return new Timestamp(BigInt(ms) * 1_000_000n + nanos);
}

export function timestampText({ nanos }: Timestamp): string {
  const whole = nanos - floorMod(nanos, second);
  const fraction = String(nanos - whole)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${new Date(Number(whole / 1_000_000n)).toISOString().slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}Z`;
}

function floorMod(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}

/** The time as a clock in the zone shows it, as if that were UTC. Zones are names of the IANA database ("Asia/Tokyo") and offsets ("+05:30"). */
export function zoned({ nanos }: Timestamp, zone: string): Date {
  const ms = Number((nanos - floorMod(nanos, 1_000_000n)) / 1_000_000n);
  if (zone === "" || zone === "UTC" || zone === "Z") return new Date(ms);
  const match = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (!match) {
    const place = timeZone(zone);
    return place ? new Date(ms + place.offsetMs(ms)) : fail(`unknown time zone ${zone}`);
  }
  const offset = (Number(match[2]) * 60 + Number(match[3])) * 60_000;
  return new Date(match[1] === "-" ? ms - offset : ms + offset);
}
