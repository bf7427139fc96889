import { definition, type Schema } from "../../../../protocol/kinds/registry";
import { unknownContent } from "../../custom-resources/ownership-schema";
import { isObject } from "../decode";

/**
 * How the values of a schema are owned: whole (scalars and what is atomic), by field, or by entry. Source: the merge strategies of
 * "Server-Side Apply", told by x-kubernetes-list-type, -list-map-keys and -map-type. A list that says nothing is atomic.
 */
export type Structure =
  | { readonly type: "whole" }
  /** `others` is what fields that are not named have, where there may be such. */
  | { readonly type: "struct"; readonly fields: ReadonlyMap<string, Schema>; readonly others?: Schema }
  | { readonly type: "map"; readonly values: Schema }
  | { readonly type: "set" }
  | { readonly type: "keyed"; readonly keys: readonly Key[]; readonly items: Schema };

interface Key {
  readonly name: string;
  /** What a key that is left out means, where the schema says so (a port's protocol is TCP). */
  readonly default: unknown;
}

const whole: Structure = { type: "whole" };

/** Filled as schemas are met; a function of the schema and definitions.json alone. */
const structures = new WeakMap<Schema, Structure>();

/** The structure of a schema for a value: what nothing is said about is owned by field where it is an object, and as a whole otherwise. */
export function structureFor(schema: Schema, value: unknown): Structure {
  return schema === unknownContent && !isObject(value) ? whole : structureOf(schema);
}

/** The schema of a field of a structure or map; undefined where there can be no such field. */
export function fieldSchema(structure: Structure & { type: "struct" | "map" }, name: string): Schema | undefined {
  return structure.type === "map" ? structure.values : (structure.fields.get(name) ?? structure.others);
}

export function structureOf(schema: Schema): Structure {
  const known = structures.get(schema);
  if (known) return known;
  const structure = determine(schema);
  structures.set(schema, structure);
  return structure;
}

function determine(schema: Schema): Structure {
  const type = schema.$ref ? definition(schema.$ref) : schema;
  if (!type || schema["x-kubernetes-map-type"] === "atomic" || type["x-kubernetes-map-type"] === "atomic") return whole;
  const others = type["x-kubernetes-preserve-unknown-fields"] ? unknownContent : undefined;
  if (type.properties) return { type: "struct", fields: new Map(Object.entries(type.properties)), ...(others ? { others } : {}) };
  if (others) return { type: "map", values: others };
  if (type.additionalProperties) return { type: "map", values: type.additionalProperties };
  if (!type.items) return whole;
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return { type: "set" };
    case "map":
      return { type: "keyed", keys: keysOf(schema), items: type.items };
    default:
      return whole;
  }
}

function keysOf(schema: Schema): readonly Key[] {
  const item = schema.items?.$ref ? definition(schema.items.$ref) : schema.items;
  return [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort().map((name) => ({ name, default: item?.properties?.[name]?.default }));
}

/** An entry of a keyed list lacks a key, or two entries have the same: the list cannot be owned by entry. */
export class StructureError extends Error {}

/** The path element of each entry of a list, in the list's order. */
export function elementsOf(structure: Structure & { type: "set" | "keyed" }, list: readonly unknown[]): readonly string[] {
  return list.map((item, index) => (structure.type === "set" ? `v:${JSON.stringify(item)}` : keyedElement(structure.keys, item, index)));
}

function keyedElement(keys: readonly Key[], item: unknown, index: number): string {
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    const value = (isObject(item) ? item[key.name] : undefined) ?? key.default;
    if (value !== undefined) found[key.name] = value;
  }
  if (Object.keys(found).length === 0)
    throw new StructureError(
      `element ${index}: associative list with keys has an element that omits key field ${JSON.stringify(keys[0]?.name ?? "")} (and doesn't have default value)`,
    );
  return `k:${JSON.stringify(found)}`;
}
