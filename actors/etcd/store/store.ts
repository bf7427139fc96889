import { crc32 } from "node:zlib";
import type { KeyValue } from "../../../protocol/etcd";
import { AuthStore } from "../auth/users";
import { Alarms } from "./alarms";
import { Leases } from "./leases";
import { OrderedIndex } from "./ordered-index";
import { Slabs } from "./slab";
import { type History, Version } from "./version";

/**
 * etcd's multi-version store: every transaction that changes something makes one new revision of the whole key space, and reads can be
 * had at any revision since the last compaction. Deterministic: the same transactions make the same store, hash included.
 */
export class Store {
  /** The newest revision; an empty store is at 1. */
  revision = 1;
  /** Reads below this revision are refused; 0 before the first compaction. */
  compacted = 0;
  /** A running hash over all changes ever made: equal on members at the same revision. */
  hash = 0;
  /** Bytes of keys and values that are kept. */
  sizeBytes = 0;
  readonly index = new OrderedIndex<History>();
  readonly leases = new Leases();
  /** Replaced as a whole when a snapshot is restored. */
  auth = new AuthStore();
  readonly alarms = new Alarms();
  /** What each revision from firstChange on changed, for watchers and compaction. */
  changes: (readonly Version[])[] = [];
  firstChange = 2;
  private readonly slabs = new Slabs();
  private readonly scratch = new DataView(new ArrayBuffer(48));
  private keyScratch = Buffer.allocUnsafe(256);

  /** The key's newest version at a revision; undefined where it does not exist then. */
  at(history: History, revision: number): Version | undefined {
    const { versions } = history;
    for (let i = versions.length - 1; i >= 0; i--) {
      const version = versions[i]!;
      if (version.modRevision <= revision) return version.tombstone ? undefined : version;
    }
    return undefined;
  }

  get(key: string): Version | undefined {
    const newest = this.index.get(key)?.versions.at(-1);
    return newest?.tombstone ? undefined : newest;
  }

  /** What the key held before a change; null where that is compacted away or there was nothing. */
  before(change: Version): KeyValue | null {
    const revision = change.modRevision - 1;
    return revision < this.compacted ? null : (this.at(change.history, revision)?.kv ?? null);
  }

  changesOf(revision: number): readonly Version[] {
    return this.changes[revision - this.firstChange] ?? [];
  }

  /** Puts a version behind the others of its key. Only transactions and restoring do. */
  addVersion(key: string, { value, createRevision, modRevision, version, lease, sub, tombstone }: NewVersion): Version {
    const history = this.index.getOrAdd(key, () => ({ key, versions: [] }));
    const added = new Version(history, this.slabs.keep(value), createRevision, modRevision, version, lease, sub, tombstone);
    // An array that grows by itself keeps room for many more.
    if (history.versions.length === 0) history.versions = [added];
    else history.versions.push(added);
    this.sizeBytes += added.bytes;
    return added;
  }

  /** Ends a transaction: its changes become the next revision. None, none. */
  commit(changes: readonly Version[]): void {
    if (changes.length === 0) return;
    this.revision++;
    this.changes.push(changes.slice());
    for (const version of changes) this.hash = this.hashOf(version, this.hash);
  }

  hashOf({ history, value, createRevision, modRevision, version, lease, sub, tombstone }: Version, before: number): number {
    [modRevision, sub, createRevision, version, lease, tombstone ? 1 : 0].forEach((field, i) => {
      this.scratch.setFloat64(i * 8, field);
    });
    return extend(extend(crc32(this.scratch, before), this.bytesOf(history.key)), value);
  }

  private bytesOf(key: string): Uint8Array {
    if (key.length > this.keyScratch.length) this.keyScratch = Buffer.allocUnsafe(2 * key.length);
    return this.keyScratch.subarray(0, this.keyScratch.write(key, "latin1"));
  }
}

export type NewVersion = Pick<Version, "value" | "createRevision" | "modRevision" | "version" | "lease" | "sub" | "tombstone">;

/** Without bytes the hash stays as it is; zlib answers 0 for some empty buffers and not for others. */
function extend(hash: number, bytes: Uint8Array): number {
  return bytes.length === 0 ? hash : crc32(bytes, hash);
}

/** Bytes as text of the same order, one character per byte. */
export function textOf(bytes: Uint8Array): string {
  // What comes from a message is a Buffer already, and a second view costs more than the text.
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

/** The keys that a request means: from `from` up to but without `to`; null means no upper end. */
export interface KeyRange {
  readonly from: string;
  readonly to: string | null;
}

/** etcd's range_end: empty for the one key, a single 0 byte for all keys from `key` on (a single 0 byte as key: from the first). */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = textOf(key);
  if (rangeEnd.length === 0) return { from, to: `${from}\0` };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from: from === "\0" ? "" : from, to: null };
  return { from, to: textOf(rangeEnd) };
}

export function inRange(range: KeyRange, key: string): boolean {
  return key >= range.from && (range.to === null || key < range.to);
}
