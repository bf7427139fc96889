import type { JSONSchemaProps } from "../../../protocol/kinds/generated";
import { itemsOf, valuesOf } from "../custom-resources/schema/structural";
import { bool, bytes, type CelType, double, duration, dyn, int, listOf, mapOf, string, timestamp } from "./types";

/** What CEL keeps for itself. */
const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(" "),
);

/** A field under the name that expressions have for it: dots, dashes and slashes are spelled out, and so are CEL's own words. */
export function fieldNameOf(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  if (/^[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*$/.test(name)) return name;
  return name.replaceAll("__", "__underscores__").replaceAll(".", "__dot__").replaceAll("-", "__dash__").replaceAll("/", "__slash__");
}

/** Whether an expression can name a field at all. */
export function isNameable(name: string): boolean {
  return /^[A-Za-z_](?:[A-Za-z0-9_.\-/])*$/.test(name);
}

const metadataType: CelType = {
  kind: "object",
  name: "ObjectMeta",
  fields: new Map([
    ["name", string],
    ["generateName", string],
  ]),
};

/**
 * The type of a schema's values; undefined where expressions can do nothing with them (unknown fields that are kept, values without a type).
 * `isResource` adds apiVersion, kind, metadata.name and metadata.generateName.
 */
export function schemaType(
  schema: JSONSchemaProps,
  isResource = schema["x-kubernetes-embedded-resource"] === true,
  path = "object",
): CelType | undefined {
  if (schema["x-kubernetes-int-or-string"]) return dyn;
  switch (schema.type) {
    case "array": {
      const items = itemsOf(schema);
      const item = items && schemaType(items, undefined, `${path}.@idx`);
      return item && listOf(item);
    }
    case "object": {
      const values = valuesOf(schema);
      if (values && values !== "any") {
        const value = schemaType(values, undefined, `${path}.@elem`);
        return value && mapOf(string, value);
      }
      return objectType(schema, isResource, path);
    }
    case "string":
      return textType(schema.format);
    case "boolean":
      return bool;
    case "integer":
      return int;
    case "number":
      return double;
    default:
      return undefined;
  }
}

function textType(format: string | undefined): CelType {
  switch (format) {
    case "byte":
      return bytes;
    case "duration":
      return duration;
    case "date":
    case "date-time":
      return timestamp;
    default:
      return string;
  }
}

function objectType(schema: JSONSchemaProps, isResource: boolean, path: string): CelType | undefined {
  const keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
  if (!schema.properties && !isResource) return keepsUnknown ? undefined : { kind: "object", name: path, fields: new Map() };
  const fields = new Map<string, CelType>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (!isNameable(name)) continue;
    const type = schemaType(child, undefined, `${path}.${name}`);
    if (type) fields.set(fieldNameOf(name), type);
  }
  if (isResource) {
    fields.set("apiVersion", string);
    fields.set("kind", string);
    fields.set("metadata", metadataType);
  }
  return { kind: "object", name: path, fields };
}
