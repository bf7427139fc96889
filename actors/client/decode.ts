import type { JsonObject } from "../../protocol/kinds/object";

/**
 * JSON bytes to deeply read-only objects. Decoding is a pure function of the bytes; since every kube-proxy of a simulated cluster decodes the same
 * EndpointSlice, one process keeps what it decoded last and hands out the same frozen object again. Nothing observable depends on whether it was kept.
 */

const generationLimit = 4096;
const largestKept = 256 * 1024;

interface Kept {
  readonly bytes: Uint8Array;
  readonly object: JsonObject;
}

/** Two generations: when the younger is full the older is dropped, so what is in use stays and nothing grows without bound. */
class Memo {
  private young = new Map<number, Kept>();
  private old = new Map<number, Kept>();

  find(hash: number, bytes: Uint8Array): JsonObject | undefined {
    const kept = this.young.get(hash) ?? this.old.get(hash);
    if (kept === undefined || kept.bytes.length !== bytes.length || Buffer.compare(kept.bytes, bytes) !== 0) return undefined;
    return kept.object;
  }

  keep(hash: number, bytes: Uint8Array, object: JsonObject): void {
    if (this.young.size >= generationLimit) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(hash, { bytes, object });
  }
}

const memo = new Memo();

/** The object in these JSON bytes, frozen through and through. The items of a List get the apiVersion and kind that lists leave out. Throws a SyntaxError on anything but a JSON object. */
export function decodeObject(bytes: Uint8Array): JsonObject {
  if (bytes.length > largestKept) return parse(bytes);
  const hash = fnv1a(bytes);
  const known = memo.find(hash, bytes);
  if (known) return known;
  const object = parse(bytes);
  memo.keep(hash, bytes, object);
  return object;
}

/** The JSON bytes of an object. */
export function encodeObject(object: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(object), "utf8");
}

function parse(bytes: Uint8Array): JsonObject {
  const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("expected a JSON object");
  const object = value as Record<string, unknown>;
  if (typeof object.kind === "string" && object.kind.endsWith("List") && Array.isArray(object.items)) nameItems(object);
  freeze(object);
  return object;
}

function nameItems(list: Record<string, unknown>): void {
  const kind = (list.kind as string).slice(0, -"List".length);
  list.items = (list.items as Record<string, unknown>[]).map((item) =>
    item.kind === undefined ? { apiVersion: list.apiVersion, kind, ...item } : item,
  );
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  if (Array.isArray(value)) for (const item of value) freeze(item);
  else for (const key in value) freeze((value as Record<string, unknown>)[key]);
}

function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}
