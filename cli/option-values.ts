import { InvalidArgumentError } from "commander";
import { parseDurationMs } from "../protocol/kinds/duration";

/** What options of the command line mean; each throws an InvalidArgumentError that says what was expected. */

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("expected a whole number, 0 or more");
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("expected a whole number, 1 or more");
  return value;
}

/** "1..50". */
export function seedRange(text: string): readonly [number, number] {
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || last < first || !Number.isSafeInteger(last))
    throw new InvalidArgumentError(`expected a range such as "1..50"${last < first ? ", the smaller number first" : ""}`);
  return [first, last];
}

/** Milliseconds of "90s". */
export function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('expected a duration such as "90s" or "2m"');
  return ms;
}
