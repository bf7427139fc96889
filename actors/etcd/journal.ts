import { decodeValue, encodeValue } from "../../protocol/codec";
import type { Entry } from "../../protocol/raft";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { decodeMembership, type Membership } from "./membership";
import type { LogPosition } from "./raft/log";
import type { HardState, Persisted } from "./raft/node";
import type { Write } from "./raft/ready";
import { enclosedIn, restoreStore } from "./store/snapshot";
import { Store } from "./store/store";

const log = "raft";
const types: readonly Entry["type"][] = ["noop", "data", "configuration"];
const blobPattern = /^snapshot-(\d+)$/;

type EntryRow = readonly [index: number, term: number, type: number, data: Uint8Array];
type Record = readonly [term: number, vote: string | null, commit: number, entries: readonly EntryRow[]];

export interface RecoveredMember {
  readonly persisted: Persisted;
  readonly store: Store;
  /** As of the snapshot; null where no snapshot says. */
  readonly membership: Membership | null;
  readonly journal: Journal;
}

/**
 * A member's part of the disk. The log is only ever appended to: each write of Raft is one record, and entries in a later record replace
 * those from the same index on in earlier ones. Snapshots are blobs named after the index that they cover.
 */
export class Journal {
  /** Where the entries of the current log begin in the records, ascending in both. */
  private starts: { readonly entry: number; readonly record: number }[] = [];
  private snapshots: string[];
  /** Bytes of each record that is kept, and of each snapshot, by its name. */
  private recordBytes: number[] = [];
  private readonly snapshotBytes = new Map<string, number>();
  private bytes = 0;

  private constructor(
    private firstRecord: number,
    private lastRecord: number,
    snapshots: readonly string[],
  ) {
    this.snapshots = snapshots.slice();
  }

  /** Reads what the disk kept. Throws an Error that says what is wrong with it: a member that has lost a part must not vote. */
  static recover(recovered: Recovered): RecoveredMember {
    const { snapshot, store, membership, name } = newestSnapshot(recovered.blobs);
    const { firstIndex = 1, records = [] } = recovered.logs.get(log) ?? {};
    const blobs = [...recovered.blobs.keys()].filter((blob) => blobPattern.test(blob) && blob !== name);
    const journal = new Journal(firstIndex, firstIndex + records.length - 1, name === null ? blobs : [...blobs, name]);
    let hardState: HardState = { term: 0, vote: null, commit: 0 };
    const entries: Entry[] = [];
    for (const blob of journal.snapshots) journal.countSnapshot(blob, recovered.blobs.get(blob)!.length);
    for (const [i, bytes] of records.entries()) {
      journal.countRecord(bytes.length);
      const [term, vote, commit, rows] = decodeValue(bytes) as Record;
      hardState = { term, vote, commit };
      const first = rows[0]?.[0];
      if (first === undefined) continue;
      while (entries.length > 0 && entries.at(-1)!.index >= first) entries.pop();
      for (const [index, entryTerm, type, data] of rows) entries.push({ index, term: entryTerm, type: types[type]!, data });
      journal.begins(first, firstIndex + i);
    }
    const kept = entries.filter((entry) => entry.index > snapshot.index);
    for (const [i, entry] of kept.entries())
      if (entry.index !== snapshot.index + 1 + i)
        throw new Error(`etcd log: entry ${snapshot.index + 1 + i} is missing: found ${entry.index} after snapshot ${snapshot.index}`);
    return {
      persisted: { hardState, snapshot, configuration: membership?.configuration ?? null, entries: kept },
      store,
      membership,
      journal,
    };
  }

  /** How many records the log on disk holds. */
  get recordsKept(): number {
    return this.lastRecord - this.firstRecord + 1;
  }

  /** Bytes of the records and snapshots that are kept. A segment's file goes when all of its records may. */
  get diskBytes(): number {
    return this.bytes;
  }

  /** What makes a write of Raft durable; `received` holds the bytes of the snapshot in it. */
  write(write: Write, received: Uint8Array | null): readonly DiskOperation[] {
    const { hardState, entries, snapshot } = write;
    const rows = entries.map((entry): EntryRow => [entry.index, entry.term, types.indexOf(entry.type), entry.data]);
    const record: Record = [hardState.term, hardState.vote, hardState.commit, rows];
    this.lastRecord++;
    const bytes = encodeValue(record);
    this.countRecord(bytes.length);
    const append: DiskOperation = { type: "append", log, records: [bytes] };
    if (snapshot && received) {
      this.starts = rows.length > 0 ? [{ entry: rows[0]![0], record: this.lastRecord }] : [];
      const blob: DiskOperation = {
        type: "writeBlob",
        blob: this.nameSnapshot(snapshot),
        chunk: blobStart(snapshot, received),
        last: true,
      };
      this.countSnapshot(blob.blob, received.length);
      return [append, blob, ...this.forgetOlderSnapshots(), this.dropBefore(this.lastRecord)];
    }
    if (rows.length > 0) this.begins(rows[0]![0], this.lastRecord);
    return [append];
  }

