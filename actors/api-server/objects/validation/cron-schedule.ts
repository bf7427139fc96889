import { timeZone } from "../../../../protocol/kinds/time-zone";

/**
 * The syntax of a CronJob's schedule: five fields, or a name such as "@hourly" or "@every 5m". Only well-formedness is judged here.
 * Source: the CronJob documentation.
 */

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { name: "day of week", least: 0, most: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];
const named: ReadonlySet<string> = new Set(["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]);

/** What is wrong with the schedule, or undefined. */
export function wrongWithSchedule(schedule: string): string | undefined {
  const text = schedule.replace(/^(CRON_)?TZ=\S+\s+/, "").trim();
  if (text.startsWith("@")) {
    if (named.has(text) || /^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
    return `unrecognized descriptor: ${text}`;
  }
  const given = text.split(/\s+/);
  if (given.length !== fields.length) return `expected exactly 5 fields, found ${text === "" ? 0 : given.length}: [${given.join(" ")}]`;
  for (const [index, field] of fields.entries()) {
    const wrong = wrongWithField(given[index]!, field);
    if (wrong) return wrong;
  }
  return undefined;
}

function wrongWithField(text: string, field: Field): string | undefined {
  for (const part of text.split(",")) {
    const match = /^(\*|\?|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d+))?$/i.exec(part);
    if (!match) return `failed to parse ${field.name} ${JSON.stringify(part)}`;
    const [, from = "", to, step] = match;
    if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${part}`;
    if (from === "*" || from === "?") {
      if (to !== undefined) return `failed to parse ${field.name} ${JSON.stringify(part)}`;
      continue;
    }
    const first = numberOf(from, field);
    const last = to === undefined ? first : numberOf(to, field);
    if (first === undefined || last === undefined) return `failed to parse int from ${first === undefined ? from : to}`;
    if (first < field.least) return `beginning of range (${first}) below minimum (${field.least}): ${part}`;
    if (last > field.most) return `end of range (${last}) above maximum (${field.most}): ${part}`;
    if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${part}`;
  }
  return undefined;
}

function numberOf(text: string, field: Field): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const place = field.names?.indexOf(text.toLowerCase()) ?? -1;
  return place < 0 ? undefined : place + field.least;
}

/** What is wrong with the name of a time zone: it must be one of the IANA's. */
export function wrongWithTimeZone(name: string): readonly string[] {
  if (name === "") return ["timeZone must be nil or non-empty string"];
  if (name.toLowerCase() === "local") return ["timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"];
  return timeZone(name) ? [] : [`unknown time zone ${name}`];
}
