import type { ObjectList } from "./api-client";

/** Whether a server whose answers nobody vouches for has given a list of objects. */
export function isList(value: unknown): value is ObjectList<unknown> {
  const { items, metadata } = (value ?? {}) as { readonly items?: unknown; readonly metadata?: unknown };
  return typeof metadata === "object" && metadata !== null && Array.isArray(items) && items.every(isNamed);
}

/** Whether something has a name by which it can be kept. */
export function isNamed(value: unknown): boolean {
  const { metadata } = (value ?? {}) as { readonly metadata?: { readonly name?: unknown } | null };
  return typeof metadata?.name === "string" && metadata.name !== "";
}
