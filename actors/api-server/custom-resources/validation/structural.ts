import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { compilePattern } from "../../cel/pattern";
import { isObject } from "../../objects/decode";
import type { Findings } from "../../objects/validation/field-error";
import { sameJson } from "../../storage/entry";
import { itemsOf, valuesOf } from "../schema/structural";

/**
 * Whether a schema is structural: it says the type of everything outside of allOf, anyOf, oneOf and not, and these only narrow what is said there.
 * Source: "Specifying a structural schema" in the documentation of CustomResourceDefinitions.
 */
export function checkStructural(schema: JSONSchemaProps, at: string, findings: Findings): void {
  checkNode(schema, "root", at, findings);
  checkComplete(schema, schema, at, findings);
}

type Level = "root" | "item" | "field";

const missingType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function checkNode(schema: JSONSchemaProps, level: Level, at: string, findings: Findings): void {
  const items = itemsOf(schema);
  if (schema.type === "array" && schema.items === undefined) findings.required(`${at}.items`, "must be specified");
  if (items) checkNode(items, "item", `${at}.items`, findings);
  for (const [name, child] of Object.entries(schema.properties ?? {})) checkNode(child, "field", `${at}.properties[${name}]`, findings);
  if (schema.additionalProperties !== undefined) {
    if (level === "root") findings.forbidden(`${at}.additionalProperties`, "must not be used at the root");
    const values = valuesOf(schema);
    if (values && values !== "any") checkNode(values, "field", `${at}.additionalProperties`, findings);
  }
  checkExtensions(schema, at, findings);
  checkJunctors(schema, isIntOrStringAnyOf(schema), isIntOrStringAllOf(schema), at, findings);
  checkType(schema, level, at, findings);
  checkResourceFields(schema, level, at, findings);
}

