import { Store } from "../../../actors/etcd/store/store";
import { applyWrite, requestRefusal } from "../../../actors/etcd/store/txn";
import { Watchers } from "../../../actors/etcd/store/watchers";
import type { TxnRequest } from "../../../protocol/etcd";
import { compare, del, put, range, txn, watch } from "./requests";

/** What comparing with the real server (test/etcd/differential.test.ts) has shown, each by its smallest sequence. */

const by = { member: "etcd/0", term: 1 };
const refusalOf = (request: TxnRequest) => requestRefusal(request, 128)?.message;
const duplicate = "etcdserver: duplicate key given in txn request";

describe("which transactions etcd takes for writing a key twice", () => {
  test("not those that put it in one branch of a nested transaction and delete it in the other", () => {
    const nested = txn([], [put("b", "")], [txn([], [], [del("b")])]);
    expect(refusalOf(txn([], [], [nested]))).toBeUndefined();
    expect(refusalOf(txn([], [nested, put("b", "")]))).toBe(duplicate);
  });

  test("not those in which a later nested transaction deletes what an earlier one put, but the other way round", () => {
    const [puts, deletes] = [txn([], [put("b", "")]), txn([], [del("b")])];
    expect(refusalOf(txn([], [puts, deletes]))).toBeUndefined();
    expect(refusalOf(txn([], [deletes, puts]))).toBe(duplicate);
  });

  test("not those that delete it by a range without an end: then the put happens after the deletion, and the event has no previous value", () => {
    const request = txn([], [del("a", "\0"), put("b", "new")]);
    expect(refusalOf(request)).toBeUndefined();
    expect(refusalOf(txn([], [del("a", "c"), put("b", "new")]))).toBe(duplicate);
    const store = new Store();
    applyWrite(store, put("b", "old"), by);
    applyWrite(store, request, by);
    const watchers = new Watchers();
    const watcher = watchers.add(store, "w", watch("b", { startRevision: 3, prevKv: true }));
    const batch = watchers.take(store, watcher, 10);
    expect(batch.type === "events" && batch.events.map(({ type, prevKv }) => [type, prevKv?.modRevision])).toEqual([
      ["delete", 2],
      ["put", undefined],
    ]);
  });
});

describe("which fault etcd names where a transaction has several", () => {
  test("a missing key anywhere in it before a key that is written twice", () => {
    const nameless = txn([compare("", "version", "equal", 0)], []);
    expect(refusalOf(txn([], [txn([], [], [put("d", ""), del("d")])], [nameless]))).toBe("etcdserver: key is not provided");
  });

  test("a put's fault before a range's, wherever they stand", () => {
    const request = txn([], [range("a", { revision: 99 }), put("a", "", 7)]);
    expect(applyWrite(new Store(), request, by)).toMatchObject({ message: "etcdserver: requested lease not found" });
  });

  test("a missing key to keep the value of before a missing lease, and in a put by itself the lease", () => {
    const keeps = { ...put("a", "", 7), ignoreValue: true };
    expect(applyWrite(new Store(), txn([], [keeps]), by)).toMatchObject({ message: "etcdserver: key not found" });
    expect(applyWrite(new Store(), keeps, by)).toMatchObject({ message: "etcdserver: requested lease not found" });
  });

  test("a value or a lease that comes with a put which is to keep it", () => {
    expect(refusalOf(txn([], [{ ...put("a", "x"), ignoreValue: true }]))).toBe("etcdserver: value is provided");
    expect(refusalOf(txn([], [{ ...put("a", "", 7), ignoreLease: true }]))).toBe("etcdserver: lease is provided");
  });

  test("too many operations: each level leaves the nested ones less room", () => {
    const nested = txn([], [put("a", ""), put("b", "")]);
    expect(requestRefusal(txn([], [nested, put("c", "")]), 3)?.message).toBe("etcdserver: too many operations in txn request");
    expect(requestRefusal(txn([], [nested, put("c", "")]), 4)).toBeNull();
  });
});
