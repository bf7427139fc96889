import fc from "fast-check";
import { compact, scavenge } from "../../../actors/etcd/store/compaction";
import { hashKv } from "../../../actors/etcd/store/hash";
import { rangeRefusal, readRange } from "../../../actors/etcd/store/range";
import { restoreStore, snapshotOf } from "../../../actors/etcd/store/snapshot";
import { Store } from "../../../actors/etcd/store/store";
import { applyWrite, requestRefusal } from "../../../actors/etcd/store/txn";
import { Watchers } from "../../../actors/etcd/store/watchers";
import type { KeyValue, TxnOperation, WatchEvent } from "../../../protocol/etcd";
import { compare, del, put, range, text, txn, watch } from "./requests";

const by = { member: "etcd/0", term: 1 };

type Row = readonly [key: string, value: string, create: number, mod: number, version: number];
const row = (kv: KeyValue): Row => [text(kv.key), text(kv.value), kv.createRevision, kv.modRevision, kv.version];

/** The plainest store that keeps etcd's promises: a whole copy of the key space per revision. */
class Model {
  readonly states: ReadonlyMap<string, Row>[] = [new Map(), new Map()];
  compacted = 0;

  get revision(): number {
    return this.states.length - 1;
  }

  /** Writes as one transaction: `null` deletes. */
  write(writes: ReadonlyMap<string, string | null>): void {
    const before = this.states.at(-1)!;
    const after = new Map(before);
    const mod = this.revision + 1;
    let changed = false;
    for (const [key, value] of writes) {
      const old = before.get(key);
      if (value !== null) after.set(key, [key, value, old?.[2] ?? mod, mod, (old?.[4] ?? 0) + 1]);
      else if (!after.delete(key)) continue;
      changed = true;
    }
    if (changed) this.states.push(after);
  }

  range(from: string, to: string, revision: number): readonly Row[] {
    const rows = [...this.states[revision]!.values()].filter(([key]) => key >= from && key < to);
    return rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  /** What a watch from that revision must show: per revision the keys put or deleted. */
  events(from: string, to: string, startRevision: number): readonly string[] {
    const seen: string[] = [];
    for (let revision = Math.max(startRevision, 2); revision <= this.revision; revision++) {
      const before = this.states[revision - 1]!;
      const after = this.states[revision]!;
      for (const key of new Set([...before.keys(), ...after.keys()])) {
        if (key < from || key >= to || before.get(key) === after.get(key)) continue;
        seen.push(after.has(key) ? `${revision} put ${key}=${after.get(key)![1]}` : `${revision} delete ${key}`);
      }
    }
    return seen.sort();
  }
}

const key = fc.constantFrom("a", "b", "b0", "c", "d\xff", "d\xffz");
const action = fc.oneof(
  fc.record({ type: fc.constant("put" as const), key, value: fc.constantFrom("1", "2", "") }),
  fc.record({ type: fc.constant("delete" as const), key, to: fc.constantFrom("", "c", "\0") }),
  fc.record({ type: fc.constant("txn" as const), key, value: fc.constantFrom("1", "2"), other: key }),
  fc.record({ type: fc.constant("compact" as const), back: fc.nat(4), revisions: fc.nat(3) }),
  fc.record({ type: fc.constant("restore" as const) }),
);

class Pair {
  store = new Store();
  readonly model = new Model();
  readonly watchers = new Watchers();
  readonly live: string[] = [];

  constructor() {
    this.watchers.add(this.store, "live", watch("b", { to: "d", prevKv: true }));
  }

