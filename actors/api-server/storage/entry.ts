import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { decodeFrozen } from "../../../runtime/json";

/**
 * One stored object: the bytes that lie in etcd, the bytes that are served, and the decoded object, each made at most once.
 * Bytes are stored as JSON without resourceVersion, which is etcd's mod revision; it is put in as the first field of metadata on reading,
 * so that a list or a watch never encodes an object again.
 */
export class Entry {
  readonly key: string;
  /** etcd's mod revision, the object's resourceVersion. */
  readonly revision: number;
  /** Of the two forms one is kept: the stored one until the object is first served. Big clusters have many objects. */
  #stored: Uint8Array | undefined;
  #served: Uint8Array | undefined;
  #object: Stored<ApiObject> | undefined;
  #views: Map<string, Uint8Array> | undefined;
  #versions: Map<string, Stored<ApiObject>> | undefined;
  #definition: string | undefined;

  constructor(key: string, revision: number, stored: Uint8Array) {
    this.key = key;
    this.revision = revision;
    this.#stored = stored;
  }

  /** The bytes that lie in etcd. */
  get stored(): Uint8Array {
    return this.#stored ?? withoutRevision(this.#served!, this.revision);
  }

  /** Whether these are the bytes that lie in etcd. */
  holds(stored: Uint8Array): boolean {
    if (this.#stored !== undefined) return sameBytes(this.#stored, stored);
    if (stored.length !== this.#served!.length - revisionField(this.revision).length) return false;
    return sameBytes(this.stored, stored);
  }

  /** The object's JSON with its resourceVersion. */
  get served(): Uint8Array {
    if (this.#served === undefined) {
      this.#served = withRevision(this.#stored!, this.revision);
      this.#stored = undefined;
    }
    return this.#served;
  }

  /** The decoded object, deeply frozen. */
  get object(): Stored<ApiObject> {
    return (this.#object ??= decodeFrozen(this.served) as Stored<ApiObject>);
  }

  /** Another form of the object (its metadata alone, another API version), made once under a name. */
  view(name: string, make: (object: Stored<ApiObject>) => object): Uint8Array {
    this.#views ??= new Map();
    const made = this.#views.get(name);
    if (made) return made;
    const form = make(this.object);
    const bytes = form === this.object ? this.served : encodeJson(form);
    this.#views.set(name, bytes);
    return bytes;
  }

  /**
   * The object as it is in another version, where somebody has worked it out and said so with `remember`. `definition` names what the version
   * follows from: with another one everything that was made before is forgotten.
   */
  recall(definition: string, version: string): Stored<ApiObject> | undefined {
    return this.#definition === definition ? this.#versions?.get(version) : undefined;
  }

  remember(definition: string, version: string, object: Stored<ApiObject>): Stored<ApiObject> {
    if (this.#definition !== definition) {
      this.#definition = definition;
      this.#versions = new Map();
      this.#views = undefined;
    }
    this.#versions!.set(version, object);
    return object;
  }

  /** The same object under a later revision: what a deletion event carries. */
  at(revision: number): Entry {
    return new Entry(this.key, revision, this.stored);
  }
}

const metadataStart = Buffer.from('"metadata":{');

/** Puts the resourceVersion into stored bytes. Throws an Error on bytes that encodeStored did not make. */
export function withRevision(stored: Uint8Array, revision: number): Uint8Array {
  const bytes = asBuffer(stored);
  const at = metadataIn(bytes);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(revisionField(revision)), bytes.subarray(at)]);
}

/** The reverse of withRevision. */
function withoutRevision(served: Uint8Array, revision: number): Uint8Array {
  const bytes = asBuffer(served);
  const at = metadataIn(bytes);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + revisionField(revision).length)]);
}

/** Something else always follows: a stored object has a name. */
function revisionField(revision: number): string {
  return `"resourceVersion":"${revision}",`;
}

/** Whether bytes can be an object that encodeStored made; what others may have put under the registry's keys is not served. */
export function isStoredObject(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b && bytes.at(-1) === 0x7d && asBuffer(bytes).includes(metadataStart);
}

function metadataIn(bytes: Buffer): number {
  const found = bytes.indexOf(metadataStart);
  if (found < 0) throw new Error(`stored object without metadata: ${bytes.toString("utf8", 0, 80)}`);
  return found + metadataStart.length;
}

/** An object as it is stored: apiVersion, kind and metadata first, so that withRevision finds the metadata, and without resourceVersion. */
export function encodeStored(object: ApiObject): Uint8Array {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...kept } = metadata;
  return encodeJson({ apiVersion, kind, metadata: kept, ...rest });
}

export function encodeJson(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return asBuffer(a).equals(b);
}

/** Whether two JSON values are the same but for the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  for (const key in left) if (left[key] !== undefined && !sameJson(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
