/** The clock of a place: how far it is ahead of UTC at a time. */
export interface TimeZone {
  /** Milliseconds to add to UTC for the local time. */
  offsetMs(utcMs: number): number;
}

const dayMs = 86_400_000;

export const utc: TimeZone = { offsetMs: () => 0 };

const zones = new Map<string, TimeZone | undefined>();

/** A zone of the IANA database by its name ("Europe/Berlin"); undefined for a name that it does not have. Offsets ("+01:00") are no names. */
export function timeZone(name: string): TimeZone | undefined {
  if (!zones.has(name)) zones.set(name, name === "UTC" || name === "Etc/UTC" ? utc : zoneOf(name));
  return zones.get(name);
}

function zoneOf(name: string): TimeZone | undefined {
  if (!/^[A-Za-z][\w+\-/]*$/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    const numeric = "numeric";
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: name, hourCycle: "h23", era: "short", year: numeric, month: numeric, day: numeric },
      ...{ hour: numeric, minute: numeric, second: numeric },
    });
  } catch {
    return undefined;
  }
  return {
    offsetMs(utcMs) {
      const parts = new Map(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
      const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
      const localMs = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
      return localMs - Math.floor(utcMs / 1000) * 1000;
    },
  };
}

/**
 * The times, in UTC, at which a place's clock shows each of `localMs` (all of one local day), sorted: none where the clock jumps over it, two where it is
 * put back.
 */
export function utcTimes(zone: TimeZone, localMs: readonly number[]): readonly number[] {
  const [first] = localMs;
  if (first === undefined) return [];
  const before = zone.offsetMs(first - dayMs);
  const after = zone.offsetMs(first + 2 * dayMs);
  if (before === after) return localMs.map((ms) => ms - before);
  const times = localMs.flatMap((ms) => [before, after].map((offset) => ({ at: ms - offset, offset })));
  return times
    .filter(({ at, offset }) => zone.offsetMs(at) === offset)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
}

/** A time as the place writes it: "2026-03-29T03:30:00+02:00", with "Z" where its clock shows UTC. */
export function localTimestamp(zone: TimeZone, utcMs: number): string {
  const offset = zone.offsetMs(utcMs);
  const text = new Date(utcMs + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${text}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
