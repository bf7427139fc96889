/**
 * Distributions of delays in nothing but additions, multiplications and divisions, which give the same on every machine; the standard library's
 * logarithms and powers need not.
 */

export type Distribution = "uniform" | "exponential" | "slow-tail";

/**
 * A whole number from `min` to `max`. "uniform": each as likely. "exponential": most near `min`, a quarter of the way on average. "slow-tail" (Pareto, shape
 * 1): half within twice `min`, one in a hundred beyond a hundred times `min`, up to `max`. `draw` is in [0, 1).
 */
export function drawn(distribution: Distribution, min: number, max: number, draw: number): number {
  switch (distribution) {
    case "uniform":
      return min + Math.floor(draw * (max - min));
    case "exponential":
      return Math.min(max, min + Math.floor((-naturalLogarithm(1 - draw) * (max - min)) / 4));
    case "slow-tail":
      return Math.min(max, Math.floor(Math.max(min, 1) / (1 - draw)));
  }
}

/** Of a number in (0, 1]: halves are counted off, and the rest is the series of the inverse hyperbolic tangent. */
export function naturalLogarithm(x: number): number {
  let mantissa = x;
  let halvings = 0;
  while (mantissa < 0.5) {
    mantissa *= 2;
    halvings++;
  }
  const z = (mantissa - 1) / (mantissa + 1);
  let power = z;
  let sum = 0;
  for (let n = 1; n < 40; n += 2) {
    sum += power / n;
    power *= z * z;
  }
  return 2 * sum - halvings * Math.LN2;
}
