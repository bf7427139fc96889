import type { JSONSchemaProps } from "../../../protocol/kinds/generated";
import { itemsOf, valuesOf } from "../custom-resources/schema/structural";
import { isObject } from "../objects/decode";
import { parseGoDuration, parseTimestamp } from "./libraries/time";
import { fieldNameOf } from "./schema-type";
import {
  type CelValue,
  Duration,
  fail,
  isList,
  isMap,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  TypeValue,
  Uint,
  UnorderedList,
} from "./values";

/** JSON of which nothing is known: whole numbers are ints, others doubles. */
export function toCel(json: unknown): CelValue {
  if (json === undefined || json === null) return null;
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === "string" || typeof json === "boolean") return json;
  if (Array.isArray(json)) return json.map(toCel);
  return new Map(Object.entries(json as object).map(([name, value]) => [name, toCel(value)]));
}

/**
 * JSON by its schema: numbers, times and bytes get their types, fields the names that expressions have for them, and lists that are sets or keyed
 * compare as such. What does not fit its schema is passed on as what it is.
 */
export function toCelBySchema(
  json: unknown,
  schema: JSONSchemaProps,
  isResource = schema["x-kubernetes-embedded-resource"] === true,
): CelValue {
  if (json === undefined || json === null) return null;
  if (schema["x-kubernetes-int-or-string"]) return toCel(json);
  if (Array.isArray(json)) {
    const items = itemsOf(schema);
    const values = json.map((item) => (items ? toCelBySchema(item, items) : toCel(item)));
    const listType = schema["x-kubernetes-list-type"];
    if (listType !== "set" && listType !== "map") return values;
    return UnorderedList.make(values, listType === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []).map(fieldNameOf) : undefined);
  }
  if (isObject(json)) return mapBySchema(json, schema, isResource);
  if (typeof json === "number") return schema.type === "number" ? json : toCel(json);
  return typeof json === "string" ? textBySchema(json, schema) : toCel(json);
}

function mapBySchema(json: Readonly<Record<string, unknown>>, schema: JSONSchemaProps, isResource: boolean): CelValue {
  const values = valuesOf(schema);
  const map = new Map<CelValue, CelValue>();
  for (const [name, value] of Object.entries(json)) {
    const child = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    // Only the names of declared fields are written otherwise in expressions; keys of maps are what they are.
    const isField = child !== undefined || (isResource && (name === "metadata" || name === "apiVersion" || name === "kind"));
    const inner = child ?? (values === "any" ? undefined : values);
    map.set(isField ? fieldNameOf(name) : name, inner ? toCelBySchema(value, inner) : toCel(value));
  }
  return map;
}

function textBySchema(text: string, { format }: JSONSchemaProps): CelValue {
  switch (format) {
    case "date":
      return parseTimestamp(`${text}T00:00:00Z`) ?? text;
    case "date-time":
      return parseTimestamp(text) ?? text;
    case "duration":
      return parseGoDuration(text) ?? text;
    case "byte":
      return new Uint8Array(Buffer.from(text, "base64"));
    default:
      return text;
  }
}

/** A value as JSON: what mutations make of objects. Throws a CelFault for what JSON has no form for. */
export function fromCel(value: CelValue): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (isList(value)) return value.map(fromCel);
  if (isMap(value))
    return Object.fromEntries(
      [...value].map(([key, entry]) => [typeof key === "string" ? key : fail("object keys must be of type string"), fromCel(entry)]),
    );
  if (
    value instanceof Timestamp ||
    value instanceof Duration ||
    value instanceof TypeValue ||
    value instanceof OptionalValue ||
    value instanceof OpaqueValue
  )
    return fail("the value has no form in JSON");
  return value;
}
