import { parseDurationMs } from "./duration";
import { type TimeZone, utc, utcTimes } from "./time-zone";

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
interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Words for the numbers from `least` on. */
  readonly names?: readonly string[];
}

const cronFields: readonly Field[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { name: "day of week", least: 0, most: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A schedule may name a day that comes once in eight years (29 February around 2100). */
const searchDaysMax = 366 * 9;

/** Parses a schedule; the reason is in the words in which a CronJob is refused. A zone before it ("TZ=UTC") is not part of it. */
export function parseCron(text: string): ParsedSchedule {
  const given = text.trim();
  if (given.startsWith("@every ")) {
    const everyMs = parseDurationMs(given.slice("@every ".length));
    if (everyMs === undefined || everyMs < 0) return { ok: false, reason: `failed to parse duration ${given}` };
    return { ok: true, schedule: { everyMs: Math.max(1000, Math.floor(everyMs / 1000) * 1000) } };
  }
  const written = macros.get(given) ?? given;
  if (written.startsWith("@")) return { ok: false, reason: `unrecognized descriptor: ${given}` };
  const words = written === "" ? [] : written.split(/\s+/);
  if (words.length !== cronFields.length)
    return { ok: false, reason: `expected exactly ${cronFields.length} fields, found ${words.length}: [${words.join(" ")}]` };
  const values: ReadonlySet<number>[] = [];
  for (const [place, field] of cronFields.entries()) {
    const read = valuesOf(words[place]!, field);
    if (typeof read === "string") return { ok: false, reason: read };
    values.push(read);
  }
  const [minutes, hours, days, months, weekdays] = values as [Values, Values, Values, Values, Values];
  const isFree = (word: string | undefined) => /^[*?](\/\d+)?$/.test(word ?? "");
  const eitherDay = !isFree(words[2]) && !isFree(words[4]);
  return { ok: true, schedule: { minutes: inOrder(minutes), hours: inOrder(hours), days, months, weekdays, eitherDay } };
}

type Values = ReadonlySet<number>;
const inOrder = (values: Values) => [...values].sort((a, b) => a - b);

/** What a field admits, or what is wrong with it. */
function valuesOf(text: string, field: Field): Values | string {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|\?|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d+))?$/i.exec(part);
    const [, from = "", to, stepText] = match ?? [];
    const isAny = from === "*" || from === "?";
    if (!match || (isAny && to !== undefined)) return `failed to parse ${field.name} ${JSON.stringify(part)}`;
    const step = Number(stepText ?? 1);
    if (step === 0) return `step of range should be a positive number: ${part}`;
    const first = isAny ? field.least : numberOf(from, field);
    const open = isAny || (to === undefined && stepText !== undefined);
    const last = open ? field.most : numberOf(to ?? from, field);
    if (first === undefined || last === undefined) return `failed to parse int from ${first === undefined ? from : to}`;
    if (first < field.least) return `beginning of range (${first}) below minimum (${field.least}): ${part}`;
    if (last > field.most) return `end of range (${last}) above maximum (${field.most}): ${part}`;
    if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${part}`;
    for (let at = first; at <= last; at += step) values.add(at);
  }
  return values;
}

function numberOf(word: string, { names = [], least }: Field): number | undefined {
  if (/^\d+$/.test(word)) return Number(word);
  const place = names.indexOf(word.toLowerCase());
  return place < 0 ? undefined : place + least;
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
