/** A 64-bit number as protobufjs reads it. */
export type Int64 = number | { readonly low: number; readonly high: number; toNumber(): number };

/** As a number; what lies beyond those that JavaScript counts exactly becomes the outermost of them, which compares like it. */
export function clamped(value: Int64): number {
  const number = typeof value === "number" ? value : value.toNumber();
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}

/** As a number, or undefined where JavaScript cannot count that far exactly. */
export function exact(value: Int64): number | undefined {
  const number = typeof value === "number" ? value : value.toNumber();
  return Number.isSafeInteger(number) ? number : undefined;
}
