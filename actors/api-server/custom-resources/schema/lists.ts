import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { decodeAs, isObject } from "../../objects/decode";
import type { FieldError } from "../../objects/validation/field-error";
import { fieldOf, itemsOf } from "./structural";

/** What schemas cannot say by keywords: sets and keyed lists hold nothing twice, embedded resources say what they are. */
export function repeatedItems(schema: JSONSchemaProps, value: unknown, at = ""): readonly FieldError[] {
  const found: FieldError[] = [];
  visit(schema, value, at, (node, list, path) => {
    if (!Array.isArray(list)) return;
    const type = node["x-kubernetes-list-type"];
    if (type !== "set" && type !== "map") return;
    const seen = new Set<string>();
    for (const [index, item] of list.entries()) {
      const identity = type === "set" ? item : keysOf(node, item);
      const text = JSON.stringify(identity);
      if (seen.has(text)) found.push({ type: "Duplicate", field: `${path}[${index}]`, value: identity, detail: "" });
      seen.add(text);
    }
  });
  return found;
}

/** Embedded resources have an apiVersion, a kind and well-formed metadata. */
export function wrongEmbedded(schema: JSONSchemaProps, value: unknown, at = ""): readonly FieldError[] {
  const found: FieldError[] = [];
  visit(schema, value, at, (node, object, path) => {
    if (node["x-kubernetes-embedded-resource"] !== true || !isObject(object)) return;
    for (const field of ["apiVersion", "kind"]) {
      const given = object[field];
      if (given === undefined || given === "") found.push({ type: "Required", field: `${path}.${field}`, detail: "must not be empty" });
      else if (typeof given !== "string")
        found.push({ type: "Invalid", field: `${path}.${field}`, value: given, detail: "must be a string" });
    }
    if (object.metadata === undefined) return;
    const metadata = decodeAs("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", object.metadata);
    if (!metadata.ok) found.push({ type: "Invalid", field: `${path}.metadata`, value: object.metadata, detail: metadata.message });
  });
  return found;
}

function visit(
  schema: JSONSchemaProps,
  value: unknown,
  at: string,
  look: (node: JSONSchemaProps, value: unknown, at: string) => void,
): void {
  look(schema, value, at);
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const [index, item] of value.entries()) visit(items, item, `${at}[${index}]`, look);
  } else if (isObject(value))
    for (const [name, member] of Object.entries(value)) {
      const child = fieldOf(schema, name);
      if (child) visit(child, member, at === "" ? name : `${at}.${name}`, look);
    }
}

function keysOf(schema: JSONSchemaProps, item: unknown): unknown {
  if (!isObject(item)) return item;
  const keys = [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort();
  return Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]]));
}
