import { type CelType, parseType, splitTypes } from "./types";
import { type CelValue, Duration, isList, isMap, OpaqueValue, OptionalValue, Timestamp, TypeValue, typeNameOf, Uint } from "./values";

/** One form of a function: which types it takes, and what it does. Faults are thrown as CelFault. */
export interface Overload {
  readonly name: string;
  /** Whether it is called on its first argument, `text.size()`. */
  readonly member: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  // biome-ignore lint/suspicious/noExplicitAny: the signature says which values it is called with, and matches() has seen to it
  readonly run: (...args: any[]) => CelValue;
  /** What a call costs by the sizes of its arguments; 1 where not given. */
  readonly cost?: Cost;
}

/** The cost of a call from the sizes of its arguments (characters, items, entries; 1 for anything else). */
export type Cost = (...sizes: readonly number[]) => number;

/** The overloads that expressions may use, by name. */
export type FunctionTable = ReadonlyMap<string, readonly Overload[]>;

/**
 * Declares a function by its signature: "size(string): int", or "string.size(): int" for one that is called on its first argument.
 * Throws an Error on a signature that cannot be read: it is part of the program.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in Overload
export function fn(signature: string, run: (...args: any[]) => CelValue, cost?: Cost): Overload {
  const match = /^([^(]+)\(([\s\S]*)\)\s*:\s*([\s\S]+)$/.exec(signature);
  if (!match) throw new Error(`CEL signature: ${signature}`);
  const [, whole = "", args, result] = match;
  const dot = whole.lastIndexOf(".");
  const receiver = dot > 0 && isTypeText(whole.slice(0, dot)) ? whole.slice(0, dot) : undefined;
  const name = receiver === undefined ? whole : whole.slice(dot + 1);
  const types = splitTypes(args!).map(parseType);
  return {
    name,
    member: receiver !== undefined,
    args: receiver === undefined ? types : [parseType(receiver), ...types],
    result: parseType(result!),
    run,
    ...(cost ? { cost } : {}),
  };
}

/** Whether what stands before the last dot is a type; "optional.of" and "sets.contains" are names with a dot in them. */
function isTypeText(text: string): boolean {
  return /^(?:bool|int|uint|double|string|bytes|timestamp|duration|[A-Z])$|^(?:list|map|optional|type)<|^(?:kubernetes|net)\./.test(text);
}

/** Puts libraries together. */
export function functionTable(...libraries: readonly (readonly Overload[])[]): FunctionTable {
  const table = new Map<string, Overload[]>();
  for (const overload of libraries.flat()) {
    const known = table.get(overload.name);
    if (known) known.push(overload);
    else table.set(overload.name, [overload]);
  }
  return table;
}

/** Whether a value is of a type, as far as that shows without looking into lists and maps. */
export function isOfType(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case "dyn":
    case "param":
      return true;
    case "list":
      // An empty list is a list of anything; of others the first item tells.
      return isList(value) && (value.length === 0 || isOfType(value[0]!, type.item));
    case "map":
      return isMap(value);
    case "optional":
      return value instanceof OptionalValue;
    case "type":
      return value instanceof TypeValue;
    case "object":
      return isMap(value) || value === null;
    case "simple":
      return typeNameOf(value) === type.name;
  }
}

/** How much there is of a value, for what a call on it costs. */
export function sizeOf(value: CelValue): number {
  if (typeof value === "string" || isList(value) || value instanceof Uint8Array) return value.length;
  if (isMap(value)) return value.size;
  if (value === null || typeof value !== "object") return 1;
  if (value instanceof Uint || value instanceof Timestamp || value instanceof Duration || value instanceof OpaqueValue) return 1;
  return 1;
}
