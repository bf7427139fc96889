import type { JSONSchemaProps } from "../../../protocol/kinds/generated";
import type { Kind } from "../../../protocol/kinds/registry";
import { isObject } from "../objects/decode";
import { type Dialect, type JsonSchema, reference } from "../openapi/schema";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** The definitions that custom resources bring into OpenAPI documents, by name: of each kind its objects and its list. */
export function customDefinitions(kinds: readonly Kind[], dialect: Dialect): ReadonlyMap<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  for (const kind of kinds) {
    if (!kind.custom) continue;
    const { listKind, openApi } = kind.custom;
    const { group, version } = kind;
    const published = dialect === "v2" ? forVersion2(openApi) : (openApi as JsonSchema);
    found.set(kind.definition, { ...asResource(embedded(published, dialect), dialect), ...named(group, version, kind.kind) });
    found.set(`${kind.definition}List`, {
      description: `${listKind} is a list of ${kind.kind}`,
      type: "object",
      required: ["items"],
      properties: {
        apiVersion: { type: "string" },
        items: { description: `List of ${kind.plural}`, type: "array", items: reference(kind.definition, dialect) },
        kind: { type: "string" },
        metadata: target(`${meta}.ListMeta`, dialect),
      },
      ...named(group, version, listKind),
    });
  }
  return found;
}

function named(group: string, version: string, kind: string): JsonSchema {
  return { "x-kubernetes-group-version-kind": [{ group, kind, version }] };
}

/** Version 3 allows nothing beside a $ref, so that it stands in an allOf there, as in the documents of real servers. */
function target(name: string, dialect: Dialect): JsonSchema {
  return dialect === "v2" ? reference(name, dialect) : { allOf: [reference(name, dialect)] };
}

function asResource(schema: JsonSchema, dialect: Dialect): JsonSchema {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const common = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: target(`${meta}.ObjectMeta`, dialect) };
  return { ...schema, type: "object", properties: { ...properties, ...common } };
}

/** The schema with the fields of embedded resources. */
function embedded(schema: JsonSchema, dialect: Dialect): JsonSchema {
  const inner = eachSubschema(schema, (child) => embedded(child, dialect));
  if (schema["x-kubernetes-embedded-resource"] !== true) return inner;
  return asResource(inner, dialect);
}

function eachSubschema(schema: JsonSchema, visit: (child: JsonSchema) => JsonSchema): JsonSchema {
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(isObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, visit(child as JsonSchema)])) }
      : {}),
    ...(isObject(items) ? { items: visit(items as JsonSchema) } : {}),
    ...(isObject(additionalProperties) ? { additionalProperties: visit(additionalProperties as JsonSchema) } : {}),
  };
}

const unknownToVersion2: ReadonlySet<string> = new Set([
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "nullable",
  "default",
  "example",
  "additionalItems",
]);

/**
 * What of a schema Swagger 2.0 can say. Clients check objects against it, so that in doubt it says less: a nullable value may be anything, and
 * where unknown fields are kept the known ones are not described, as older kubectls refuse the others then.
 */
function forVersion2(schema: JSONSchemaProps): JsonSchema {
  const kept = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !unknownToVersion2.has(keyword))) as JsonSchema;
  if (schema.nullable || schema["x-kubernetes-int-or-string"]) {
    const { type, properties, items, additionalProperties, ...rest } = kept;
    return rest;
  }
  if (schema["x-kubernetes-preserve-unknown-fields"]) {
    const { properties, items, additionalProperties, required, ...rest } = kept;
    return rest;
  }
  return eachSubschema(kept, (child) => forVersion2(child as JSONSchemaProps));
}
