import fc from "fast-check";
import { Journal } from "../../actors/etcd/journal";
import type { Write } from "../../actors/etcd/raft/ready";
import { snapshotOf } from "../../actors/etcd/store/snapshot";
import { Store } from "../../actors/etcd/store/store";
import { applyWrite } from "../../actors/etcd/store/txn";
import type { Entry } from "../../protocol/raft";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { put } from "./store/requests";

/** The disk as its contract says: logs that are appended to and lose prefixes, blobs that are replaced as a whole. */
class Disk {
  private first = 1;
  private records: Uint8Array[] = [];
  private readonly blobs = new Map<string, Uint8Array>();
  private readonly chunks = new Map<string, Uint8Array[]>();

  perform(operations: readonly DiskOperation[]): void {
    for (const operation of operations)
      if (operation.type === "append") this.records.push(...operation.records);
      else if (operation.type === "dropPrefix") {
        this.records.splice(0, operation.beforeIndex - this.first);
        this.first = Math.max(this.first, operation.beforeIndex);
      } else if (operation.type === "deleteBlob") this.blobs.delete(operation.blob);
      else {
        const chunks = [...(this.chunks.get(operation.blob) ?? []), operation.chunk];
        this.chunks.set(operation.blob, chunks);
        if (!operation.last) continue;
        this.blobs.set(operation.blob, Buffer.concat(chunks));
        this.chunks.delete(operation.blob);
      }
  }

  get recovered(): Recovered {
    return { logs: new Map([["raft", { firstIndex: this.first, records: this.records }]]), blobs: this.blobs };
  }

  get size(): number {
    return this.records.length;
  }

  get blobNames(): readonly string[] {
    return [...this.blobs.keys()];
  }

  spoil(): void {
    this.records.splice(1, 1);
  }
}

function entry(index: number, term: number): Entry {
  return { index, term, type: "data", data: Uint8Array.of(index, term) };
}

function write(term: number, entries: readonly Entry[], more: Partial<Write> = {}): Write {
  return { id: 0, hardState: { term, vote: "etcd/1", commit: 0 }, entries, snapshot: null, messagesAfter: [], ...more };
}

function storeAt(revision: number): Store {
  const store = new Store();
  while (store.revision < revision) applyWrite(store, put("/a", `${store.revision}`), { member: "", term: 0 });
  return store;
}

describe("the journal", () => {
  test("brings back term, vote and entries; later writes replace earlier entries from their first index on", () => {
    const disk = new Disk();
    const { journal } = Journal.recover(disk.recovered);
    disk.perform(journal.write(write(1, [entry(1, 1), entry(2, 1), entry(3, 1)]), null));
    disk.perform(journal.write(write(2, [entry(2, 2)]), null));
    disk.perform(journal.write(write(4, []), null));
    const { persisted } = Journal.recover(disk.recovered);
    expect(persisted.hardState).toEqual({ term: 4, vote: "etcd/1", commit: 0 });
    expect(persisted.entries.map(({ index, term }) => [index, term])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect([...persisted.entries[0]!.data]).toEqual([1, 1]);
  });

  test("a snapshot takes the place of what it covers, and older snapshots go", () => {
    const disk = new Disk();
    const { journal } = Journal.recover(disk.recovered);
    for (let index = 1; index <= 20; index++) disk.perform(journal.write(write(1, [entry(index, 1)]), null));
    for (const index of [5, 12]) {
      const bytes = snapshotOf(storeAt(index));
      disk.perform(journal.writeSnapshot({ index, term: 1 }, bytes.subarray(0, 10), true, false));
      expect(disk.blobNames).not.toContain(`snapshot-${index}`);
      disk.perform(journal.writeSnapshot({ index, term: 1 }, bytes.subarray(10), false, true));
      disk.perform(journal.drop(index));
    }
    expect(disk.blobNames).toEqual(["snapshot-12"]);
    expect(disk.size).toBe(8);
    expect(journal.recordsKept).toBe(8);
    const { persisted, store } = Journal.recover(disk.recovered);
    expect(persisted.snapshot).toEqual({ index: 12, term: 1 });
    expect(persisted.entries.map(({ index }) => index)).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
    expect(store.revision).toBe(12);
  });

  test("a snapshot from the leader replaces log and store in one write", () => {
    const disk = new Disk();
    const { journal } = Journal.recover(disk.recovered);
    disk.perform(journal.write(write(1, [entry(1, 1), entry(2, 1)]), null));
    disk.perform(journal.write(write(3, [], { snapshot: { index: 9, term: 2 } }), snapshotOf(storeAt(6))));
    disk.perform(journal.write(write(3, [entry(10, 3)]), null));
    const { persisted, store } = Journal.recover(disk.recovered);
    expect(persisted).toMatchObject({ snapshot: { index: 9, term: 2 }, hardState: { term: 3 }, entries: [{ index: 10, term: 3 }] });
    expect(store.revision).toBe(6);
  });

  test("a log with a hole is refused: a member that has lost a part must not vote", () => {
    const disk = new Disk();
    const { journal } = Journal.recover(disk.recovered);
    for (let index = 1; index <= 3; index++) disk.perform(journal.write(write(1, [entry(index, 1)]), null));
    disk.spoil();
    expect(() => Journal.recover(disk.recovered)).toThrow("etcd log: entry 2 is missing: found 3 after snapshot 0");
  });

  test("whatever was written and dropped, it brings back what the log held (random writes)", () => {
    const step = fc.record({ back: fc.nat(3), count: fc.nat(4), drop: fc.nat(6), restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const disk = new Disk();
        let { journal } = Journal.recover(disk.recovered);
        let entries: Entry[] = [];
        let snapshot = 0;
        for (const [term, { back, count, drop, restart }] of steps.entries()) {
          const last = entries.at(-1)?.index ?? snapshot;
          const first = Math.max(snapshot, last - back) + 1;
          const added = Array.from({ length: count }, (_, i) => entry(first + i, term));
          disk.perform(journal.write(write(term, added), null));
          if (count > 0) entries = [...entries.filter(({ index }) => index < first), ...added];
          const end = entries.at(-1)?.index ?? snapshot;
          if (drop > 3 && end > snapshot) {
            snapshot = Math.max(snapshot + 1, end - drop);
            disk.perform(journal.writeSnapshot({ index: snapshot, term }, snapshotOf(new Store()), true, true));
            disk.perform(journal.drop(snapshot));
            entries = entries.filter(({ index }) => index > snapshot);
          }
          if (restart) journal = Journal.recover(disk.recovered).journal;
          const { persisted } = Journal.recover(disk.recovered);
          expect(persisted.hardState.term).toBe(term);
          expect(persisted.entries.map(({ index, term }) => [index, term])).toEqual(entries.map(({ index, term }) => [index, term]));
          expect(journal.recordsKept).toBe(disk.size);
        }
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});
