import { decodeValue, encodeValue } from "../../../protocol/codec";
import { oldestVisible } from "./compaction";
import { type Change, Store, textOf, type Version } from "./store";

const format = 1;
const recordsPerFrame = 256;

type VersionRow = readonly [
  value: Uint8Array,
  create: number,
  mod: number,
  sub: number,
  version: number,
  lease: number,
  tombstone: boolean,
];
type KeyRow = readonly [key: Uint8Array, versions: readonly VersionRow[]];
type LeaseRow = readonly [id: number, grantedTtlSeconds: number, remainingTtlSeconds: number];
type Head = readonly [format: number, revision: number, compacted: number, hash: number, leases: readonly LeaseRow[], keys: number];

/** The store as it is now, to be written out later: versions never change, so keeping them is enough. */
export class StoreCapture {
  private readonly keys: (readonly Version[])[] = [];
  private readonly head: Uint8Array;
  private next = -1;

  constructor(store: Store) {
    store.index.scan("", null, (history) => {
      const versions = history.versions.slice(oldestVisible(history, store.compacted));
      if (versions.length > 0) this.keys.push(versions);
      return undefined;
    });
    const leases = store.leases.list().map((id): LeaseRow => {
      const lease = store.leases.get(id)!;
      return [id, lease.grantedTtlSeconds, lease.remainingTtlSeconds];
    });
    const head: Head = [format, store.revision, store.compacted, store.hash, leases, this.keys.length];
    this.head = framed(head);
  }

  get done(): boolean {
    return this.next >= this.keys.length;
  }

  /** The next bytes, of about that many (more by at most one frame of records), or null at the end. */
  nextChunk(maxBytes: number): Uint8Array | null {
    if (this.next >= this.keys.length) return null;
    const frames: Uint8Array[] = [];
    let bytes = 0;
    if (this.next < 0) {
      this.next = 0;
      frames.push(this.head);
      bytes = this.head.length;
    }
    while (bytes < maxBytes && this.next < this.keys.length) {
      const rows = this.keys
        .slice(this.next, this.next + recordsPerFrame)
        .map((versions): KeyRow => [versions[0]!.kv.key, versions.map(rowOf)]);
      this.next += rows.length;
      const frame = framed(rows);
      frames.push(frame);
      bytes += frame.length;
    }
    return Buffer.concat(frames);
  }
}

/** All of a store as bytes at once. */
export function snapshotOf(store: Store): Uint8Array {
  return new StoreCapture(store).nextChunk(Number.POSITIVE_INFINITY)!;
}

/** The store that a snapshot was taken of. Throws an Error that says where on bytes that are not one. */
export function restoreStore(bytes: Uint8Array): Store {
  const frames = new Frames(bytes);
  const [version, revision, compacted, hash, leases, keyCount] = frames.next() as Head;
  if (version !== format) throw new Error(`etcd snapshot: format ${String(version)} is not ${format}`);
  const store = new Store();
  store.revision = revision;
  store.compacted = compacted;
  store.hash = hash;
  for (const [id, granted, remaining] of leases) store.leases.grant(id, granted, remaining);
  const changes: Change[] = [];
  for (let keys = 0; keys < keyCount; ) {
    const rows = frames.next() as readonly KeyRow[];
    keys += rows.length;
    for (const row of rows) restoreKey(store, row, changes);
  }
  store.firstChange = Math.max(2, compacted);
  store.changes = byRevision(changes, store.firstChange, revision);
  return store;
}

function restoreKey(store: Store, [key, rows]: KeyRow, changes: Change[]): void {
  const name = textOf(key);
  for (const [value, createRevision, modRevision, sub, version, lease, tombstone] of rows) {
    const kv = { key, value, createRevision, modRevision, version, lease };
    const change = store.addVersion(name, { kv, sub, tombstone });
    if (modRevision >= store.compacted) changes.push(change);
  }
  const newest = store.get(name);
  if (newest) store.leases.move(name, 0, newest.lease);
}

function byRevision(changes: readonly Change[], first: number, last: number): Change[][] {
  const grouped: Change[][] = Array.from({ length: Math.max(0, last - first + 1) }, () => []);
  for (const change of changes) grouped[change.version.kv.modRevision - first]!.push(change);
  for (const group of grouped) if (group.length > 1) group.sort((a, b) => a.version.sub - b.version.sub);
  return grouped;
}

function rowOf({ kv, sub, tombstone }: Version): VersionRow {
  return [kv.value, kv.createRevision, kv.modRevision, sub, kv.version, kv.lease, tombstone];
}

/** Each frame is its length in four bytes and a msgpack value, so that chunks may be cut anywhere. */
function framed(value: unknown): Uint8Array {
  const body = encodeValue(value);
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

class Frames {
  private offset = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): unknown {
    const start = this.offset + 4;
    const end = start <= this.bytes.length ? start + this.view.getUint32(this.offset) : start;
    if (end > this.bytes.length) throw new Error(`etcd snapshot: ends in the middle of a frame at byte ${this.offset}`);
    this.offset = end;
    return decodeValue(this.bytes.subarray(start, end));
  }
}
