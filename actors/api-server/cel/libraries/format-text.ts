import { type CelValue, Duration, fail, isList, isMap, Timestamp, TypeValue, typeNameOf, Uint } from "../values";
import { doubleText } from "./standard";
import { durationText, timestampText } from "./time";

const clause = /%(?:\.(\d+))?([\s\S]?)/g;
const precisionMax = 100;
const textLengthMax = 10_000_000;

/** "%s has %d".format([…]): %s %d %f %e %b %o %x %X %%, as CEL's extension for strings defines them. */
export function formatText(form: string, args: readonly CelValue[]): string {
  let next = 0;
  let length = 0;
  const counted = (text: string): string => {
    length += text.length;
    return length > textLengthMax ? fail("formatted text is too long") : text;
  };
  const take = (): CelValue => {
    if (next >= args.length) fail(`index ${next} out of range`);
    return args[next++]!;
  };
  return form.replace(clause, (whole, precision: string | undefined, verb: string) => {
    if (whole === "%%") return "%";
    const digits = precision === undefined ? 6 : Number(precision);
    if (digits > precisionMax) fail(`precision ${digits} is too large`);
    switch (verb) {
      case "s":
        return counted(textOf(take()));
      case "d":
        return decimal(take());
      case "f":
        return fixed(take(), digits);
      case "e":
        return scientific(take(), digits);
      case "b":
        return binary(take());
      case "o":
        return wholeOf(take(), "o").toString(8);
      case "x":
        return counted(hexadecimal(take()));
      case "X":
        return counted(hexadecimal(take())).toUpperCase();
      default:
        return fail(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    }
  });
}

/** A value as %s writes it. */
export function textOf(value: CelValue): string {
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return doubleText(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof TypeValue) return value.name;
  if (isList(value)) return `[${value.map(textOf).join(", ")}]`;
  if (isMap(value))
    return `{${[...value]
      .map(([key, entry]) => [textOf(key), textOf(entry)] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, entry]) => `${key}: ${entry}`)
      .join(", ")}}`;
  return fail(
    `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  );
}

function wrong(clause: string, wanted: string, value: CelValue): never {
  return fail(`error during formatting: ${clause} clause can only be used on ${wanted}, was given ${typeNameOf(value)}`);
}

function wholeOf(value: CelValue, verb: "o" | "x" | "b"): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Uint) return value.value;
  return wrong(verb === "o" ? "octal" : verb === "x" ? "hex" : "binary", "integers", value);
}

function decimal(value: CelValue): string {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  return typeof value === "number" && !Number.isFinite(value) ? doubleText(value) : wrong("decimal", "integers", value);
}

function fixed(value: CelValue, digits: number): string {
  const number = typeof value === "bigint" ? Number(value) : value instanceof Uint ? Number(value.value) : value;
  if (typeof number !== "number") return wrong("fixed-point", "doubles", value);
  return Number.isFinite(number) ? number.toFixed(digits) : doubleText(number);
}

function scientific(value: CelValue, digits: number): string {
  const number = typeof value === "bigint" ? Number(value) : value instanceof Uint ? Number(value.value) : value;
  if (typeof number !== "number") return wrong("scientific", "doubles", value);
  return Number.isFinite(number) ? number.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2") : doubleText(number);
}

function binary(value: CelValue): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return wholeOf(value, "b").toString(2);
}

function hexadecimal(value: CelValue): string {
  if (typeof value === "string") return Buffer.from(value).toString("hex");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return wholeOf(value, "x").toString(16);
}
