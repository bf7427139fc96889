import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { isObject } from "../../objects/decode";

/** A structural schema seen node by node: what JSONSchemaProps leaves open (items and additionalProperties may be booleans or lists) is settled here. */

/** The schema of a list's items; undefined where nothing is said about them. */
export function itemsOf(schema: JSONSchemaProps | undefined): JSONSchemaProps | undefined {
  return isObject(schema?.items) ? (schema.items as JSONSchemaProps) : undefined;
}

/** The schema of a map's values: "any" where additionalProperties is true, undefined where there is none. */
export function valuesOf(schema: JSONSchemaProps | undefined): JSONSchemaProps | "any" | undefined {
  const values = schema?.additionalProperties;
  if (isObject(values)) return values as JSONSchemaProps;
  return values === true ? "any" : undefined;
}

/** The schema of a field: its own, or that of the map's values. */
export function fieldOf(schema: JSONSchemaProps | undefined, name: string): JSONSchemaProps | undefined {
  const properties = schema?.properties;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  const values = valuesOf(schema);
  return values === "any" ? undefined : values;
}

/** Fields that every resource has, whatever its schema says. */
export const resourceFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** The members of an object with each passed through `visit`: the very same object where nothing changed; undefined takes a member out. */
export function mapMembers(value: Readonly<Record<string, unknown>>, visit: (member: unknown, name: string) => unknown): object {
  let changed: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const before = value[name];
    const after = visit(before, name);
    if (after === before) continue;
    changed ??= { ...value };
    if (after === undefined) delete changed[name];
    else changed[name] = after;
  }
  return changed ?? value;
}

/** As mapMembers, for the items of a list. */
export function mapItems(list: readonly unknown[], visit: (item: unknown, index: number) => unknown): readonly unknown[] {
  let changed: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const after = visit(list[index], index);
    if (after !== list[index]) (changed ??= [...list])[index] = after;
  }
  return changed ?? list;
}
