import { fn, type Overload } from "../function";
import { compilePattern } from "../pattern";
import { type CelMap, type CelValue, Duration, fail, none, OptionalValue, type Timestamp, TypeValue, typeNameOf, Uint } from "../values";
import { checkedDuration, checkedInt, checkedTime, checkedUint } from "./operators";
import { durationText, parseGoDuration, parseTimestamp, timestampText, zoned } from "./time";

/** The functions that every CEL has: sizes, conversions, what strings begin with, parts of times, and optional values. */

const points = (text: string) => [...text].length;
const tenth = (size: number) => 1 + 0.1 * size;

const sizes: readonly Overload[] = [
  ...["", "member"].flatMap((form) => {
    const at = (type: string) => (form === "" ? `size(${type}): int` : `${type}.size(): int`);
    return [
      fn(at("string"), (text: string) => BigInt(points(text)), tenth),
      fn(at("bytes"), (bytes: Uint8Array) => BigInt(bytes.length)),
      fn(at("list<T>"), (list: readonly CelValue[]) => BigInt(list.length)),
      fn(at("map<K, V>"), (map: CelMap) => BigInt(map.size)),
    ];
  }),
];

function intOf(value: number): bigint {
  return Number.isFinite(value) && value > -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : fail("integer overflow");
}

function uintOf(value: number): Uint {
  return Number.isFinite(value) && value >= 0 && value < 2 ** 64 ? new Uint(BigInt(Math.trunc(value))) : fail("unsigned integer overflow");
}

function parseWhole(text: string, what: string): bigint {
  return /^[+-]?\d{1,30}$/.test(text) ? BigInt(text.replace(/^\+/, "")) : fail(`type conversion error from 'string' to '${what}'`);
}

/** A double as Go's %g with the least digits writes it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 21) return Object.is(value, -0) ? "-0" : String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

const conversions: readonly Overload[] = [
  fn("dyn(T): dyn", (value: CelValue) => value),
  fn("type(T): type<T>", (value: CelValue) => new TypeValue(typeNameOf(value))),
  fn("bool(bool): bool", (value: boolean) => value),
  fn("bool(string): bool", (text: string) => {
    if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
    return ["0", "f", "F", "false", "FALSE", "False"].includes(text) ? false : fail("type conversion error from 'string' to 'bool'");
  }),
  fn("int(int): int", (value: bigint) => value),
  fn("int(uint): int", ({ value }: Uint) => checkedInt(value)),
  fn("int(double): int", intOf),
  fn("int(string): int", (text: string) => checkedInt(parseWhole(text, "int"))),
  fn("int(timestamp): int", ({ nanos }: Timestamp) => nanos / 1_000_000_000n),
  fn("uint(uint): uint", (value: Uint) => value),
  fn("uint(int): uint", checkedUint),
  fn("uint(double): uint", uintOf),
  fn("uint(string): uint", (text: string) => checkedUint(parseWhole(text, "uint"))),
  fn("double(double): double", (value: number) => value),
  fn("double(int): double", (value: bigint) => Number(value)),
  fn("double(uint): double", ({ value }: Uint) => Number(value)),
  fn("double(string): double", (text: string) => {
    if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
    if (/^nan$/i.test(text)) return Number.NaN;
    return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)
      ? Number(text)
      : fail("type conversion error from 'string' to 'double'");
  }),
  fn("string(string): string", (text: string) => text),
  fn("string(bool): string", (value: boolean) => String(value)),
  fn("string(int): string", (value: bigint) => String(value)),
  fn("string(uint): string", ({ value }: Uint) => String(value)),
  fn("string(double): string", doubleText),
  fn(
    "string(bytes): string",
    (bytes: Uint8Array) => {
      const text = Buffer.from(bytes).toString("utf8");
      return Buffer.compare(Buffer.from(text), bytes) === 0 ? text : fail("invalid UTF-8 in bytes, cannot convert to string");
    },
    tenth,
  ),
  fn("string(timestamp): string", timestampText),
  fn("string(duration): string", durationText),
  fn("bytes(bytes): bytes", (bytes: Uint8Array) => bytes),
  fn("bytes(string): bytes", (text: string) => new Uint8Array(Buffer.from(text)), tenth),
  fn("timestamp(timestamp): timestamp", (time: Timestamp) => time),
  fn("timestamp(int): timestamp", (seconds: bigint) => checkedTime(seconds * 1_000_000_000n)),
  fn(
    "timestamp(string): timestamp",
    (text: string) => parseTimestamp(text) ?? fail("type conversion error from 'string' to 'google.protobuf.Timestamp'"),
  ),
  fn("duration(duration): duration", (span: Duration) => span),
  fn("duration(int): duration", (nanos: bigint) => checkedDuration(nanos)),
  fn(
    "duration(string): duration",
    (text: string) => parseGoDuration(text) ?? fail("type conversion error from 'string' to 'google.protobuf.Duration'"),
  ),
];

const texts: readonly Overload[] = [
  fn(
    "string.contains(string): bool",
    (text: string, part: string) => text.includes(part),
    (a, b) => 1 + 0.1 * a * Math.max(0.1, 0.1 * b),
  ),
  fn(
    "string.startsWith(string): bool",
    (text: string, part: string) => text.startsWith(part),
    (_a, b) => tenth(b),
  ),
  fn(
    "string.endsWith(string): bool",
    (text: string, part: string) => text.endsWith(part),
    (_a, b) => tenth(b),
  ),
  fn("string.matches(string): bool", matches, matchCost),
  fn("matches(string, string): bool", matches, matchCost),
];

function matches(text: string, expression: string): boolean {
  const compiled = compilePattern(expression);
  return compiled.ok ? compiled.pattern.test(text) : fail(compiled.message);
}

/** As in Kubernetes' accounting: the text's length by a quarter of the expression's. */
export function matchCost(text: number, expression: number): number {
  return (1 + text) * 0.1 * Math.max(1, expression * 0.25) + expression;
}

