import { fn, type Overload } from "../function";
import { type CelMap, type CelValue, compare, Duration, equal, fail, find, Timestamp, Uint, UnorderedList } from "../values";

/** Operators. Whole numbers have 64 bits and do not wrap around: what does not fit is a fault. */

const intMin = -(2n ** 63n);
const intMax = 2n ** 63n - 1n;
const uintMax = 2n ** 64n - 1n;
const timestampMin = -62135596800n * 1_000_000_000n;
const timestampMax = 253402300799n * 1_000_000_000n + 999_999_999n;

export function checkedInt(value: bigint): bigint {
  return value < intMin || value > intMax ? fail("integer overflow") : value;
}
export function checkedUint(value: bigint): Uint {
  return value < 0n || value > uintMax ? fail("unsigned integer overflow") : new Uint(value);
}
export function checkedTime(nanos: bigint): Timestamp {
  return nanos < timestampMin || nanos > timestampMax ? fail("timestamp overflow") : new Timestamp(nanos);
}
export function checkedDuration(nanos: bigint): Duration {
  return nanos < intMin || nanos > intMax ? fail("duration overflow") : new Duration(nanos);
}

const nonzero = (value: bigint, what: string): bigint => (value === 0n ? fail(what) : value);
/** A tenth for each character that is looked at, as in Kubernetes' accounting. */
const traversal = (...sizes: readonly number[]) => 1 + 0.1 * Math.min(...sizes);
const both = (a: number, b: number) => 1 + 0.1 * (a + b);

