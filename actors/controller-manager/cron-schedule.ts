import { parseDurationMs } from "../../protocol/kinds/duration";
import { type TimeZone, utc, utcTimes } from "../../protocol/kinds/time-zone";

/** When something is to be done: cron's five fields (minute, hour, day of month, month, day of week), or "@every 90m". Source: "CronJob" in the documentation, schedule syntax. */
export type CronSchedule = CronFields | { readonly everyMs: number };

export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Where both day fields are restricted a day that meets either is meant, else one that meets both. */
  readonly eitherDay: boolean;
}

export type ParsedSchedule = { readonly ok: true; readonly schedule: CronSchedule } | { readonly ok: false; readonly reason: string };

const macros: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);
const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A schedule may name a day that comes once in eight years (29 February around 2100). */
const searchDaysMax = 366 * 9;

/** Parses a schedule; the reason says which field is wrong. */
export function parseCron(text: string): ParsedSchedule {
  const [, every] = /^@every (\S+)$/.exec(text.trim()) ?? [];
  if (every !== undefined) {
    const everyMs = parseDurationMs(every);
    if (everyMs === undefined || everyMs < 0) return { ok: false, reason: `@every ${every}: expected a duration such as 90m` };
    return { ok: true, schedule: { everyMs: Math.max(1000, Math.floor(everyMs / 1000) * 1000) } };
  }
  const fields = (macros.get(text.trim()) ?? text).trim().split(/\s+/);
  if (fields.length !== 5)
    return { ok: false, reason: `expected 5 fields (minute, hour, day of month, month, day of week), found ${fields.length}` };
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  try {
    const weekdays = new Set([...fieldOf("day of week", weekday, 0, 7, dayNames, 0)].map((each) => each % 7));
    const isFree = (field: string) => /^[*?](\/\d+)?$/.test(field);
    return {
      ok: true,
      schedule: {
        minutes: [...fieldOf("minute", minute, 0, 59)].sort((a, b) => a - b),
        hours: [...fieldOf("hour", hour, 0, 23)].sort((a, b) => a - b),
        days: fieldOf("day of month", day, 1, 31),
        months: fieldOf("month", month, 1, 12, monthNames, 1),
        weekdays,
        eitherDay: !isFree(day) && !isFree(weekday),
      },
    };
  } catch (error) {
    if (error instanceof FieldError) return { ok: false, reason: error.message };
    throw error;
  }
}

class FieldError extends Error {}

function fieldOf(
  name: string,
  text: string,
  least: number,
  most: number,
  names: readonly string[] = [],
  firstName = 0,
): ReadonlySet<number> {
  const values = new Set<number>();
  const fail = () => new FieldError(`${name} ${JSON.stringify(text)}: expected numbers from ${least} to ${most}, ranges and steps`);
  const numberOf = (word: string): number => {
    const at = names.indexOf(word.toLowerCase());
    if (at >= 0) return firstName + at;
    if (!/^\d+$/.test(word)) throw fail();
    return Number(word);
  };
  for (const part of text.split(",")) {
    const [range = "", stepText, ...rest] = part.split("/");
    if (rest.length > 0 || (stepText !== undefined && !/^[1-9]\d*$/.test(stepText))) throw fail();
    const step = stepText === undefined ? 1 : Number(stepText);
    const ends = range === "*" || range === "?" ? [least, most] : range.split("-").map(numberOf);
    const [from, to = stepText === undefined ? from : most] = ends as [number, number?];
    if (ends.length > 2 || from < least || to! > most || from > to!) throw fail();
    for (let at = from; at <= to!; at += step) values.add(at);
  }
  return values;
}

function meetsDay({ days, months, weekdays, eitherDay }: CronFields, dayStartMs: number): boolean {
  const date = new Date(dayStartMs);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const byDay = days.has(date.getUTCDate());
  const byWeekday = weekdays.has(date.getUTCDay());
  return eitherDay ? byDay || byWeekday : byDay && byWeekday;
}

/** All times of a local day, which is given by its midnight as if that were UTC. */
function timesOf(schedule: CronFields, dayStartMs: number, zone: TimeZone): readonly number[] {
  if (!meetsDay(schedule, dayStartMs)) return [];
  const local = schedule.hours.flatMap((hour) => schedule.minutes.map((minute) => dayStartMs + (hour * 60 + minute) * minuteMs));
  return utcTimes(zone, local);
}

/** Midnight, as if it were UTC, of the day that it is at a place. */
const localDay = (zone: TimeZone, ms: number) => Math.floor((ms + zone.offsetMs(ms)) / dayMs) * dayMs;

/** The first time after `ms` (milliseconds since 1970); undefined for a day that never comes, such as 30 February. */
export function nextTime(schedule: CronSchedule, ms: number, zone: TimeZone = utc): number | undefined {
  if ("everyMs" in schedule) return Math.floor(ms / 1000) * 1000 + schedule.everyMs;
  const from = Math.floor(ms / minuteMs) * minuteMs + minuteMs;
  let day = localDay(zone, from);
  for (let searched = 0; searched < searchDaysMax; searched++, day += dayMs) {
    const found = timesOf(schedule, day, zone).find((at) => at >= from);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last time at or before `ms` that is later than `afterMs`. */
export function lastTime(schedule: CronSchedule, ms: number, afterMs: number, zone: TimeZone = utc): number | undefined {
  if ("everyMs" in schedule) {
    const first = nextTime(schedule, afterMs)!;
    return first > ms ? undefined : first + Math.floor((ms - first) / schedule.everyMs) * schedule.everyMs;
  }
  for (let day = localDay(zone, ms); day > localDay(zone, afterMs) - dayMs; day -= dayMs) {
    const found = timesOf(schedule, day, zone).findLast((at) => at <= ms);
    if (found !== undefined) return found > afterMs ? found : undefined;
  }
  return undefined;
}
