/** How long a container that keeps crashing, or an image that cannot be pulled, is left alone. Times are monotonic milliseconds. */
export interface BackOff {
  readonly delayMs: number;
  /** When it was last tried again. */
  readonly sinceMs: number;
}

export interface BackOffLimits {
  readonly backOffInitialMs: number;
  readonly backOffMaxMs: number;
}

/** Whether so long has passed since the last try that it counts as well again: twice the longest delay. */
function hasExpired(backOff: BackOff, atMs: number, { backOffMaxMs }: BackOffLimits): boolean {
  return atMs - backOff.sinceMs > 2 * backOffMaxMs;
}

/** Until when not to try again something that failed at `failedMs`; `failedMs` itself where it may be tried at once. */
export function backOffUntilMs(backOff: BackOff | undefined, failedMs: number, limits: BackOffLimits): number {
  return backOff === undefined || hasExpired(backOff, failedMs, limits) ? failedMs : failedMs + backOff.delayMs;
}

/** The back-off after one more try at `nowMs`: 10 s, then twice as long each time, up to 300 s by default. */
export function nextBackOff(backOff: BackOff | undefined, nowMs: number, limits: BackOffLimits): BackOff {
  if (backOff === undefined || hasExpired(backOff, nowMs, limits)) return { delayMs: limits.backOffInitialMs, sinceMs: nowMs };
  return { delayMs: Math.min(backOff.delayMs * 2, limits.backOffMaxMs), sinceMs: nowMs };
}
