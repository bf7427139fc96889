import { compact, scavenge } from "../../../actors/etcd/store/compaction";
import { LeaseExpiry } from "../../../actors/etcd/store/expiry";
import { OrderedIndex } from "../../../actors/etcd/store/ordered-index";
import { rangeRefusal, readRange } from "../../../actors/etcd/store/range";
import { restoreStore, snapshotOf } from "../../../actors/etcd/store/snapshot";
import { Store } from "../../../actors/etcd/store/store";
import { applyWrite, requestRefusal } from "../../../actors/etcd/store/txn";
import { Watchers } from "../../../actors/etcd/store/watchers";
import type { EtcdError, RangeRequest, TxnRequest, TxnResponse } from "../../../protocol/etcd";
import { compare, del, put, range, text, txn, watch } from "./requests";

/** What etcd's API documentation says of its key-value service, by its names. */

const by = { member: "etcd/0", term: 1 };
const write = (store: Store, request: Parameters<typeof applyWrite>[1]) => applyWrite(store, request, by);
const read = (store: Store, request: RangeRequest) => readRange(store, request, store.revision, { ...by, revision: store.revision });
const keys = (store: Store, request: RangeRequest) => read(store, request).kvs.map((kv) => text(kv.key));

function filled(...names: readonly string[]): Store {
  const store = new Store();
  for (const name of names) write(store, put(name, `value of ${name}`));
  return store;
}

describe("range", () => {
  const store = filled("a", "b", "b\0", "ba", "bb", "c", "\xff", "\xff\xff");

  test("without range_end it is the one key; with a prefix's end all keys of the prefix", () => {
    expect(keys(store, range("b"))).toEqual(["b"]);
    expect(keys(store, range("b", { to: "c" }))).toEqual(["b", "b\0", "ba", "bb"]);
  });

  test("range_end \\0 means all keys from key on; key and range_end \\0 all keys there are", () => {
    expect(keys(store, range("bb", { to: "\0" }))).toEqual(["bb", "c", "\xff", "\xff\xff"]);
    expect(keys(store, range("\0", { to: "\0" }))).toHaveLength(8);
  });

  test("keys are ordered as bytes, not as text", () => {
    expect(keys(store, range("\0", { to: "\0" }))).toEqual(["a", "b", "b\0", "ba", "bb", "c", "\xff", "\xff\xff"]);
  });

  test("limit cuts off, more tells of it, count does not care", () => {
    expect(read(store, range("b", { to: "c", limit: 2 }))).toMatchObject({ more: true, count: 4 });
    expect(read(store, range("b", { to: "c", limit: 4 }))).toMatchObject({ more: false, count: 4 });
    expect(read(store, range("b", { to: "c", countOnly: true }))).toMatchObject({ kvs: [], more: false, count: 4 });
  });

  test("keys_only leaves the values out and keeps the rest", () => {
    const [kv] = read(store, range("a", { keysOnly: true })).kvs;
    expect(kv).toMatchObject({ createRevision: 2, modRevision: 2, version: 1 });
    expect(kv!.value).toHaveLength(0);
  });

  test("the limit counts after sorting", () => {
    const request = range("b", { to: "c", limit: 2, sortTarget: "mod", sortOrder: "descend" });
    expect(keys(store, request)).toEqual(["bb", "ba"]);
    expect(keys(store, range("b", { to: "c", limit: 2, sortOrder: "descend" }))).toEqual(["bb", "ba"]);
    expect(keys(store, range("b", { to: "c", sortTarget: "value" }))).toEqual(["b", "b\0", "ba", "bb"]);
  });

  test("at an old revision it shows what was then; a future one is refused", () => {
    const aged = filled("a");
    write(aged, put("a", "newer"));
    write(aged, del("a"));
    expect(read(aged, range("a", { revision: 2 })).kvs.map((kv) => text(kv.value))).toEqual(["value of a"]);
    expect(read(aged, range("a", { revision: 3 })).kvs.map((kv) => text(kv.value))).toEqual(["newer"]);
    expect(read(aged, range("a", { revision: 4 })).kvs).toEqual([]);
    expect(rangeRefusal(aged, range("a", { revision: 5 }))?.message).toBe("etcdserver: mvcc: required revision is a future revision");
  });
});

