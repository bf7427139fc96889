import { definition, type Schema } from "../../../../protocol/kinds/registry";
import { type CelValue, isList, isMap, StructValue } from "../../cel/values";
import { isObject } from "../../objects/decode";
import { elementsOf, structureOf } from "../../objects/managed-fields/structure";

/**
 * What is known of the types in a mutation. Expressions are compiled without the resource's schema, as the policy may match many; so names are looked at
 * when an expression has been evaluated, and the configuration that comes of it is held against the schema then. Compared with apiserver's
 * pkg/cel/mutation, its mutating policies, and structured-merge-diff, whose words these are.
 */

/** Every `Object…{}` that is not named after the place where it stands, one a line; undefined where all are. `path` is the name of the outermost. */
export function misnamed(value: CelValue, path: string): string | undefined {
  const found: string[] = [];
  const visit = (value: CelValue, path: string): void => {
    if (value instanceof StructValue && value.typeName !== path)
      found.push(
        `unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
      );
    if (isList(value)) for (const item of value) visit(item, path);
    // Maps have no name, and do not count as a step of the path.
    else if (isMap(value)) for (const [name, item] of value) visit(item, value instanceof StructValue ? `${path}.${String(name)}` : path);
  };
  visit(value, path);
  return found.length > 0 ? found.join("\n") : undefined;
}

/** What of a configuration is not of the type that the schema has for it; "" where all is. */
export function mistyped(config: unknown, schema: Schema): string {
  const found: string[] = [];
  visitTypes(config, schema, "", found);
  return found.length < 2 ? (found[0] ?? "") : `errors:\n${found.map((each) => `  ${each}`).join("\n")}`;
}

function visitTypes(value: unknown, schema: Schema, path: string, found: string[]): void {
  if (value === null || value === undefined) return;
  const type = schema.$ref ? (definition(schema.$ref) ?? schema) : schema;
  const say = (words: string) => void found.push(`${path}: ${words}`);
  if (type.format === "quantity" || type.format === "int-or-string" || type.format === "date-time" || type.format === "any") return;
  if (type.properties || type.additionalProperties) {
    if (!isObject(value)) return say(`expected map, got &{${goText(value)}}`);
    const keeps = type["x-kubernetes-preserve-unknown-fields"] === true;
    for (const [name, item] of Object.entries(value)) {
      const field = Object.hasOwn(type.properties ?? {}, name) ? type.properties![name] : type.additionalProperties;
      if (field) visitTypes(item, field, `${path}.${name}`, found);
      else if (!keeps) found.push(`${path}.${name}: field not declared in schema`);
    }
  } else if (type.items) {
    if (!Array.isArray(value)) return say(`expected list, got &{${goText(value)}}`);
    const structure = structureOf(schema);
    const isKeyed = structure.type === "set" || structure.type === "keyed";
    const names = isKeyed ? elementsOf(structure, value).map(elementText) : value.map((_, index) => `[${index}]`);
    for (const [index, item] of value.entries()) visitTypes(item, type.items, `${path}${names[index]}`, found);
  } else if (type.type === "string" && typeof value !== "string")
    say(`expected string, got &value.valueUnstructured{Value:${goText(value)}}`);
  else if ((type.type === "integer" || type.type === "number") && typeof value !== "number")
    say(`expected numeric (int or float), got ${goType(value)}`);
  else if (type.type === "boolean" && typeof value !== "boolean") say(`expected boolean, got &{${goText(value)}}`);
}

/** "k:{"name":"main"}" as `[name="main"]`, and the value of a set as `[="x"]`. */
function elementText(element: string): string {
  const content: unknown = JSON.parse(element.slice(2));
  if (!element.startsWith("k:") || !isObject(content)) return `[=${JSON.stringify(content)}]`;
  return `[${Object.entries(content)
    .map(([key, own]) => `${key}=${JSON.stringify(own)}`)
    .join(",")}]`;
}

/** What would be replaced as a whole: nobody could tell what was meant to stay. */
export function atomicsIn(value: unknown, schema: Schema, path = ""): readonly string[] {
  const type = schema.$ref ? definition(schema.$ref) : schema;
  if (!type) return [];
  if (isObject(value) && (type.properties || type.additionalProperties)) {
    const isAtomic = schema["x-kubernetes-map-type"] === "atomic" || type["x-kubernetes-map-type"] === "atomic";
    const inner = Object.entries(value).flatMap(([name, item]) => {
      const field = Object.hasOwn(type.properties ?? {}, name) ? type.properties![name] : undefined;
      return field ? atomicsIn(item, field, `${path}.${name}`) : [];
    });
    return isAtomic ? [path, ...inner] : inner;
  }
  if (!Array.isArray(value) || !type.items) return [];
  const isAtomic = structureOf(schema).type === "whole";
  const inner = value.flatMap((item, index) => atomicsIn(item, type.items!, `${path}[${index}]`));
  return isAtomic ? [path, ...inner] : inner;
}

/** A value as Go prints it with %v. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([name, item]) => `${name}:${goText(item)}`).join(" ")}]`;
}

/** What Go calls the type of a value that was read from JSON. */
export function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : Number.isInteger(value) ? "int64" : "float64";
}
