import type { JSONSchemaProps, ValidationRule } from "../../../../protocol/kinds/generated";
import type { Findings } from "../../objects/validation/field-error";
import { itemsOf, resourceFields, valuesOf } from "../schema/structural";
import { fieldPathFault } from "./field-path";

/** What a schema may say at all. Source: the API reference of JSONSchemaProps, and Kubernetes' own checks of it. */
interface Surroundings {
  /** Why no defaults may be given here; undefined where they may. */
  readonly noDefaults: string | undefined;
  readonly insideMeta: boolean;
  readonly isRoot: boolean;
}

export function checkOpenApi(schema: JSONSchemaProps, at: string, findings: Findings): void {
  checkNode(schema, at, { noDefaults: undefined, insideMeta: false, isRoot: true }, findings);
}

const types: ReadonlySet<string> = new Set(["string", "number", "integer", "boolean", "array", "object"]);

function checkNode(schema: JSONSchemaProps, at: string, around: Surroundings, findings: Findings): void {
  checkKeywords(schema, at, around, findings);
  const inner = { ...around, isRoot: false };
  const values = valuesOf(schema);
  if (schema.additionalProperties !== undefined && Object.keys(schema.properties ?? {}).length > 0 && values !== "any")
    findings.forbidden(`${at}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
  if (values && values !== "any") {
    const noDefaults = around.insideMeta ? "inside additionalProperties applying to object metadata" : around.noDefaults;
    checkNode(values, `${at}.additionalProperties`, { ...inner, noDefaults }, findings);
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const isMeta = (around.isRoot || schema["x-kubernetes-embedded-resource"] === true) && resourceFields.has(name);
    const noDefaults = isMeta && around.isRoot ? `in top-level ${name}` : around.noDefaults;
    checkNode(child, `${at}.properties[${name}]`, { isRoot: false, insideMeta: around.insideMeta || isMeta, noDefaults }, findings);
  }
  if (schema.not) checkNode(schema.not, `${at}.not`, inner, findings);
  for (const keyword of ["allOf", "oneOf", "anyOf"] as const)
    for (const [index, each] of (schema[keyword] ?? []).entries()) checkNode(each, `${at}.${keyword}[${index}]`, inner, findings);
  const items = itemsOf(schema);
  if (items) checkNode(items, `${at}.items`, inner, findings);
  checkLists(schema, at, findings);
  for (const [index, rule] of (schema["x-kubernetes-validations"] ?? []).entries())
    checkRule(schema, rule, `${at}.x-kubernetes-validations[${index}]`, findings);
}

const unsupported: readonly (keyof JSONSchemaProps)[] = [
  "id",
  "additionalItems",
  "patternProperties",
  "definitions",
  "dependencies",
  "$ref",
];

function checkKeywords(schema: JSONSchemaProps, at: string, { noDefaults, insideMeta }: Surroundings, findings: Findings): void {
  if (schema.type && !types.has(schema.type)) findings.notSupported(`${at}.type`, schema.type, [...types].sort());
  if (schema.default !== undefined && noDefaults !== undefined) findings.forbidden(`${at}.default`, `must not be set ${noDefaults}`);
  for (const keyword of unsupported)
    if (schema[keyword] !== undefined) findings.forbidden(`${at}.${keyword}`, `${keyword} is not supported`);
  if (schema.type === "null") findings.forbidden(`${at}.type`, "type cannot be set to null, use nullable as an alternative");
  if (Array.isArray(schema.items)) findings.forbidden(`${at}.items`, "items must be a schema object and not an array");
  if (insideMeta && schema["x-kubernetes-embedded-resource"])
    findings.forbidden(`${at}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta");
  if (schema.uniqueItems)
    findings.forbidden(`${at}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    findings.invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined");
}

function needsType(schema: JSONSchemaProps, wanted: string, keyword: string, at: string, findings: Findings): boolean {
  if (schema.type === wanted) return true;
  const detail = `must be ${wanted} if ${keyword} is specified`;
  if (!schema.type) findings.required(`${at}.type`, detail);
  else findings.invalid(`${at}.type`, schema.type, detail);
  return false;
}

function checkLists(schema: JSONSchemaProps, at: string, findings: Findings): void {
  const mapType = schema["x-kubernetes-map-type"];
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (mapType !== undefined) {
    needsType(schema, "object", "x-kubernetes-map-type", at, findings);
    if (mapType !== "atomic" && mapType !== "granular")
      findings.notSupported(`${at}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]);
  }
  const items = itemsOf(schema);
  if (listType !== undefined) {
    const isArray = needsType(schema, "array", "x-kubernetes-list-type", at, findings);
    if (isArray && listType === "set" && items) checkSetItems(items, `${at}.items`, findings);
    if (listType !== "atomic" && listType !== "set" && listType !== "map")
      findings.notSupported(`${at}.x-kubernetes-list-type`, listType, ["atomic", "set", "map"]);
  }
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (listType === undefined) findings.required(`${at}.x-kubernetes-list-type`, detail);
    else findings.invalid(`${at}.x-kubernetes-list-type`, listType, detail);
  }
  if (listType === "map") checkKeyed(schema, keys, items, at, findings);
  if ((listType === "set" || listType === "map") && items?.nullable)
    findings.forbidden(`${at}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`);
}

