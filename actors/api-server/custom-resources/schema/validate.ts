import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { compilePattern, type Pattern } from "../../cel/pattern";
import { isObject } from "../../objects/decode";
import type { FieldError } from "../../objects/validation/field-error";
import { sameJson } from "../../storage/entry";
import { correlate } from "./correlate";
import { formats } from "./formats";
import { itemsOf, resourceFields, valuesOf } from "./structural";

/** What a value was before; undefined where it was not there, or cannot be told to be the same one. */
type Before = { readonly value: unknown } | undefined;

/**
 * Holds a value against an OpenAPI v3 schema. Answers what is wrong, in the words of Kubernetes' API servers, in the order in which the schema
 * is walked. `at` is the value's path, "" for the object itself. What is as it was `before` passes, whatever the schema says now (ratcheting).
 * Source: "Validation" in the documentation of CustomResourceDefinitions.
 */
export function validateSchema(schema: JSONSchemaProps, value: unknown, at = "", before?: Before): readonly FieldError[] {
  const found: FieldError[] = [];
  check(schema, value, at, found, before);
  return found;
}

function check(schema: JSONSchemaProps, value: unknown, at: string, found: FieldError[], before: Before): void {
  if (before && sameJson(before.value, value)) return;
  const types = typesOf(schema);
  if (value === null || value === undefined) {
    if (types.length > 0 && schema.nullable !== true) found.push(wrongType(at, types, "null"));
    else checkEnum(schema, null, at, found);
    return;
  }
  const type = typeOf(value);
  if (types.length > 0 && !fits(types, type, value)) found.push(wrongType(at, types, type));
  checkAlternatives(schema, value, at, found);
  if (typeof value === "string") checkText(schema, value, at, found);
  else if (typeof value === "number") checkNumber(schema, value, at, found);
  else if (Array.isArray(value)) checkList(schema, value, at, found, before);
  checkEnum(schema, value, at, found);
  if (isObject(value)) checkObject(schema, value, at, found, before);
}

