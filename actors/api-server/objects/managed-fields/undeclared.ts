import type { Schema } from "../../../../protocol/kinds/registry";
import { isObject } from "../decode";
import { elementsOf, fieldSchema, StructureError, structureFor } from "./structure";

/**
 * Fields of an applied configuration that its schema does not have, in the words of structured-merge-diff:
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
  } else if (structure.type === "keyed" && Array.isArray(value)) {
    const names = namesOf(structure, value);
    if (names) for (const [index, item] of value.entries()) visit(item, structure.items, `${at}[${names[index]}]`, found);
  }
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