function checkSetItems(items: JSONSchemaProps, at: string, findings: Findings): void {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const listType = items["x-kubernetes-list-type"];
  if (items.type === "array" && listType !== undefined && listType !== "atomic")
    findings.invalid(`${at}.x-kubernetes-list-type`, listType, detail);
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic")
    findings.invalid(`${at}.x-kubernetes-map-type`, items["x-kubernetes-map-type"] ?? null, detail);
}

function checkKeyed(
  schema: JSONSchemaProps,
  keys: readonly string[],
  items: JSONSchemaProps | undefined,
  at: string,
  findings: Findings,
): void {
  if (keys.length === 0) findings.required(`${at}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map");
  if (schema.items === undefined) findings.required(`${at}.items`, "must have a schema if x-kubernetes-list-type is map");
  if (!items) return;
  if (items.type !== "object") {
    findings.invalid(`${at}.items.type`, items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map");
    return;
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key] : undefined;
    const place = `${at}.items.properties[${key}]`;
    if (!property) findings.invalid(`${at}.x-kubernetes-list-map-keys`, keys, "entries must all be names of item properties");
    else if (property.type === "array" || property.type === "object")
      findings.invalid(`${place}.type`, property.type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (keys.indexOf(key) !== index) findings.invalid(`${at}.x-kubernetes-list-map-keys`, keys, "must not contain duplicate entries");
    if (!property) continue;
    if (!items.required?.includes(key) && property.default === undefined)
      findings.required(
        `${place}.default`,
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
      );
    if (property.nullable)
      findings.forbidden(`${place}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
  }
}

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const breaks = /[\n\r]/;

function checkRule(schema: JSONSchemaProps, rule: ValidationRule, at: string, findings: Findings): void {
  const text = (rule.rule ?? "").trim();
  const message = rule.message?.trim() ?? "";
  if (text === "") findings.required(`${at}.rule`, "rule is not specified");
  else if (rule.message && message === "") findings.invalid(`${at}.message`, rule.message, "message must be non-empty if specified");
  else if (breaks.test(message)) findings.invalid(`${at}.message`, rule.message, "message must not contain line breaks");
  else if (breaks.test(text) && message === "")
    findings.required(`${at}.message`, "message must be specified if rule contains line breaks");
  if (rule.messageExpression && rule.messageExpression.trim() === "")
    findings.required(`${at}.messageExpression`, "messageExpression must be non-empty if specified");
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) findings.notSupported(`${at}.reason`, rule.reason, reasons);
  const { fieldPath } = rule;
  if (!fieldPath) return;
  if (fieldPath.trim() === "") findings.invalid(`${at}.fieldPath`, fieldPath, "fieldPath must be non-empty if specified");
  if (breaks.test(fieldPath)) findings.invalid(`${at}.fieldPath`, fieldPath, "fieldPath must not contain line breaks");
  if (fieldPathFault(schema, fieldPath, true) !== undefined)
    findings.invalid(`${at}.fieldPath`, fieldPath, "fieldPath must be a valid path");
}
