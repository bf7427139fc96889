import type { GroupVersion } from "../../../protocol/kinds/registry";
import { hashBytes, mix } from "../../../runtime/hash";

/** A document that is the same for every client until the served kinds change: discovery and OpenAPI. */
export interface ServedDocument {
  readonly contentType: string;
  /** ETag, which is the same for the same body, and what else caches need to know. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** The documents one server has made so far, by a key of the maker's choice. Clear it when the served kinds change. */
export type DocumentCache = Map<string, ServedDocument>;

const encoder = new TextEncoder();

/** Answers from the cache, or makes the document and keeps it. */
export function cached(cache: DocumentCache, key: string, contentType: string, make: () => Uint8Array): ServedDocument {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const body = make();
  const headers = [["etag", `"${fingerprint(body)}"`] as const, ["vary", "Accept"] as const, ["cache-control", "public"] as const];
  const document: ServedDocument = { contentType, headers, body };
  cache.set(key, document);
  return document;
}

/** Forgets what is another document now, given the served group versions before and after; one that did not change is the same value. */
export function forgetChanged(cache: DocumentCache, before: readonly GroupVersion[], after: readonly GroupVersion[]): void {
  const unchanged = new Set(before.filter((group) => after.includes(group)).map(({ group, apiVersion }) => groupPath(group, apiVersion)));
  for (const key of [...cache.keys()]) if (!unchanged.has(key.replace(/^openapi\/v3/, ""))) cache.delete(key);
}

/** Forgets what discovery says; OpenAPI documents stay. */
export function forgetDiscovery(cache: DocumentCache): void {
  for (const key of [...cache.keys()]) if (!key.startsWith("openapi/")) cache.delete(key);
}

/** Forgets what OpenAPI says of everything at once; the documents of single group versions stay. */
export function forgetOpenApiIndexes(cache: DocumentCache): void {
  for (const key of [...cache.keys()]) if (key === "openapi/v3" || /^openapi\/(v2|remote\/)/.test(key)) cache.delete(key);
}

function groupPath(group: string, apiVersion: string): string {
  return group === "" ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
}

/** A value as JSON bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** A value as JSON for people to read, as /version is. */
export function indentedJsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value, undefined, 2));
}

/** 128 bits of a document in upper-case hexadecimal. It tells versions of a document apart and protects against nothing. */
export function fingerprint(bytes: Uint8Array): string {
  return [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b]
    .map((seed) => mix(hashBytes(bytes, seed)).toString(16).padStart(8, "0"))
    .join("")
    .toUpperCase();
}
