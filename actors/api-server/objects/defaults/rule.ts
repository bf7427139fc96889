import type { JsonObject } from "../../../../protocol/kinds/object";
import { isObject } from "../decode";

/** The defaults of one type: gets a value of that type and returns it completed, or the very same when nothing was missing. */
export type Rule = (value: JsonObject) => JsonObject;

/** One row of a table of defaults: the type's name in definitions.json without "io.k8s.api.", and its rule. */
export type RuleRow = readonly [definition: string, rule: Rule];

/** Puts in what is absent; the empty text counts as absent, as it does in Kubernetes' types. */
export function fill(value: JsonObject, defaults: JsonObject): JsonObject {
  let filled: Record<string, unknown> | undefined;
  for (const key in defaults) {
    const present = value[key];
    if (present === undefined || present === "") {
      if (defaults[key] !== undefined && defaults[key] !== present) (filled ??= { ...value })[key] = defaults[key];
    }
  }
  return filled ?? value;
}

/** Like fill, for types whose numbers are no pointers: zero counts as absent as well. */
export function fillZero(value: JsonObject, defaults: JsonObject): JsonObject {
  let filled: Record<string, unknown> | undefined;
  for (const key in defaults) if (!value[key]) (filled ??= { ...value })[key] = defaults[key];
  return filled ?? value;
}

/** A rule that only fills in constants. */
export function constants(defaults: JsonObject): Rule {
  return (value) => fill(value, defaults);
}

/** Replaces fields, or returns the same object when they are already that. */
export function put(value: JsonObject, fields: JsonObject): JsonObject {
  for (const field in fields) if (value[field] !== fields[field]) return { ...value, ...fields };
  return value;
}

/** The field when it is an object, otherwise an empty object. */
export function objectAt(value: JsonObject, field: string): JsonObject {
  const content = value[field];
  return isObject(content) ? content : {};
}

/** The field when it is a list of objects, otherwise an empty list. */
export function listAt(value: JsonObject, field: string): readonly JsonObject[] {
  const content = value[field];
  return Array.isArray(content) ? content : [];
}

/** Changes the entries of a list; the same object when no entry changed. */
export function mapList(value: JsonObject, field: string, change: (entry: JsonObject) => JsonObject): JsonObject {
  const before = listAt(value, field);
  const after = before.map(change);
  return after.every((entry, index) => entry === before[index]) ? value : { ...value, [field]: after };
}