  /** One chunk of a snapshot of this member's own making. With the last one it takes the place of the older. */
  writeSnapshot(snapshot: LogPosition, chunk: Uint8Array, first: boolean, last: boolean): readonly DiskOperation[] {
    const blob = `snapshot-${snapshot.index}`;
    const write: DiskOperation = { type: "writeBlob", blob, chunk: first ? blobStart(snapshot, chunk) : chunk, last };
    if (first) this.forgetBytes(blob);
    this.countSnapshot(blob, chunk.length);
    if (!last) return [write];
    this.nameSnapshot(snapshot);
    return [write, ...this.forgetOlderSnapshots()];
  }

  /** Drops records that hold nothing of the log behind `dropIndex`; the last record stays for its term and vote. */
  drop(dropIndex: number): readonly DiskOperation[] {
    let keep = this.starts.length - 1;
    while (keep > 0 && this.starts[keep]!.entry > dropIndex + 1) keep--;
    if (keep <= 0) return [];
    this.starts.splice(0, keep);
    return [this.dropBefore(this.starts[0]!.record)];
  }

  private dropBefore(record: number): DiskOperation {
    for (const bytes of this.recordBytes.splice(0, record - this.firstRecord)) this.bytes -= bytes;
    this.firstRecord = record;
    return { type: "dropPrefix", log, beforeIndex: record };
  }

  private countRecord(bytes: number): void {
    this.recordBytes.push(bytes);
    this.bytes += bytes;
  }

  private countSnapshot(blob: string, bytes: number): void {
    this.snapshotBytes.set(blob, (this.snapshotBytes.get(blob) ?? 0) + bytes);
    this.bytes += bytes;
  }

  private forgetBytes(blob: string): void {
    this.bytes -= this.snapshotBytes.get(blob) ?? 0;
    this.snapshotBytes.delete(blob);
  }

  private begins(entry: number, record: number): void {
    while (this.starts.length > 0 && this.starts.at(-1)!.entry >= entry) this.starts.pop();
    this.starts.push({ entry, record });
  }

  private nameSnapshot(snapshot: LogPosition): string {
    const name = `snapshot-${snapshot.index}`;
    this.snapshots.push(name);
    return name;
  }

  private forgetOlderSnapshots(): readonly DiskOperation[] {
    const older = this.snapshots.slice(0, -1);
    this.snapshots = this.snapshots.slice(-1);
    // Those among them whose writing was given up.
    for (const blob of [...this.snapshotBytes.keys()]) if (!this.snapshots.includes(blob)) this.forgetBytes(blob);
    return older.map((blob) => ({ type: "deleteBlob", blob }));
  }
}

interface FoundSnapshot {
  readonly snapshot: LogPosition;
  readonly store: Store;
  readonly membership: Membership | null;
  readonly name: string | null;
}

function newestSnapshot(blobs: Recovered["blobs"]): FoundSnapshot {
  let newest: { readonly name: string; readonly index: number } | null = null;
  for (const name of blobs.keys()) {
    const index = Number(blobPattern.exec(name)?.[1] ?? -1);
    if (index > (newest?.index ?? -1)) newest = { name, index };
  }
  if (!newest) return { snapshot: { index: 0, term: 0 }, store: new Store(), membership: null, name: null };
  const bytes = blobs.get(newest.name)!;
  if (bytes.length < 16) throw new Error(`etcd ${newest.name}: ${bytes.length} bytes are not a snapshot`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const snapshot = { index: view.getFloat64(0), term: view.getFloat64(8) };
  if (snapshot.index !== newest.index) throw new Error(`etcd ${newest.name}: holds the snapshot of index ${snapshot.index}`);
  const body = bytes.subarray(16);
  const enclosed = enclosedIn(body);
  const membership = enclosed.length > 0 ? decodeMembership(enclosed) : null;
  return { snapshot, store: restoreStore(body), membership, name: newest.name };
}

/** A snapshot's blob begins with the position that it covers, eight bytes each. */
function blobStart(snapshot: LogPosition, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + chunk.length);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, snapshot.index);
  view.setFloat64(8, snapshot.term);
  bytes.set(chunk, 16);
  return bytes;
}
