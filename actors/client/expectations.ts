import { isBeingDeleted } from "../../protocol/kinds/object";
import type { ReadStore } from "./store";

/** The part of an informer that expectations are judged by. */
export interface Progress {
  readonly resourceVersion: number;
  readonly store: ReadStore<unknown>;
}

interface Expected {
  /** The cache must have caught up with this resourceVersion. */
  version: number;
  /** These objects, by key with their uid, must be gone from the cache or shown as being deleted. */
  readonly gone: Map<string, string>;
}

/**
 * What the writes made for a key must have done to the caches before the key is looked at again. A controller that counts pods in a cache which lacks the
 * ones it has just made would make them once more. Expectations end when the cache shows what was written, never because time has passed
 * (kubernetes/kubernetes#129795).
 */
export class Expectations {
  private readonly byKey = new Map<string, Map<string, Expected>>();

  /** A write was answered with this resourceVersion. */
  wrote(key: string, resource: string, resourceVersion: number): void {
    const expected = this.of(key, resource);
    expected.version = Math.max(expected.version, resourceVersion);
  }

  /** A deletion was accepted. */
  deleted(key: string, resource: string, objectKey: string, uid: string): void {
    this.of(key, resource).gone.set(objectKey, uid);
  }

  /** Whether the caches show all that was written for the key; what they show is forgotten. */
  settled(key: string, progress: (resource: string) => Progress | undefined): boolean {
    const resources = this.byKey.get(key);
    if (!resources) return true;
    for (const [resource, expected] of resources) {
      const cache = progress(resource);
      if (!cache || isMet(expected, cache)) resources.delete(resource);
    }
    if (resources.size > 0) return false;
    this.byKey.delete(key);
    return true;
  }

  private of(key: string, resource: string): Expected {
    let resources = this.byKey.get(key);
    if (!resources) this.byKey.set(key, (resources = new Map()));
    let expected = resources.get(resource);
    if (!expected) resources.set(resource, (expected = { version: 0, gone: new Map() }));
    return expected;
  }
}

function isMet(expected: Expected, cache: Progress): boolean {
  if (cache.resourceVersion < expected.version) return false;
  for (const [objectKey, uid] of expected.gone) {
    const cached = cache.store.get(objectKey);
    if (cached && cached.metadata.uid === uid && !isBeingDeleted(cached)) return false;
  }
  return true;
}
