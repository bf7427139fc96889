import type { JsonObject } from "../../protocol/kinds/object";
import { decodeFrozen } from "../../runtime/json";

/** Lists with the names of their items, by what was decoded: the same frozen list is handed out again. */
const named = new WeakMap<object, JsonObject>();

/** The object in these JSON bytes, frozen through and through. The items of a List get the apiVersion and kind that lists leave out. Throws a SyntaxError on anything but a JSON object. */
export function decodeObject(bytes: Uint8Array): JsonObject {
  const value = decodeFrozen(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("expected a JSON object");
  const object = value as JsonObject;
  if (typeof object.kind !== "string" || !object.kind.endsWith("List") || !Array.isArray(object.items)) return object;
  const known = named.get(object);
  if (known) return known;
  const list = withNamedItems(object);
  named.set(object, list);
  return list;
}

/** The JSON bytes of an object. */
export function encodeObject(object: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(object), "utf8");
}

function withNamedItems(list: JsonObject): JsonObject {
  const kind = (list.kind as string).slice(0, -"List".length);
  const items = (list.items as unknown as readonly JsonObject[]).map((item) =>
    item.kind === undefined ? Object.freeze({ apiVersion: list.apiVersion, kind, ...item }) : item,
  );
  return Object.freeze({ ...list, items: Object.freeze(items) }) as unknown as JsonObject;
}