describe("put and delete", () => {
  test("version counts from 1 in each life of a key, create_revision is the life's first, mod_revision its last", () => {
    const store = filled("a", "a");
    expect(store.get("a")).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
    write(store, del("a"));
    write(store, put("a", "again"));
    expect(store.get("a")).toMatchObject({ createRevision: 5, modRevision: 5, version: 1 });
  });

  test("prev_kv is what was there before", () => {
    const store = filled("a", "b");
    expect(write(store, put("a", "2", 0, true))).toMatchObject({ prevKv: { modRevision: 2 } });
    expect(write(store, put("new", "1", 0, true))).toMatchObject({ prevKv: null });
    expect(write(store, del("a", "c", true))).toMatchObject({ deleted: 2, prevKvs: [{ modRevision: 4 }, { modRevision: 3 }] });
  });

  test("a delete that finds nothing makes no revision", () => {
    const store = filled("a");
    expect(write(store, del("b"))).toMatchObject({ deleted: 0, header: { revision: 2 } });
  });
});

describe("txn", () => {
  test("all compares must hold for success; else failure runs", () => {
    const store = filled("a");
    const request = (mod: number) =>
      txn([compare("a", "version", "equal", 1), compare("a", "mod", "equal", mod)], [put("s", "1")], [put("f", "1")]);
    expect(write(store, request(2))).toMatchObject({ succeeded: true });
    expect(write(store, request(9))).toMatchObject({ succeeded: false });
    expect(keys(store, range("\0", { to: "\0" }))).toEqual(["a", "f", "s"]);
  });

  test.each([
    ["version", "equal", 1, true],
    ["version", "greater", 0, true],
    ["create", "notEqual", 2, false],
    ["mod", "less", 3, true],
    ["lease", "equal", 0, true],
    ["value", "equal", "value of a", true],
    ["value", "greater", "value", true],
  ] as const)("compare %s %s %p", (target, result, against, holds) => {
    expect(write(filled("a"), txn([compare("a", target, result, against)], []))).toMatchObject({ succeeded: holds });
  });

  test("a key that is not there has version, create and mod 0, and no value at all", () => {
    const store = new Store();
    expect(write(store, txn([compare("x", "mod", "equal", 0), compare("x", "version", "less", 1)], []))).toMatchObject({ succeeded: true });
    expect(write(store, txn([compare("x", "value", "equal", "")], []))).toMatchObject({ succeeded: false });
    expect(write(store, txn([compare("x", "value", "notEqual", "1")], []))).toMatchObject({ succeeded: false });
  });

  test("its changes share one revision, and its reads see what it wrote before them", () => {
    const store = filled("a");
    const response = write(store, txn([], [put("b", "1"), range("a", { to: "z" }), del("a"), range("a", { to: "z" })])) as TxnResponse;
    expect(store.revision).toBe(3);
    expect(response.responses.map((r) => (r.kind === "etcd.range.response" ? r.kvs.map((kv) => text(kv.key)) : r.kind))).toEqual([
      "etcd.put.response",
      ["a", "b"],
      "etcd.delete.response",
      ["b"],
    ]);
    expect(response.responses.every((r) => r.header.revision === 3)).toBe(true);
    expect(store.changesOf(3).map(({ sub }) => sub)).toEqual([0, 1]);
  });

  test("nested txns compare with the store as it was before any of them wrote", () => {
    const store = filled("a");
    const nested = txn([compare("a", "version", "equal", 1)], [put("seen", "before")], [put("seen", "after")]);
    write(store, txn([], [put("a", "2"), nested]));
    expect(text(store.get("seen")!.value)).toBe("before");
    expect(store.revision).toBe(3);
  });

  test.each<[string, TxnRequest]>([
    ["two puts", txn([], [put("a", "1"), put("a", "2")])],
    ["a put and a delete", txn([], [put("a", "1"), del("a")])],
    ["a put and a deleted range", txn([], [del("a", "c"), put("b", "1")])],
    ["a put and one in a nested branch", txn([], [put("a", "1"), txn([], [], [put("a", "2")])])],
  ])("one key may not be changed twice: %s", (_what, request) => {
    expect(requestRefusal(request, 128)?.message).toBe("etcdserver: duplicate key given in txn request");
  });

  test("branches that exclude each other may change the same key", () => {
    expect(requestRefusal(txn([], [put("a", "1")], [put("a", "2")]), 128)).toBeNull();
    expect(requestRefusal(txn([], [txn([], [put("a", "1")], [put("a", "2")])]), 128)).toBeNull();
  });

  test("too many operations are refused", () => {
    const many = Array.from({ length: 129 }, (_, n) => put(`k${n}`, "1"));
    expect(requestRefusal(txn([], many), 128)?.message).toBe("etcdserver: too many operations in txn request");
  });

  test("one fault, such as an unknown lease or a compacted read, and nothing of it happens", () => {
    const store = filled("a", "b", "c");
    compact(store, 3);
    const unknownLease = write(store, txn([], [put("x", "1"), put("y", "1", 42)])) as EtcdError;
    expect(unknownLease.message).toBe("etcdserver: requested lease not found");
    const compacted = write(store, txn([], [put("x", "1"), range("a", { revision: 2 })])) as EtcdError;
    expect(compacted.message).toBe("etcdserver: mvcc: required revision has been compacted");
    expect(store.revision).toBe(4);
    expect(store.get("x")).toBeUndefined();
  });
});

