/**
 * Durations as people write and read them: kubectl's AGE column ("2d5h") and the texts of flags and configuration files ("1h30m", "300ms").
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** How kubectl prints an age: two units at most, the second only while it still says something. Negative beyond a second is "<invalid>". */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / second);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(durationMs / minute);
  if (minutes < 10) return withRest(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(durationMs / hour);
  if (hours < 8) return withRest(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return withRest(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 24 * 365 * 8) return withRest(years, "y", days % 365, "d");
  return `${years}y`;
}

const withRest = (whole: number, unit: string, rest: number, restUnit: string) =>
  rest === 0 ? `${whole}${unit}` : `${whole}${unit}${rest}${restUnit}`;

const unitsMs: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["ms", 1],
  ["s", second],
  ["m", minute],
  ["h", hour],
]);
const durationShape = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;

/** Milliseconds of a duration in Go's notation: "1h30m", "1.5s", "300ms", "-5s", "0"; undefined when it does not parse. */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!durationShape.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) total += Number(amount) * unitsMs.get(unit!)!;
  return text.startsWith("-") ? -total : total;
}

/** A duration in Go's notation, "1h30m0s", "1.5s", "300ms": what API fields of type Duration hold. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return "0s";
  const sign = durationMs < 0 ? "-" : "";
  const ms = Math.abs(durationMs);
  if (ms < second) return `${sign}${ms}ms`;
  const hours = Math.trunc(ms / hour);
  const minutes = Math.trunc((ms % hour) / minute);
  const seconds = (ms % minute) / second;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
