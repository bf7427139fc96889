import { allDefinitions, type Schema } from "../../../protocol/kinds/registry";
import { described } from "./descriptions";

/**
 * From the registry's schemas to OpenAPI's. The two versions of OpenAPI differ in where definitions live, in whether a $ref may have
 * siblings, and in how a scalar of two types is written; and the registry writes quantities and int-or-strings as formats, which
 * OpenAPI documents of Kubernetes name as definitions of their own.
 */

export type Dialect = "v2" | "v3";

/** A schema as it stands in a document. */
export type JsonSchema = { readonly [keyword: string]: unknown };

const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

const scalars: Readonly<Record<Dialect, ReadonlyMap<string, JsonSchema>>> = {
  v2: new Map<string, JsonSchema>([
    [quantity, { type: "string" }],
    [intOrString, { type: "string", format: "int-or-string" }],
  ]),
  v3: new Map<string, JsonSchema>([
    [quantity, { oneOf: [{ type: "string" }, { type: "number" }] }],
    [intOrString, { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] }],
  ]),
};

const scalarOfFormat: ReadonlyMap<string, string> = new Map([
  ["quantity", quantity],
  ["int-or-string", intOrString],
]);

/** A reference to a definition by its bare name. */
export function reference(name: string, dialect: Dialect): JsonSchema {
  return { $ref: dialect === "v2" ? `#/definitions/${name}` : `#/components/schemas/${name}` };
}

/**
 * The definitions of these names and of all they refer to, sorted by name. Names that the registry does not know are left out; `custom` are
 * those of custom resources, which refer to nothing but metadata.
 */
export function definitionsFrom(
  names: Iterable<string>,
  dialect: Dialect,
  custom: ReadonlyMap<string, JsonSchema> = new Map(),
): Readonly<Record<string, JsonSchema>> {
  const known = allDefinitions();
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name) || !(known.has(name) || scalars[dialect].has(name))) continue;
    found.add(name);
    const schema = known.get(name);
    if (schema !== undefined) collectReferences(schema, open);
  }
  const schemas = new Map(custom);
  for (const name of found)
    schemas.set(name, scalars[dialect].get(name) ?? described(name, toJsonSchema(known.get(name)!, dialect), dialect));
  return Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function collectReferences(schema: Schema, into: string[]): void {
  if (schema.$ref !== undefined) into.push(schema.$ref);
  const scalar = scalarOfFormat.get(schema.format ?? "");
  if (scalar !== undefined) into.push(scalar);
  for (const property of Object.values(schema.properties ?? {})) collectReferences(property, into);
  if (schema.items !== undefined) collectReferences(schema.items, into);
  if (schema.additionalProperties !== undefined) collectReferences(schema.additionalProperties, into);
}

/** One schema of the registry in a dialect of OpenAPI. */
export function toJsonSchema(schema: Schema, dialect: Dialect): JsonSchema {
  const { $ref, type, format, properties, items, additionalProperties, required, ...others } = schema;
  const extensions = Object.entries(others).filter(([keyword, value]) => {
    return keyword.startsWith("x-") || keyword === "default" || (keyword === "enum" && (value as readonly string[]).length > 0);
  });
  const target = $ref ?? scalarOfFormat.get(format ?? "");
  if (target !== undefined) {
    const pointer = reference(target, dialect);
    const rest = Object.fromEntries(extensions);
    if (extensions.length === 0) return pointer;
    return dialect === "v2" ? { ...pointer, ...rest } : { allOf: [pointer], ...rest };
  }
  const each = Object.entries(properties ?? {}).map(([name, value]) => [name, toJsonSchema(value, dialect)] as const);
  return {
    ...(type === undefined ? {} : { type }),
    // Whatever JSON there is. Said with a keyword, because kubectl explain takes an empty schema for a missing one.
    ...(format === "any" ? { "x-kubernetes-preserve-unknown-fields": true } : {}),
    ...(format === undefined || format === "any" ? {} : { format }),
    ...(required === undefined || required.length === 0 ? {} : { required }),
    ...(each.length === 0 ? {} : { properties: Object.fromEntries(each) }),
    ...(items === undefined ? {} : { items: toJsonSchema(items, dialect) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: toJsonSchema(additionalProperties, dialect) }),
    ...Object.fromEntries(extensions),
  };
}
