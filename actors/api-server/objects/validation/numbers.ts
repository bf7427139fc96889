import { percentOf } from "../../../../protocol/kinds/int-or-string";
import { compareQuantity, parseQuantity } from "../../../../protocol/kinds/quantity";
import type { Findings } from "./field-error";

/** Checks of single scalars that many kinds share. Each passes when the value is absent. */

export function checkNonNegative(value: number | undefined, at: string, findings: Findings): void {
  if (value !== undefined && value < 0) findings.invalid(at, value, "must be greater than or equal to 0");
}

export function checkPositive(value: number | undefined, at: string, findings: Findings): void {
  if (value !== undefined && value <= 0) findings.invalid(at, value, "must be greater than zero");
}

export function checkRange(value: number | undefined, least: number, most: number, at: string, findings: Findings): void {
  if (value !== undefined && (value < least || value > most))
    findings.invalid(at, value, `must be between ${least} and ${most}, inclusive`);
}

/** A count of Pods, or a percentage of them; percentages of more than the whole only where that makes sense. */
export function checkCountOrPercent(value: number | string | undefined, at: string, findings: Findings, most?: number): void {
  if (value === undefined) return;
  if (typeof value === "number") return checkNonNegative(value, at, findings);
  const percent = percentOf(value);
  if (percent === undefined)
    findings.invalid(
      at,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    );
  else if (most !== undefined && percent > most) findings.invalid(at, value, `must not be greater than ${most}%`);
}

export function checkNonNegativeQuantity(value: string | number | undefined, at: string, findings: Findings): void {
  if (value !== undefined && parseQuantity(value).nanos < 0n) findings.invalid(at, value, "must be greater than or equal to 0");
}

export function checkPositiveQuantity(value: string | number | undefined, at: string, findings: Findings): void {
  if (value !== undefined && parseQuantity(value).nanos <= 0n) findings.invalid(at, value, "must be greater than zero");
}

export function isLess(a: string | number, b: string | number): boolean {
  return compareQuantity(parseQuantity(a), parseQuantity(b)) < 0;
}