describe("compaction", () => {
  test("refuses what is compacted already and what is still to come", () => {
    const store = filled("a", "b");
    expect(compact(store, 3)).toBeNull();
    expect(compact(store, 3)?.message).toBe("etcdserver: mvcc: required revision has been compacted");
    expect(compact(store, 9)?.message).toBe("etcdserver: mvcc: required revision is a future revision");
  });

  test("removes superseded versions and old deletions, and what is left can be read at the compacted revision", () => {
    const store = filled("a", "a", "a", "gone");
    write(store, del("gone"));
    write(store, put("b", "1"));
    const before = store.sizeBytes;
    compact(store, 7);
    expect(scavenge(store, 1)).toBe(false);
    while (!scavenge(store, 1));
    expect(store.sizeBytes).toBeLessThan(before);
    expect(store.index.size).toBe(2);
    expect(keys(store, range("\0", { to: "\0", revision: 7 }))).toEqual(["a", "b"]);
  });

  test("at a deletion's own revision the deletion is still shown to a watch from there (etcd#18089)", () => {
    const store = filled("a");
    write(store, del("a"));
    compact(store, 3);
    while (!scavenge(store, 10));
    for (const kept of [store, restoreStore(snapshotOf(store))]) {
      const watchers = new Watchers();
      const watcher = watchers.add(kept, "w", watch("a", { startRevision: 3 }));
      expect(watchers.take(kept, watcher, 10)).toMatchObject({ type: "events", events: [{ type: "delete", kv: { modRevision: 3 } }] });
    }
  });

  test("never lowers the current revision, whatever was deleted last (etcd#17780)", () => {
    const store = filled("a");
    write(store, del("a"));
    compact(store, 3);
    while (!scavenge(store, 10));
    expect(restoreStore(snapshotOf(store)).revision).toBe(3);
  });
});

