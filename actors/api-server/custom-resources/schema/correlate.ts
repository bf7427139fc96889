import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { isObject } from "../../objects/decode";
import { sameJson } from "../../storage/entry";

/**
 * What a part of a value was before: a member of an object by its name, an entry of a keyed list by its keys. Undefined where it cannot be told:
 * items of other lists have no identity, nor have the members of what is replaced as a whole.
 */
export function correlate(schema: JSONSchemaProps, old: unknown, part: unknown): { readonly value: unknown } | undefined {
  if (old === undefined || old === null) return undefined;
  if (schema.type === "array") {
    if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old) || !isObject(part)) return undefined;
    const keys = schema["x-kubernetes-list-map-keys"] ?? [];
    const found = old.find((item) => isObject(item) && keys.every((key) => sameJson(item[key] ?? null, part[key] ?? null)));
    return found === undefined ? undefined : { value: found };
  }
  if (schema["x-kubernetes-map-type"] === "atomic" || typeof part !== "string" || !isObject(old)) return undefined;
  return Object.hasOwn(old, part) ? { value: old[part] } : undefined;
}