  do(step: typeof action extends fc.Arbitrary<infer A> ? A : never): void {
    const { store, model } = this;
    const revision = store.revision;
    if (step.type === "put") {
      applyWrite(store, put(step.key, step.value), by);
      model.write(new Map([[step.key, step.value]]));
    } else if (step.type === "delete") {
      applyWrite(store, del(step.key, step.to), by);
      const end = step.to === "" ? `${step.key}\0` : step.to === "\0" ? "\uffff" : step.to;
      model.write(new Map(model.range(step.key, end, model.revision).map(([name]) => [name, null])));
    } else if (step.type === "txn") {
      const operations: TxnOperation[] = [put(step.key, step.value), del(step.other)];
      const request = txn([compare(step.key, "value", "equal", "1")], operations, [del(step.key)]);
      if (requestRefusal(request, 128)) return;
      const succeeds = model.states.at(-1)!.get(step.key)?.[1] === "1";
      applyWrite(store, request, by);
      model.write(
        new Map(
          succeeds
            ? [
                [step.key, step.value],
                [step.other, null],
              ]
            : [[step.key, null]],
        ),
      );
    } else if (step.type === "compact") {
      const to = store.revision - step.back;
      if (compact(store, to) === null) model.compacted = to;
      scavenge(store, step.revisions);
    } else this.store = restoreStore(snapshotOf(store));
    for (let r = revision + 1; r <= this.store.revision; r++) this.watchers.changed(r, this.store.changesOf(r));
    for (const watcher of this.watchers.waiting(this.store)) this.show(this.watchers.take(this.store, watcher, 100), this.live);
  }

  show(batch: ReturnType<Watchers["take"]>, into: string[]): void {
    if (batch.type === "compacted") throw new Error("compacted");
    into.push(...batch.events.map(shown));
  }
}

function shown({ type, kv }: WatchEvent): string {
  return type === "put" ? `${kv.modRevision} put ${text(kv.key)}=${text(kv.value)}` : `${kv.modRevision} delete ${text(kv.key)}`;
}

const actions = fc.array(action, { minLength: 1, maxLength: 40, size: "max" });

describe("the store keeps etcd's promises as a copy of the key space per revision would", () => {
  test("range answers the same at every revision that is not compacted, and refuses the others", () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const pair = new Pair();
        for (const step of steps) pair.do(step);
        const { store, model } = pair;
        expect(store.revision).toBe(model.revision);
        for (let revision = 1; revision <= model.revision; revision++) {
          const request = range("a", { to: "d\xffa", revision });
          if (revision < model.compacted) expect(rangeRefusal(store, request)?.message).toContain("compacted");
          else
            expect(readRange(store, request, store.revision, { ...by, revision: 0 }).kvs.map(row)).toEqual(
              model.range("a", "d\xffa", revision),
            );
        }
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  test("a watcher from now on and one from any kept revision see each change once, in order", () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const pair = new Pair();
        for (const step of steps) pair.do(step);
        const { store, model, watchers } = pair;
        expect(pair.live.slice().sort()).toEqual(model.events("b", "d", 2));
        const start = Math.max(1, model.compacted);
        const late: string[] = [];
        const watcher = watchers.add(store, "late", watch("b", { to: "d", startRevision: start }));
        for (let rounds = 0; !watchers.hasSeenAll(store, watcher) && rounds < 100; rounds++)
          pair.show(watchers.take(store, watcher, 2), late);
        expect(late.slice().sort()).toEqual(model.events("b", "d", start));
        expect(late.map((line) => Number.parseInt(line, 10))).toEqual(late.map((line) => Number.parseInt(line, 10)).sort((a, b) => a - b));
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test("two stores with the same writes have the same hashes, however far compaction and restarts have got", () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const one = new Pair();
        const other = new Pair();
        for (const step of steps) {
          one.do(step);
          other.do(
            step.type === "compact" ? { ...step, revisions: 0 } : step.type === "restore" ? { type: "put", key: "a", value: "1" } : step,
          );
          if (step.type === "restore") one.do({ type: "put", key: "a", value: "1" });
        }
        expect(one.store.hash).toBe(other.store.hash);
        expect(hashKv(one.store, one.store.revision)).toBe(hashKv(other.store, other.store.revision));
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});
