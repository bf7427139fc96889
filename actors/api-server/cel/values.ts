/**
 * The values of CEL. Whole numbers are bigint (int) or Uint, doubles are numbers, maps are Maps; a list of a custom resource that is a set or is
 * keyed compares as such. Values are never changed.
 */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | TypeValue
  | OptionalValue
  | OpaqueValue
  | readonly CelValue[]
  | CelMap;

export type CelMap = ReadonlyMap<CelValue, CelValue>;

/** An unsigned whole number of 64 bits. */
export class Uint {
  constructor(readonly value: bigint) {}
}

/** A moment, in nanoseconds since 1970. */
export class Timestamp {
  constructor(readonly nanos: bigint) {}
}

export class Duration {
  constructor(readonly nanos: bigint) {}
}

/** What type() answers. */
export class TypeValue {
  constructor(readonly name: string) {}
}

export class OptionalValue {
  constructor(readonly value: CelValue | undefined) {}
}

export const none = new OptionalValue(undefined);

/** A value of a library: a URL, a quantity, an address. */
export abstract class OpaqueValue {
  /** The name of its type, "kubernetes.Quantity". */
  abstract readonly typeName: string;
  abstract equals(other: OpaqueValue): boolean;
}

/** An object that an expression has made, `Object.spec{replicas: 3}`: a map that knows its type. */
export class StructValue extends Map<CelValue, CelValue> {
  constructor(
    readonly typeName: string,
    fields: Iterable<readonly [string, CelValue]>,
  ) {
    super(fields);
  }
}

/** A list in which the order means nothing: a set, or entries that are told apart by key fields. */
export class UnorderedList extends Array<CelValue> {
  /** Undefined for a set. */
  keyFields: readonly string[] | undefined;

  static make(items: readonly CelValue[], keyFields: readonly string[] | undefined): UnorderedList {
    const list = new UnorderedList();
    for (const item of items) list.push(item);
    list.keyFields = keyFields;
    return list;
  }

  /** What is made of it by map and filter is a plain list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** Something went wrong while an expression was evaluated. && and || and what is made of them may do without the part that failed. */
export class CelFault extends Error {}

export const fail = (message: string): never => {
  throw new CelFault(message);
};

export function isList(value: CelValue): value is readonly CelValue[] {
  return Array.isArray(value);
}

export function isMap(value: CelValue): value is CelMap {
  return value instanceof Map;
}

/** The name of a value's type as CEL writes it. */
export function typeNameOf(value: CelValue): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
  if (value instanceof Uint) return "uint";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof TypeValue) return "type";
  if (value instanceof OptionalValue) return "optional_type";
  if (value instanceof OpaqueValue || value instanceof StructValue) return value.typeName;
  return isList(value) ? "list" : "map";
}

const isNumeric = (value: CelValue): value is bigint | number | Uint =>
  typeof value === "bigint" || typeof value === "number" || value instanceof Uint;
const plain = (value: bigint | number | Uint): bigint | number => (value instanceof Uint ? value.value : value);

/** Whether two values are equal; numbers of different types are where they mean the same number. */
export function equal(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same number to CEL
  if (isNumeric(a) && isNumeric(b)) return plain(a) == plain(b);
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (isList(a)) return isList(b) && equalLists(a, b);
  if (isMap(a)) return isMap(b) && equalMaps(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OptionalValue)
    return b instanceof OptionalValue && (a.value === undefined || b.value === undefined ? a.value === b.value : equal(a.value, b.value));
  return a instanceof OpaqueValue && b instanceof OpaqueValue && a.typeName === b.typeName && a.equals(b);
}

function equalLists(a: readonly CelValue[], b: readonly CelValue[]): boolean {
  if (a.length !== b.length) return false;
  const unordered = a instanceof UnorderedList ? a : b instanceof UnorderedList ? b : undefined;
  if (!unordered) return a.every((item, index) => equal(item, b[index]!));
  return a.every((item) => b.some((other) => equal(item, other)));
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = find(b, key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** The value under a key; a number is found whatever its type. */
export function find(map: CelMap, key: CelValue): CelValue | undefined {
  const direct = map.get(key);
  if (direct !== undefined || typeof key === "string" || !isNumeric(key)) return direct;
  for (const [other, value] of map) if (equal(other, key)) return value;
  return undefined;
}

/** The order of two values; undefined where they have none. NaN is neither less nor more. */
export function compare(a: CelValue, b: CelValue): number | undefined {
  if (isNumeric(a) && isNumeric(b)) {
    const [x, y] = [plain(a), plain(b)];
    return x < y ? -1 : x > y ? 1 : equal(a, b) ? 0 : undefined;
  }
  if (typeof a === "string" && typeof b === "string") return comparePoints(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  return undefined;
}

/** By code point, as UTF-8's bytes would be compared. */
function comparePoints(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
