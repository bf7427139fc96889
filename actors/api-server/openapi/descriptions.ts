import texts from "./descriptions.json";
import type { Dialect, JsonSchema } from "./schema";

/**
 * What is said of the API's types and fields, by type and field; "" stands for the type itself. Empty in the sources: `bin/describe.cjs` fills the
 * compiled tree, where the package is installed that has the texts.
 */
const known = texts as Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A type's schema with what is said of it and of its fields; of a field without a text of its own, what is said of its type. */
export function described(name: string, schema: JsonSchema, dialect: Dialect, texts = known): JsonSchema {
  const said = texts[name];
  if (!said) return schema;
  const ofType = ({ $ref }: JsonSchema) => ($ref === undefined ? undefined : texts[String($ref).split("/").at(-1)!]?.[""]);
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([field, each]) => [field, withText(each, said[field] || ofType(each), dialect)] as const,
  );
  const whole = withText(schema, said[""], dialect);
  return properties.length === 0 ? whole : { ...whole, properties: Object.fromEntries(properties) };
}

/** In OpenAPI 3.0 nothing may stand beside a reference. */
function withText(schema: JsonSchema, description: string | undefined, dialect: Dialect): JsonSchema {
  if (!description) return schema;
  const { $ref, ...rest } = schema;
  return $ref === undefined || dialect === "v2" ? { description, ...schema } : { description, allOf: [{ $ref }], ...rest };
}
