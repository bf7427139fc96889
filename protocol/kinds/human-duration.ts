const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/**
 * A length of time as kubectl prints it ("45s", "7m30s", "3h5m", "6d2h", "400d", "3y12d"): at most two units, the second of which
 * falls away as the first grows. Kubernetes' apimachinery calls it HumanDuration. More than a second below zero is "<invalid>":
 * the clocks of two machines disagree.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / secondMs);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * 60) return `${seconds}s`;
  const minutes = Math.trunc(ms / minuteMs);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.trunc(ms / hourMs);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 2 * 24) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 8 * 24) return two(days, "d", hours % 24, "h");
  if (hours < 2 * 365 * 24) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 8 * 365 * 24) return two(years, "y", days % 365, "d");
  return `${years}y`;
}

/** How long ago a Kubernetes timestamp (RFC 3339) was; "<unknown>" where there is none or it does not parse. */
export function humanAge(timestamp: string | undefined, nowMs: number): string {
  const at = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(at) ? "<unknown>" : humanDuration(nowMs - at);
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
}
