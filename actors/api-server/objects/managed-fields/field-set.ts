import type { JsonObject } from "../../../../protocol/kinds/object";
import { isObject } from "../decode";

/**
 * Sets of fields, as metadata.managedFields records them: a tree by path element. An element is a field of a structure or map (`f:replicas`),
 * an entry of a keyed list (`k:{"name":"web"}`) or a value of a set (`v:"a"`). A set holds an element itself (`member`), things below it, or both.
 */
export type FieldSet = ReadonlyMap<string, Entry>;

export interface Entry {
  readonly member: boolean;
  readonly below: FieldSet;
}

export const noFields: FieldSet = new Map();
export const leaf: Entry = { member: true, below: noFields };

/** The fields that are in either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const result = new Map(a);
  for (const [element, entry] of b) {
    const other = result.get(element);
    result.set(element, other ? { member: other.member || entry.member, below: union(other.below, entry.below) } : entry);
  }
  return result;
}

/** The fields of the first that are not in the second, the very same set when that is all; a field counts apart from what is below it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0 || b.size === 0) return a;
  let result: Map<string, Entry> | undefined;
  for (const [element, other] of b) {
    const entry = a.get(element);
    if (!entry) continue;
    const member = entry.member && !other.member;
    const below = difference(entry.below, other.below);
    if (member === entry.member && below === entry.below) continue;
    result ??= new Map(a);
    if (member || below.size > 0) result.set(element, { member, below });
    else result.delete(element);
  }
  return result ?? a;
}

/** The fields that are in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result = new Map<string, Entry>();
  for (const [element, entry] of a) {
    const other = b.get(element);
    if (!other) continue;
    const member = entry.member && other.member;
    const below = intersection(entry.below, other.below);
    if (member || below.size > 0) result.set(element, { member, below });
  }
  return result;
}

/** The set without the named top-level paths and all that is below them: `["status"]`, `["metadata", "name"]`. */
export function withoutPaths(set: FieldSet, paths: readonly (readonly string[])[]): FieldSet {
  let result = set;
  for (const path of paths) result = withoutPath(result, path);
  return result;
}

function withoutPath(set: FieldSet, [field, ...rest]: readonly string[]): FieldSet {
  const element = `f:${field}`;
  const entry = set.get(element);
  if (!entry) return set;
  const result = new Map(set);
  const below = rest.length > 0 ? withoutPath(entry.below, rest) : noFields;
  if (rest.length > 0 && (below.size > 0 || (entry.member && entry.below.size === 0))) result.set(element, { member: entry.member, below });
  else result.delete(element);
  return result;
}

export function sameFields(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [element, entry] of a) {
    const other = b.get(element);
    if (!other || other.member !== entry.member || !sameFields(entry.below, other.below)) return false;
  }
  return true;
}

/** The set in the form of fieldsV1; elements in order. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const result: Record<string, unknown> = {};
  for (const [element, entry] of inOrder(set)) {
    const below = toFieldsV1(entry.below);
    result[element] = entry.member && entry.below.size > 0 ? { ".": {}, ...below } : below;
  }
  return result;
}

/** Reads fieldsV1; undefined when it is not well formed. */
export function fromFieldsV1(fields: unknown): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  const set = new Map<string, Entry>();
  for (const element in fields) {
    if (element === ".") continue;
    if (element[1] !== ":" || !"fkvi".includes(element[0]!)) return undefined;
    const content = fields[element];
    const below = fromFieldsV1(content);
    if (!below) return undefined;
    set.set(element, below.size === 0 ? leaf : { member: (content as JsonObject)["."] !== undefined, below });
  }
  return set.size === 0 ? noFields : set;
}

/**
 * Whether some field is in both, where one set is still in the form of fieldsV1: without reading it. Of a form that is not well made nothing is
 * said to be in it, as nothing is read from it.
 */
export function meets(recorded: JsonObject, set: FieldSet): boolean {
  for (const [element, { member, below }] of set) {
    const content = recorded[element];
    if (!isObject(content) || !Object.hasOwn(recorded, element)) continue;
    if (member && isMember(content)) return true;
    if (below.size > 0 && meets(content, below)) return true;
  }
  return false;
}

/** Whether all fields of the set are in what is still in the form of fieldsV1. */
export function covers(recorded: JsonObject, set: FieldSet): boolean {
  for (const [element, { member, below }] of set) {
    const content = recorded[element];
    if (!isObject(content) || !Object.hasOwn(recorded, element)) return false;
    if (member && !isMember(content)) return false;
    if (below.size > 0 && !covers(content, below)) return false;
  }
  return true;
}

/** Whether fieldsV1 is just what would be written of the set that it says: well made, and everything in its place. */
export function isAsWritten(fields: JsonObject): boolean {
  return fields["."] === undefined && isInPlace(fields);
}

function isInPlace(fields: JsonObject): boolean {
  let last = "";
  for (const element in fields) {
    const content = fields[element];
    if (element <= last || !isObject(content)) return false;
    if (element === "." ? !isBare(content) : element[1] !== ":" || !"fkvi".includes(element[0]!) || !isInPlace(content)) return false;
    last = element;
  }
  // A field that has nothing but itself is written without the dot.
  return last !== ".";
}

/** An element counts itself where it says so, or where nothing is below it. */
function isMember(content: JsonObject): boolean {
  return content["."] !== undefined || isBare(content);
}

function isBare(content: JsonObject): boolean {
  for (const _ in content) return false;
  return true;
}

/** The paths of the set's members as messages write them: `.spec.containers[name="web"].image`, in order. */
export function pathsOf(set: FieldSet, prefix = ""): readonly string[] {
  const paths: string[] = [];
  for (const [element, entry] of inOrder(set)) {
    const path = prefix + elementText(element);
    if (entry.member) paths.push(path);
    paths.push(...pathsOf(entry.below, path));
  }
  return paths;
}

function elementText(element: string): string {
  const content = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${content}`;
    case "k": {
      const keys = JSON.parse(content) as JsonObject;
      const terms = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${terms.join(",")}]`;
    }
    case "v":
      return `[=${content}]`;
    default:
      return `[${content}]`;
  }
}

function inOrder(set: FieldSet): readonly (readonly [string, Entry])[] {
  return [...set].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