function checkType(schema: JSONSchemaProps, level: Level, at: string, findings: Findings): void {
  const { type = "" } = schema;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  if (isEmbedded && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    if (type === "") findings.required(`${at}.type`, detail);
    else findings.invalid(`${at}.type`, type, detail);
  } else if (type === "" && !schema["x-kubernetes-int-or-string"] && !schema["x-kubernetes-preserve-unknown-fields"])
    findings.required(`${at}.type`, missingType[level]);
  if (isEmbedded && schema.additionalProperties !== undefined)
    findings.forbidden(`${at}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set");
  if (level === "root" && type !== "" && type !== "object") findings.invalid(`${at}.type`, type, "must be object at the root");
}

function checkResourceFields(schema: JSONSchemaProps, level: Level, at: string, findings: Findings): void {
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const properties = schema.properties ?? {};
  if (level === "root" || isEmbedded)
    for (const [name, wanted] of [
      ["kind", "string"],
      ["apiVersion", "string"],
      ["metadata", "object"],
    ] as const) {
      const child = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (child && child.type !== wanted) findings.invalid(`${at}.properties[${name}].type`, child.type ?? "", `must be ${wanted}`);
    }
  if (level === "root" && properties.metadata && !saysOnlyNames(properties.metadata))
    findings.forbidden(
      `${at}.properties[metadata]`,
      "must not specify anything other than name and generateName, but metadata is implicitly specified",
    );
  if (isEmbedded && !schema["x-kubernetes-preserve-unknown-fields"] && Object.keys(properties).length === 0)
    findings.required(
      `${at}.properties`,
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
    );
}

function saysOnlyNames({ type: _type, default: _default, properties = {}, ...rest }: JSONSchemaProps): boolean {
  const others = Object.keys(properties).filter((name) => name !== "name" && name !== "generateName");
  return others.length === 0 && Object.keys(rest).length === 0;
}

function checkExtensions(schema: JSONSchemaProps, at: string, findings: Findings): void {
  if (!schema["x-kubernetes-int-or-string"]) return;
  for (const keyword of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const)
    if (schema[keyword]) findings.invalid(`${at}.${keyword}`, true, "must be false if x-kubernetes-int-or-string is true");
}

const intOrString: readonly JSONSchemaProps[] = [{ type: "integer" }, { type: "string" }];
const isIntOrStringAnyOf = ({ anyOf }: JSONSchemaProps) => sameJson(anyOf, intOrString);
const isIntOrStringAllOf = ({ allOf }: JSONSchemaProps) => sameJson(allOf?.[0]?.anyOf, intOrString);

function checkJunctors(schema: JSONSchemaProps, skipAnyOf: boolean, skipFirstAllOfAnyOf: boolean, at: string, findings: Findings): void {
  if (!skipAnyOf) for (const [index, each] of (schema.anyOf ?? []).entries()) checkNested(each, false, `${at}.anyOf[${index}]`, findings);
  for (const [index, each] of (schema.allOf ?? []).entries())
    checkNested(each, skipFirstAllOfAnyOf && index === 0, `${at}.allOf[${index}]`, findings);
  for (const [index, each] of (schema.oneOf ?? []).entries()) checkNested(each, false, `${at}.oneOf[${index}]`, findings);
  if (schema.not) checkNested(schema.not, false, `${at}.not`, findings);
  if (schema.pattern) {
    const compiled = compilePattern(schema.pattern);
    if (!compiled.ok)
      findings.invalid(`${at}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${compiled.message}`);
  }
}

const forbiddenInside: readonly (readonly [keyof JSONSchemaProps, string])[] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
];

function checkNested(schema: JSONSchemaProps, skipAnyOf: boolean, at: string, findings: Findings): void {
  checkJunctors(schema, skipAnyOf, false, at, findings);
  const items = itemsOf(schema);
  if (items) checkNested(items, false, `${at}.items`, findings);
  for (const [name, child] of Object.entries(schema.properties ?? {})) checkNested(child, false, `${at}.properties[${name}]`, findings);
  for (const [keyword, detail] of forbiddenInside) {
    const value = schema[keyword];
    if (value !== undefined && value !== false && value !== "") findings.forbidden(`${at}.${keyword}`, detail);
  }
  if (schema.properties && Object.hasOwn(schema.properties, "metadata"))
    findings.forbidden(`${at}.properties[metadata]`, "must not be specified in a nested context");
}

/** What is narrowed inside of a junctor has to be said outside of it. */
function checkComplete(schema: JSONSchemaProps, narrowed: JSONSchemaProps, at: string, findings: Findings): void {
  for (const [name, each, place] of junctors(narrowed)) checkSaid(schema, each, `${at}.${name}`, place, at, findings);
  const items = itemsOf(schema);
  if (items && narrowed === schema) checkComplete(items, items, `${at}.items`, findings);
  if (narrowed === schema)
    for (const [name, child] of Object.entries(schema.properties ?? {})) checkComplete(child, child, `${at}.properties[${name}]`, findings);
  const values = valuesOf(schema);
  if (narrowed === schema && values && values !== "any") checkComplete(values, values, `${at}.additionalProperties`, findings);
}

function checkSaid(schema: JSONSchemaProps, nested: JSONSchemaProps, path: string, place: string, at: string, findings: Findings): void {
  const inner = itemsOf(nested);
  if (inner) {
    const items = itemsOf(schema);
    if (!items) findings.required(`${at}.items`, `because it is defined in ${path}.items`);
    else checkSaid(items, inner, `${path}.items`, place, `${at}.items`, findings);
  }
  for (const [name, child] of Object.entries(nested.properties ?? {})) {
    const said = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const key = `properties[${name}]`;
    if (!said) findings.required(`${at}.${key}`, `because it is defined in ${path}.${key}`);
    else checkSaid(said, child, `${path}.${key}`, place, `${at}.${key}`, findings);
  }
  for (const [name, each, deeper] of junctors(nested)) checkSaid(schema, each, `${path}.${name}`, deeper, at, findings);
}

function junctors(schema: JSONSchemaProps): readonly (readonly [path: string, schema: JSONSchemaProps, keyword: string])[] {
  const lists = (["allOf", "anyOf", "oneOf"] as const).flatMap((keyword) =>
    (schema[keyword] ?? []).filter(isObject).map((each, index) => [`${keyword}[${index}]`, each as JSONSchemaProps, keyword] as const),
  );
  return schema.not ? [...lists, ["not", schema.not, "not"] as const] : lists;
}