describe("watchers", () => {
  test("all changes of one txn come together (atomic)", () => {
    const store = filled("a");
    const watchers = new Watchers();
    const watcher = watchers.add(store, "w", watch("\0", { to: "\0", startRevision: 2 }));
    write(store, txn([], [put("a", "1"), put("b", "1"), put("c", "1")]));
    expect(watchers.take(store, watcher, 1)).toMatchObject({ events: [{ kv: { modRevision: 2 } }] });
    expect(watchers.take(store, watcher, 1)).toMatchObject({ events: [{}, {}, {}] });
  });

  test("prev_kv is the value before, and null once that is compacted", () => {
    const store = filled("a", "a", "a");
    compact(store, 3);
    while (!scavenge(store, 10));
    const watchers = new Watchers();
    const watcher = watchers.add(store, "w", watch("a", { startRevision: 3, prevKv: true }));
    expect(watchers.take(store, watcher, 10)).toMatchObject({ events: [{ prevKv: null }, { prevKv: { modRevision: 3 } }] });
  });

  test("one that is to start in the future hears nothing before", () => {
    const store = filled("a");
    const watchers = new Watchers();
    const watcher = watchers.add(store, "w", watch("a", { startRevision: 4 }));
    for (const value of ["2", "3", "4"]) {
      write(store, put("a", value));
      watchers.changed(store.revision, store.changesOf(store.revision));
    }
    const batch = watchers.take(store, watcher, 10);
    expect(batch.type === "events" && batch.events.map(({ kv }) => kv.modRevision)).toEqual([4, 5]);
  });

  test("one that compaction has overtaken is told so", () => {
    const store = filled("a", "a", "a");
    const watchers = new Watchers();
    const watcher = watchers.add(store, "w", watch("a", { startRevision: 2 }));
    compact(store, 4);
    expect(watchers.take(store, watcher, 10)).toEqual({ type: "compacted", compactRevision: 4 });
  });
});

describe("leases", () => {
  test("a key hangs on its last put's lease", () => {
    const store = new Store();
    store.leases.grant(1, 10);
    store.leases.grant(2, 10);
    write(store, put("a", "1", 1));
    write(store, put("a", "1", 2));
    expect([...store.leases.get(1)!.keys]).toEqual([]);
    expect([...store.leases.get(2)!.keys]).toEqual(["a"]);
    write(store, put("a", "1"));
    expect([...store.leases.get(2)!.keys]).toEqual([]);
  });

  test("a new leader counts from the checkpoint and adds an election time-out, never less (etcd#17132)", () => {
    const store = new Store();
    store.leases.grant(1, 600, 200);
    store.leases.grant(2, 10);
    const expiry = new LeaseExpiry(store.leases, 5_000, 1_000);
    expect(expiry.remainingSeconds(1, 5_000)).toBe(201);
    expect(expiry.expired(15_999)).toEqual([]);
    expect(expiry.expired(16_000)).toEqual([2]);
    expect(expiry.nextDueMs()).toBe(16_000);
  });

  test("they survive a snapshot with their keys and what is left of them", () => {
    const store = new Store();
    store.leases.grant(7, 600, 42);
    write(store, put("a", "1", 7));
    const restored = restoreStore(snapshotOf(store));
    expect(restored.leases.get(7)).toMatchObject({ grantedTtlSeconds: 600, remainingTtlSeconds: 42, keys: new Set(["a"]) });
  });
});

describe("the index", () => {
  test("holds a hundred thousand keys in order, through inserts in any order and removals", () => {
    const index = new OrderedIndex<number>();
    const name = (n: number) => `/registry/pods/${String(n).padStart(6, "0")}`;
    for (let n = 0; n < 100_000; n++) index.getOrAdd(name((n * 61_813) % 100_000), () => n);
    for (let n = 0; n < 100_000; n += 3) index.delete(name(n));
    expect(index.size).toBe(66_666);
    const seen: string[] = [];
    index.scan(name(50_000), name(50_010), (_value, key) => void seen.push(key));
    expect(seen).toEqual([50_000, 50_002, 50_003, 50_005, 50_006, 50_008, 50_009].filter((n) => n % 3 !== 0).map(name));
  });

  test("a scan looks at no more than it answers", () => {
    const index = new OrderedIndex<number>();
    for (let n = 0; n < 10_000; n++) index.getOrAdd(`k${String(n).padStart(5, "0")}`, () => n);
    let visited = 0;
    index.scan("k05000", null, () => ++visited < 10);
    expect(visited).toBe(10);
  });
});

test("a snapshot that is cut off is refused, and says where", () => {
  const bytes = snapshotOf(filled("a", "b"));
  expect(() => restoreStore(bytes.subarray(0, bytes.length - 3))).toThrow(/ends in the middle of a frame at byte \d+/);
});
