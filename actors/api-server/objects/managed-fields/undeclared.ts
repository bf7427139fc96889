import { definition, type Schema } from "../../../../protocol/kinds/registry";
import { inGo } from "../converting-error";
import { isObject } from "../decode";
import { elementsOf, fieldSchema, StructureError, structureFor } from "./structure";

/**
 * Fields of an applied configuration that its schema does not have, and scalars of another type, in the words of structured-merge-diff:
 * `.spec.containers[name="web"].wombat: field not declared in schema`. Undefined where there are none; other faults of the structure are
 * found when it is applied.
 */
export function wrongWithStructure(document: unknown, schema: Schema): string | undefined {
  const found: string[] = [];
  visit(document, schema, "", found);
  if (found.length <= 1) return found[0];
  return ["errors:", ...found.map((each) => `  ${each}`)].join("\n");
}

function visit(value: unknown, schema: Schema, at: string, found: string[]): void {
  const structure = structureFor(schema, value);
  if ((structure.type === "struct" || structure.type === "map") && isObject(value)) {
    for (const [key, content] of Object.entries(value)) {
      const child = fieldSchema(structure, key);
      if (child) visit(content, child, `${at}.${key}`, found);
      else found.push(`${at}.${key}: field not declared in schema`);
    }
  } else if (value !== null && structure.type === "whole" && scalarWords(schema, value) !== undefined) {
    found.push(`${at}: ${scalarWords(schema, value)}`);
  } else if (structure.type === "keyed" && Array.isArray(value)) {
    const names = namesOf(structure, value);
    if (names) for (const [index, item] of value.entries()) visit(item, structure.items, `${at}[${names[index]}]`, found);
  }
}

/** What is said of a value that is no scalar of the schema's type; undefined where it is one, or the schema has no such type. */
function scalarWords(schema: Schema, value: unknown): string | undefined {
  const { type, format } = schema.$ref ? (definition(schema.$ref) ?? schema) : schema;
  // These take numbers and texts alike.
  if (format === "quantity" || format === "int-or-string") return undefined;
  if (type === "string" && typeof value !== "string") return `expected string, got &value.valueUnstructured{Value:${inGo(value)}}`;
  if (type === "boolean" && typeof value !== "boolean") return `expected boolean, got &value.valueUnstructured{Value:${inGo(value)}}`;
  if ((type === "integer" || type === "number") && typeof value !== "number")
    return `expected numeric (int or float), got ${goTypeOf(value)}`;
  return undefined;
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  return typeof value === "boolean" ? "bool" : typeof value === "string" ? "string" : "map[string]interface {}";
}

/** `name="web"` for each element; undefined where one has no key. */
function namesOf(structure: Parameters<typeof elementsOf>[0], list: readonly unknown[]): readonly string[] | undefined {
  try {
    return elementsOf(structure, list).map((element) =>
      Object.entries(JSON.parse(element.slice(2)))
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(","),
    );
  } catch (error) {
    if (error instanceof StructureError) return undefined;
    throw error;
  }
}
