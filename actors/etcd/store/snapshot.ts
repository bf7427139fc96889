import { decodeValue, encodeValue } from "../../../protocol/codec";
import type { AlarmType } from "../../../protocol/etcd-auth";
import { type AuthRow, authRowOf, authStoreOf } from "../auth/users";
import { oldestVisible } from "./compaction";
import { Store, textOf } from "./store";
import type { Version } from "./version";

const format = 3;
const keysPerFrame = 256;

type LeaseRow = readonly [id: number, grantedTtlSeconds: number, remainingTtlSeconds: number];
type AlarmRow = readonly [member: string, alarm: AlarmType];
type Head = readonly [
  format: number,
  revision: number,
  compacted: number,
  hash: number,
  leases: readonly LeaseRow[],
  keys: number,
  auth: AuthRow,
  alarms: readonly AlarmRow[],
];

/** The store as it is now, to be written out later: versions never change, so keeping them is enough. */
export class StoreCapture {
  private readonly keys: (readonly Version[])[] = [];
  private readonly head: Uint8Array;
  private next = -1;

  /** `enclosed` is what else its holder wants to find with it. */
  constructor(store: Store, enclosed: Uint8Array = new Uint8Array(0)) {
    store.index.scan("", null, (history) => {
      const from = oldestVisible(history, store.compacted);
      if (from < history.versions.length) this.keys.push(history.versions.slice(from));
      return undefined;
    });
    const leases = store.leases.list().map((id): LeaseRow => {
      const lease = store.leases.get(id)!;
      return [id, lease.grantedTtlSeconds, lease.remainingTtlSeconds];
    });
    const alarms = store.alarms.list().map(({ member, alarm }): AlarmRow => [member, alarm]);
    const { revision, compacted, hash } = store;
    const head: Head = [format, revision, compacted, hash, leases, this.keys.length, authRowOf(store.auth), alarms];
    this.head = Buffer.concat([framed(encodeValue(head)), framed(enclosed)]);
  }

  /** True when the last chunk has been taken. */
  get done(): boolean {
    return this.next >= this.keys.length;
  }

  /** The next bytes, of about that many (more by at most one frame of keys), or null at the end. */
  nextChunk(maxBytes: number): Uint8Array | null {
    if (this.done) return null;
    const frames: Uint8Array[] = [];
    let bytes = 0;
    if (this.next < 0) {
      this.next = 0;
      frames.push(this.head);
      bytes = this.head.length;
    }
    while (bytes < maxBytes && !this.done) {
      const keys = this.keys.slice(this.next, this.next + keysPerFrame);
      this.next += keys.length;
      const frame = framed(encodeKeys(keys));
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

/** What was enclosed with a snapshot; empty where nothing was. */
export function enclosedIn(bytes: Uint8Array): Uint8Array {
  const frames = new Frames(bytes);
  frames.next();
  return frames.next();
}

/** The store that a snapshot was taken of. Throws an Error that says where on bytes that are not one. */
export function restoreStore(bytes: Uint8Array): Store {
  const frames = new Frames(bytes);
  const [version, revision, compacted, hash, leases, keyCount, auth, alarms] = decodeValue(frames.next()) as Head;
  if (version !== format) throw new Error(`etcd snapshot: format ${String(version)} is not ${format}`);
  // What is enclosed is not the store's.
  frames.next();
  const store = new Store();
  store.revision = revision;
  store.compacted = compacted;
  store.hash = hash;
  for (const [id, granted, remaining] of leases) store.leases.grant(id, granted, remaining);
  store.auth = authStoreOf(auth);
  for (const [member, alarm] of alarms) store.alarms.raise({ member, alarm });
  store.firstChange = Math.max(2, compacted);
  const changes: Version[][] = Array.from({ length: Math.max(0, revision - store.firstChange + 1) }, () => []);
  for (let keys = 0; keys < keyCount; ) keys += restoreKeys(store, frames.next(), changes);
  for (const group of changes) if (group.length > 1) group.sort((a, b) => a.sub - b.sub);
  store.changes = changes;
  return store;
}

/** One key: its length, its bytes, how many versions; of each five numbers, sub, tombstone, the value's length and bytes. */
const keyHeadBytes = 8;
const versionHeadBytes = 4 * 8 + 4 + 1 + 4;

function encodeKeys(keys: readonly (readonly Version[])[]): Uint8Array {
  let size = 4;
  for (const versions of keys) {
    size += keyHeadBytes + versions[0]!.history.key.length;
    for (const { value } of versions) size += versionHeadBytes + value.length;
  }
  const out = Buffer.allocUnsafe(size);
  let at = out.writeUInt32BE(keys.length, 0);
  for (const versions of keys) {
    const { key } = versions[0]!.history;
    at = out.writeUInt32BE(key.length, at);
    at = out.writeUInt32BE(versions.length, at);
    at += out.write(key, at, "latin1");
    for (const { value, createRevision, modRevision, version, lease, sub, tombstone } of versions) {
      at = out.writeDoubleBE(createRevision, at);
      at = out.writeDoubleBE(modRevision, at);
      at = out.writeDoubleBE(version, at);
      at = out.writeDoubleBE(lease, at);
      at = out.writeUInt32BE(sub, at);
      at = out.writeUInt8(tombstone ? 1 : 0, at);
      at = out.writeUInt32BE(value.length, at);
      out.set(value, at);
      at += value.length;
    }
  }
  return out;
}

/** Reads a frame of keys into the store; answers how many. Reading beyond the frame throws a RangeError. */
function restoreKeys(store: Store, frame: Buffer, changes: readonly Version[][]): number {
  const count = frame.readUInt32BE(0);
  let at = 4;
  for (let k = 0; k < count; k++) {
    const keyLength = frame.readUInt32BE(at);
    const versionCount = frame.readUInt32BE(at + 4);
    at += keyHeadBytes;
    const name = textOf(frame.subarray(at, (at += keyLength)));
    for (let v = 0; v < versionCount; v++) {
      const [createRevision, modRevision] = [frame.readDoubleBE(at), frame.readDoubleBE(at + 8)];
      const [version, lease] = [frame.readDoubleBE(at + 16), frame.readDoubleBE(at + 24)];
      const sub = frame.readUInt32BE(at + 32);
      const tombstone = frame.readUInt8(at + 36) === 1;
      const length = frame.readUInt32BE(at + 37);
      at += versionHeadBytes;
      const value = frame.subarray(at, (at += length));
      const change = store.addVersion(name, { value, createRevision, modRevision, version, lease, sub, tombstone });
      if (modRevision >= store.firstChange) changes[modRevision - store.firstChange]!.push(change);
      if (lease !== 0 && v === versionCount - 1) store.leases.move(name, 0, lease);
    }
  }
  return count;
}

/** Each frame is its length in four bytes and its bytes, so that chunks may be cut anywhere. */
function framed(body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, 4);
  return frame;
}

class Frames {
  private offset = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): Buffer {
    const start = this.offset + 4;
    const end = start <= this.bytes.length ? start + this.bytes.readUInt32BE(this.offset) : start;
    if (end > this.bytes.length) throw new Error(`etcd snapshot: ends in the middle of a frame at byte ${this.offset}`);
    this.offset = end;
    return this.bytes.subarray(start, end);
  }
}
