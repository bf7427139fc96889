import { restoreStore, snapshotOf } from "../../actors/etcd/store/snapshot";
import { Store } from "../../actors/etcd/store/store";
import { applyWrite } from "../../actors/etcd/store/txn";
import { SnapshotReceiver, SnapshotSender } from "../../actors/etcd/transfer";
import { put } from "./store/requests";

const limits = { chunkBytes: 10_000, resendMs: 200, giveUpMs: 5_000 };

function storeOf(keys: number): Store {
  const store = new Store();
  for (let n = 0; n < keys; n++) applyWrite(store, put(`/k${n}`, "v".repeat(100)), { member: "", term: 0 });
  return store;
}

function sender(store: Store): SnapshotSender {
  return new SnapshotSender("etcd/1", 3, { index: 99, term: 2 }, store, limits, 0);
}

describe("a snapshot in chunks (section 7)", () => {
  test("arrives whole, one chunk after the other, whatever is lost or doubled", () => {
    const store = storeOf(2_000);
    const from = sender(store);
    const to = new SnapshotReceiver("etcd/0", from.request);
    let whole: Uint8Array | null = null;
    let chunks = 0;
    for (let n = 0; whole === null; n++) {
      const { request } = from;
      // Every third chunk is lost, every fifth comes twice; both are sent again in the end.
      if (n % 3 === 0) continue;
      whole = to.take(request) ?? whole;
      if (n % 5 === 0) expect(to.take(request)).toBeNull();
      chunks++;
      from.answered(to.response, n);
    }
    expect(chunks).toBeGreaterThan(5);
    expect(Buffer.from(whole).equals(snapshotOf(store))).toBe(true);
    expect(restoreStore(whole).hash).toBe(store.hash);
    expect(from.answered(to.response, 0)).toBe("done");
  });

  test("shows the store as it was when it began, though the store goes on", () => {
    const store = storeOf(500);
    const before = Buffer.from(snapshotOf(store));
    const from = sender(store);
    const to = new SnapshotReceiver("etcd/0", from.request);
    let whole: Uint8Array | null = null;
    while (whole === null) {
      applyWrite(store, put("/k0", "changed"), { member: "", term: 0 });
      whole = to.take(from.request);
      from.answered(to.response, 0);
    }
    expect(before.equals(whole)).toBe(true);
  });

  test("a chunk without an answer is sent again, and a receiver that takes nothing is given up", () => {
    const from = sender(storeOf(500));
    expect([100, 200, 300, 400].map((ms) => from.time(ms))).toEqual(["wait", "resend", "wait", "resend"]);
    expect(from.time(5_000)).toBe("giveUp");
  });

  test("an answer about another snapshot, or an older chunk, moves nothing", () => {
    const from = sender(storeOf(500));
    const { request } = from;
    const answer = { kind: "raft.snapshot.response", term: 3, index: 99, received: 0, done: false } as const;
    expect(from.answered(answer, 0)).toBe("wait");
    expect(from.answered({ ...answer, index: 98, received: request.bytes.length }, 0)).toBe("wait");
    expect(from.request).toEqual(request);
  });
});