/** The types that a value may have: an int-or-string has two. */
function typesOf(schema: JSONSchemaProps): readonly string[] {
  if (schema["x-kubernetes-int-or-string"]) return ["integer", "string"];
  return schema.type ? [schema.type] : [];
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function fits(types: readonly string[], type: string, value: unknown): boolean {
  return types.includes(type) || (type === "integer" && types.includes("number") && typeof value === "number");
}

const inBody = (at: string) => (at === "" ? "<nil> in body" : `${at} in body`);
const rootless = (at: string) => (at === "" ? "<nil>" : at);

function wrongType(at: string, types: readonly string[], type: string): FieldError {
  return {
    type: "TypeInvalid",
    field: rootless(at),
    value: type,
    detail: `${inBody(at)} must be of type ${types.join(",")}: ${JSON.stringify(type)}`,
  };
}

function invalid(found: FieldError[], at: string, value: unknown, detail: string): void {
  found.push({ type: "Invalid", field: rootless(at), value, detail: `${inBody(at)} ${detail}` });
}

function checkAlternatives(schema: JSONSchemaProps, value: unknown, at: string, found: FieldError[]): void {
  const { allOf, anyOf, oneOf, not } = schema;
  const refuse = (detail: string) => found.push({ type: "Invalid", field: "<nil>", value: "", detail: `${JSON.stringify(at)} ${detail}` });
  if (anyOf?.length) {
    const results = anyOf.map((each) => validateSchema(each, value, at));
    if (results.every((errors) => errors.length > 0)) {
      refuse("must validate at least one schema (anyOf)");
      found.push(...fewest(results));
    }
  }
  if (oneOf?.length) {
    const results = oneOf.map((each) => validateSchema(each, value, at));
    const valid = results.filter((errors) => errors.length === 0).length;
    if (valid !== 1) {
      refuse(`must validate one and only one schema (oneOf). Found ${valid === 0 ? "none valid" : `${valid} valid alternatives`}`);
      if (valid === 0) found.push(...fewest(results));
    }
  }
  if (allOf?.length) {
    const results = allOf.map((each) => validateSchema(each, value, at));
    const valid = results.filter((errors) => errors.length === 0).length;
    for (const errors of results) found.push(...errors);
    if (valid < allOf.length) refuse(`must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
  }
  if (not && validateSchema(not, value, at).length === 0) refuse("must not validate the schema (not)");
}

/** Of several failed alternatives the one that came nearest says why. */
function fewest(results: readonly (readonly FieldError[])[]): readonly FieldError[] {
  return results.reduce((best, errors) => (errors.length < best.length ? errors : best));
}

function checkText(schema: JSONSchemaProps, value: string, at: string, found: FieldError[]): void {
  const { maxLength, minLength, pattern, format } = schema;
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength)
    found.push({ type: "TooLong", field: rootless(at), detail: `may not be more than ${maxLength} bytes` });
  if (minLength !== undefined && length < minLength) invalid(found, at, value, `should be at least ${minLength} chars long`);
  if (pattern !== undefined && patternOf(schema, pattern)?.test(value) === false) invalid(found, at, value, `should match '${pattern}'`);
  if (format !== undefined && formats.get(normalized(format))?.(value) === false)
    found.push({
      type: "TypeInvalid",
      field: rootless(at),
      value,
      detail: `${inBody(at)} must be of type ${format}: ${JSON.stringify(value)}`,
    });
}

/** "date-time" and "datetime" are one format. */
function normalized(format: string): string {
  return format.startsWith("k8s-") ? format : format.replaceAll("-", "");
}

/** Filled as schemas are met; a function of the schema alone. An expression that does not compile was refused with the definition. */
const patterns = new WeakMap<JSONSchemaProps, Pattern>();

function patternOf(schema: JSONSchemaProps, expression: string): Pattern | undefined {
  const known = patterns.get(schema);
  if (known) return known;
  const compiled = compilePattern(expression);
  if (!compiled.ok) return undefined;
  patterns.set(schema, compiled.pattern);
  return compiled.pattern;
}

/** Formats of whole numbers with the powers of two that bound them. */
const ranges: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ["int32", [-(2 ** 31), 2 ** 31 - 1]],
  ["uint32", [0, 2 ** 32 - 1]],
  ["int64", [-(2 ** 63), 2 ** 63]],
  ["uint64", [0, 2 ** 64]],
]);

function checkNumber(schema: JSONSchemaProps, value: number, at: string, found: FieldError[]): void {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf, format, type } = schema;
  const range = type === "integer" ? ranges.get(format ?? "") : undefined;
  if (range && (value < range[0] || value > range[1]))
    found.push({
      type: "Invalid",
      field: rootless(at),
      value,
      detail: `Checked value must be of type ${type} with format ${format} in ${rootless(at)}`,
    });
  // The remainder of 0.3 by 0.1 is not 0; what counts is whether the quotient is whole.
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) invalid(found, at, value, `should be a multiple of ${multipleOf}`);
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
    invalid(found, at, value, `should be less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`);
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
    invalid(found, at, value, `should be greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`);
}

function checkList(schema: JSONSchemaProps, value: readonly unknown[], at: string, found: FieldError[], before: Before): void {
  const { minItems, maxItems, uniqueItems } = schema;
  const items = itemsOf(schema);
  if (items)
    for (const [index, item] of value.entries()) check(items, item, `${at}[${index}]`, found, correlate(schema, before?.value, item));
  if (minItems !== undefined && value.length < minItems) invalid(found, at, value.length, `should have at least ${minItems} items`);
  if (maxItems !== undefined && value.length > maxItems)
    found.push({ type: "TooMany", field: rootless(at), value: value.length, detail: `must have at most ${maxItems} items` });
  if (uniqueItems && value.some((item, index) => value.slice(0, index).some((other) => sameJson(other, item))))
    invalid(found, at, value, "shouldn't contain duplicates");
}

function checkEnum(schema: JSONSchemaProps, value: unknown, at: string, found: FieldError[]): void {
  const allowed = schema.enum;
  if (!allowed || allowed.some((each) => sameJson(each, value))) return;
  const shown = allowed.map((each) => JSON.stringify(typeof each === "string" ? each : JSON.stringify(each))).join(", ");
  found.push({ type: "NotSupported", field: rootless(at), value, detail: `supported values: ${shown}` });
}

function checkObject(
  schema: JSONSchemaProps,
  value: Readonly<Record<string, unknown>>,
  at: string,
  found: FieldError[],
  before: Before,
): void {
  const { minProperties, maxProperties, required = [], properties = {} } = schema;
  const size = Object.keys(value).length;
  if (minProperties !== undefined && size < minProperties) invalid(found, at, size, `should have at least ${minProperties} properties`);
  if (maxProperties !== undefined && size > maxProperties)
    found.push({ type: "TooMany", field: rootless(at), value: size, detail: `must have at most ${maxProperties} items` });
  const child = (name: string) => (at === "" ? name : `${at}.${name}`);
  const values = valuesOf(schema);
  if (values && values !== "any")
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(properties, name) || (at === "" && resourceFields.has(name))) continue;
      check(values, value[name], child(name), found, correlate(schema, before?.value, name));
    }
  for (const [name, schemaOfField] of Object.entries(properties))
    if (Object.hasOwn(value, name)) check(schemaOfField, value[name], child(name), found, correlate(schema, before?.value, name));
  for (const name of required) if (!Object.hasOwn(value, name)) found.push({ type: "Required", field: child(name), detail: "" });
}
