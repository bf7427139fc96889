import fc from "fast-check";
import type { JsonObject } from "../../../protocol/kinds/object";
import { apiVersionOf, definition, type Kind, type Schema } from "../../../protocol/kinds/registry";

/** Objects that have the types of their kind, and nothing else to recommend them: fields come and go, texts and numbers are what they are. */
export function anyObject(kind: Kind): fc.Arbitrary<JsonObject> {
  return anyOf({ $ref: kind.definition }, 7).map((object) => ({
    ...(object as JsonObject),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      ...((object as { metadata?: JsonObject }).metadata ?? {}),
      name: "a",
      managedFields: undefined,
      ...(kind.namespaced ? { namespace: "n" } : {}),
    },
  }));
}

const texts = fc.constantFrom("", "a", "b", "/", "1", "Always", "10.0.0.1", "a/b", "25%", "http", "In");

function anyOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref) {
    const type = definition(schema.$ref)!;
    return type.properties ? anyStruct(type, depth) : fc.constant({});
  }
  if (schema.enum) return fc.constantFrom(...schema.enum, "other");
  switch (schema.format) {
    case "quantity":
      return fc.constantFrom("1", "100m", "1Gi", "0", "-1", 2);
    case "int-or-string":
      return fc.constantFrom<number | string>(0, 1, "25%", "http", -1);
    case "date-time":
      return fc.constant("2026-01-01T00:00:00Z");
    case "byte":
      return fc.constantFrom("", "AAAA");
  }
  switch (schema.type) {
    case "array":
      return depth <= 0 ? fc.constant([]) : fc.array(anyOf(schema.items ?? {}, depth - 1), { maxLength: 2 });
    case "object":
      if (!schema.additionalProperties || depth <= 0) return fc.constant({});
      return fc.dictionary(fc.constantFrom("a", "b/c", "cpu", "memory"), anyOf(schema.additionalProperties, depth - 1), { maxKeys: 2 });
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return fc.integer({ min: -1, max: 5 });
    case "string":
      return texts;
    default:
      return fc.constant({});
  }
}

function anyStruct(type: Schema, depth: number): fc.Arbitrary<unknown> {
  if (depth <= 0) return fc.constant({});
  const fields = Object.entries(type.properties!).filter(([field]) => !["apiVersion", "kind", "managedFields", "fieldsV1"].includes(field));
  // Structures of many fields get a handful of them, so that objects stay small enough to be many.
  return fc
    .subarray(fields, { maxLength: Math.min(6, fields.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map(([field, schema]) => [field, anyOf(schema, depth - 1)]))))
    .map((record) => ({ ...record }));
}