type Part = (time: Date, nanos: bigint) => number;
const dayMs = 86_400_000;
const parts: readonly (readonly [string, Part])[] = [
  ["getFullYear", (time) => time.getUTCFullYear()],
  ["getMonth", (time) => time.getUTCMonth()],
  ["getDate", (time) => time.getUTCDate()],
  ["getDayOfMonth", (time) => time.getUTCDate() - 1],
  ["getDayOfWeek", (time) => time.getUTCDay()],
  ["getDayOfYear", (time) => Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / dayMs)],
  ["getHours", (time) => time.getUTCHours()],
  ["getMinutes", (time) => time.getUTCMinutes()],
  ["getSeconds", (time) => time.getUTCSeconds()],
  ["getMilliseconds", (time) => time.getUTCMilliseconds()],
];

const times: readonly Overload[] = [
  ...parts.flatMap(([name, part]) => [
    fn(`timestamp.${name}(): int`, (time: Timestamp) => BigInt(part(zoned(time, "UTC"), time.nanos))),
    fn(`timestamp.${name}(string): int`, (time: Timestamp, zone: string) => BigInt(part(zoned(time, zone), time.nanos))),
  ]),
  fn("duration.getHours(): int", ({ nanos }: Duration) => nanos / 3_600_000_000_000n),
  fn("duration.getMinutes(): int", ({ nanos }: Duration) => nanos / 60_000_000_000n),
  fn("duration.getSeconds(): int", ({ nanos }: Duration) => nanos / 1_000_000_000n),
  fn("duration.getMilliseconds(): int", ({ nanos }: Duration) => (nanos / 1_000_000n) % 1000n),
];

const optionals: readonly Overload[] = [
  fn("optional.of(T): optional<T>", (value: CelValue) => new OptionalValue(value)),
  fn("optional.ofNonZeroValue(T): optional<T>", (value: CelValue) => (isZero(value) ? none : new OptionalValue(value))),
  fn("optional.none(): optional<T>", () => none),
  fn("optional<T>.hasValue(): bool", ({ value }: OptionalValue) => value !== undefined),
  fn("optional<T>.value(): T", ({ value }: OptionalValue) => value ?? (value === null ? null : fail("optional.none() dereference"))),
  fn("optional<T>.or(optional<T>): optional<T>", (optional: OptionalValue, other: OptionalValue) =>
    optional.value === undefined ? other : optional,
  ),
  fn("optional<T>.orValue(T): T", ({ value }: OptionalValue, other: CelValue) => (value === undefined ? other : value)),
];

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === "" || value === 0n || value === 0) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Map) return value.size === 0;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
}

export const standard: readonly Overload[] = [...sizes, ...conversions, ...texts, ...times, ...optionals];
