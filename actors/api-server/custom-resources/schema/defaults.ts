import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { isObject } from "../../objects/decode";
import { fieldOf, itemsOf, mapItems, mapMembers } from "./structural";

/**
 * Fills in what the schema gives as defaults, on writing and on reading. A null stands for a missing value where null is not allowed.
 * The very same object is returned where nothing is missing. Source: "Defaulting" in the documentation of CustomResourceDefinitions.
 */
export function withSchemaDefaults(schema: JSONSchemaProps, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return value;
    return mapItems(value, (item) => withSchemaDefaults(items, isRefusedNull(item, items) ? (items.default ?? null) : item));
  }
  if (!isObject(value)) return value;
  let given = value;
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (child.default === undefined) continue;
    if (!Object.hasOwn(given, name) || isRefusedNull(given[name], child)) given = { ...given, [name]: child.default };
  }
  return mapMembers(given, (member, name) => {
    const child = fieldOf(schema, name);
    if (!child) return member;
    if (!isRefusedNull(member, child)) return withSchemaDefaults(child, member);
    return child.default === undefined ? member : withSchemaDefaults(child, child.default);
  });
}

/** Takes out nulls of fields that allow none and have no default to stand in for them: they mean nothing. */
export function withoutRefusedNulls(schema: JSONSchemaProps, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items ? mapItems(value, (item) => withoutRefusedNulls(items, item)) : value;
  }
  if (!isObject(value)) return value;
  return mapMembers(value, (member, name) => {
    const child = fieldOf(schema, name);
    if (!child) return member;
    return isRefusedNull(member, child) && child.default === undefined ? undefined : withoutRefusedNulls(child, member);
  });
}

function isRefusedNull(value: unknown, { nullable }: JSONSchemaProps): boolean {
  return value === null && nullable !== true;
}
