/**
 * The int-or-string scalar: a number, or a percentage of some total ("25%"), as in maxSurge, maxUnavailable and minAvailable.
 * A Service's targetPort is one as well, with a port's name in place of the percentage.
 */

const percentage = /^(\d+)%$/;

export type Rounding = "up" | "down";

/** "25%" as 25; undefined for anything that is no percentage. */
export function percentOf(value: number | string): number | undefined {
  const match = typeof value === "string" ? percentage.exec(value) : null;
  return match ? Number(match[1]) : undefined;
}

/** The number meant: itself, or its share of `total`, rounded as told; undefined when the text is no percentage. */
export function scaledValue(value: number | string, total: number, rounding: Rounding): number | undefined {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  return rounding === "up" ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}

/**
 * How many Pods a rolling update may have beyond, and may lack of, `replicas`: maxSurge is rounded up and maxUnavailable down; where both come out as
 * nothing, one may be unavailable, since otherwise nothing could move. A field that is absent counts as "25%".
 */
export function rollingUpdateBounds(
  strategy: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string } | undefined,
  replicas: number,
): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const maxSurge = scaledValue(strategy?.maxSurge ?? "25%", replicas, "up") ?? 0;
  const maxUnavailable = scaledValue(strategy?.maxUnavailable ?? "25%", replicas, "down") ?? 0;
  return maxSurge === 0 && maxUnavailable === 0 ? { maxSurge, maxUnavailable: 1 } : { maxSurge, maxUnavailable };
}