const arithmetic: readonly Overload[] = [
  fn("_+_(int, int): int", (a: bigint, b: bigint) => checkedInt(a + b)),
  fn("_-_(int, int): int", (a: bigint, b: bigint) => checkedInt(a - b)),
  fn("_*_(int, int): int", (a: bigint, b: bigint) => checkedInt(a * b)),
  fn("_/_(int, int): int", (a: bigint, b: bigint) => checkedInt(a / nonzero(b, "division by zero"))),
  fn("_%_(int, int): int", (a: bigint, b: bigint) => a % nonzero(b, "modulus by zero")),
  fn("-_(int): int", (a: bigint) => checkedInt(-a)),
  fn("_+_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value + b.value)),
  fn("_-_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value - b.value)),
  fn("_*_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value * b.value)),
  fn("_/_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value / nonzero(b.value, "division by zero"))),
  fn("_%_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value % nonzero(b.value, "modulus by zero"))),
  fn("_+_(double, double): double", (a: number, b: number) => a + b),
  fn("_-_(double, double): double", (a: number, b: number) => a - b),
  fn("_*_(double, double): double", (a: number, b: number) => a * b),
  fn("_/_(double, double): double", (a: number, b: number) => a / b),
  fn("-_(double): double", (a: number) => -a),
  fn("_+_(string, string): string", (a: string, b: string) => a + b, both),
  fn("_+_(bytes, bytes): bytes", (a: Uint8Array, b: Uint8Array) => new Uint8Array(Buffer.concat([a, b])), both),
  // What a fold puts together costs by what is added, not by what is there.
  fn("_+_(list<T>, list<T>): list<T>", joined, (_a, b) => 1 + b),
  fn("_+_(timestamp, duration): timestamp", (a: Timestamp, b: Duration) => checkedTime(a.nanos + b.nanos)),
  fn("_+_(duration, timestamp): timestamp", (a: Duration, b: Timestamp) => checkedTime(a.nanos + b.nanos)),
  fn("_+_(duration, duration): duration", (a: Duration, b: Duration) => checkedDuration(a.nanos + b.nanos)),
  fn("_-_(timestamp, timestamp): duration", (a: Timestamp, b: Timestamp) => checkedDuration(a.nanos - b.nanos)),
  fn("_-_(timestamp, duration): timestamp", (a: Timestamp, b: Duration) => checkedTime(a.nanos - b.nanos)),
  fn("_-_(duration, duration): duration", (a: Duration, b: Duration) => checkedDuration(a.nanos - b.nanos)),
];

/** A set gets no second item of a value; an entry of a keyed list replaces the one with its keys. */
function joined(a: readonly CelValue[], b: readonly CelValue[]): CelValue {
  if (!(a instanceof UnorderedList)) return [...a, ...b];
  const { keyFields } = a;
  const isSame = keyFields
    ? (x: CelValue, y: CelValue) => keyFields.every((field) => equalFields(x as CelMap, y as CelMap, field))
    : (x: CelValue, y: CelValue) => equal(x, y);
  const items = a.map((item) => b.find((other) => isSame(item, other)) ?? item);
  const added = b.filter((other) => !a.some((item) => isSame(item, other)));
  return UnorderedList.make([...items, ...added], keyFields);
}

function equalFields(a: CelMap, b: CelMap, field: string): boolean {
  const [x, y] = [a.get(field), b.get(field)];
  return x === undefined || y === undefined ? x === y : equal(x, y);
}

const logic: readonly Overload[] = [
  fn("!_(bool): bool", (a: boolean) => !a),
  fn("_&&_(bool, bool): bool", (a: boolean, b: boolean) => a && b),
  fn("_||_(bool, bool): bool", (a: boolean, b: boolean) => a || b),
  fn("_?_:_(bool, T, T): T", (condition: boolean, a: CelValue, b: CelValue) => (condition ? a : b)),
  fn("@not_strictly_false(bool): bool", (a: boolean) => a),
  fn("_==_(T, T): bool", equal, traversal),
  fn("_!=_(T, T): bool", (a: CelValue, b: CelValue) => !equal(a, b), traversal),
  fn(
    "@in(T, list<T>): bool",
    (value: CelValue, list: readonly CelValue[]) => list.some((item) => equal(item, value)),
    (_value, list) => 1 + list,
  ),
  fn("@in(K, map<K, V>): bool", (key: CelValue, map: CelMap) => find(map, key) !== undefined),
  fn("_[_](list<T>, int): T", (list: readonly CelValue[], index: bigint) => list[Number(index)]!),
  fn("_[_](map<K, V>, K): V", (map: CelMap, key: CelValue) => find(map, key)!),
  fn("@map_insert(map<K, V>, K, V): map<K, V>", inserted),
  fn(
    "@map_insert(map<K, V>, map<K, V>): map<K, V>",
    (map: CelMap, more: CelMap) => [...more].reduce((all, [key, value]) => inserted(all, key, value), map),
    (_a, b) => 1 + b,
  ),
];

function inserted(map: CelMap, key: CelValue, value: CelValue): CelMap {
  if (find(map, key) !== undefined) fail(`insert failed: key ${String(key)} already exists`);
  return new Map(map).set(key, value);
}

const ordered = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
const numbers = ["int", "uint", "double"];
const pairs = [
  ...ordered.map((type) => [type, type] as const),
  ...numbers.flatMap((a) => numbers.filter((b) => a !== b).map((b) => [a, b] as const)),
];
const comparisons = pairs.flatMap(([a, b]) => [
  fn(`_<_(${a}, ${b}): bool`, (x: CelValue, y: CelValue) => (compare(x, y) ?? 1) < 0, traversal),
  fn(`_<=_(${a}, ${b}): bool`, (x: CelValue, y: CelValue) => (compare(x, y) ?? 1) <= 0, traversal),
  fn(`_>_(${a}, ${b}): bool`, (x: CelValue, y: CelValue) => (compare(x, y) ?? -1) > 0, traversal),
  fn(`_>=_(${a}, ${b}): bool`, (x: CelValue, y: CelValue) => (compare(x, y) ?? -1) >= 0, traversal),
]);

export const operators: readonly Overload[] = [...arithmetic, ...logic, ...comparisons];
