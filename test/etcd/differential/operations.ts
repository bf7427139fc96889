import fc from "fast-check";
import type { Compare, EtcdRequest, TxnOperation, TxnRequest, WatchRequest } from "../../../protocol/etcd";
import { bytes, compare, del, put, range, txn, watch } from "../store/requests";

/** A step of a sequence: a request, or a watch that is opened and stays open. Revisions count from the 1 of an empty store. */
export type Step = { readonly type: "request"; readonly request: EtcdRequest } | { readonly type: "watch"; readonly request: WatchRequest };

const key = fc.constantFrom("a", "b", "b0", "c", "d\xff", "y");
const anyKey = fc.oneof({ weight: 30, arbitrary: key }, { weight: 1, arbitrary: fc.constantFrom("", "\0") });
const rangeEnd = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: fc.constantFrom("c", "z", "b1") },
  { weight: 1, arbitrary: fc.constantFrom("\0", "a") },
);
const value = fc.constantFrom("", "1", "2", "3");
const lease = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constantFrom(1, 2) },
  { weight: 1, arbitrary: fc.constant(77) },
);
const revision = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.integer({ min: 1, max: 18 }) });
const sometimes = fc.integer({ min: 0, max: 3 }).map((n) => n === 0);

const seldom = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
const puts = fc
  .tuple(anyKey, value, lease, fc.boolean(), seldom, seldom)
  .map(([k, v, l, prev, ignoreValue, ignoreLease]) => ({ ...put(k, v, l, prev), ignoreValue, ignoreLease }));
const deletes = fc.tuple(anyKey, rangeEnd, fc.boolean()).map(([k, to, prev]) => del(k, to, prev));
const bound = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }) });
const ranges = fc
  .record({
    key: anyKey,
    to: rangeEnd,
    limit: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) }),
    revision,
    sortOrder: fc.constantFrom("none" as const, "ascend" as const, "descend" as const),
    sortTarget: fc.constantFrom("key" as const, "version" as const, "create" as const, "mod" as const, "value" as const),
    serializable: fc.boolean(),
    keysOnly: sometimes,
    countOnly: sometimes,
    revisions: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.record({ minModRevision: bound, maxModRevision: bound, minCreateRevision: bound, maxCreateRevision: bound }),
      },
    ),
  })
  .map(({ key: k, ...rest }) => range(k, rest));
const compares: fc.Arbitrary<Compare> = fc
  .tuple(
    anyKey,
    fc.constantFrom("version" as const, "create" as const, "mod" as const, "value" as const, "lease" as const),
    fc.constantFrom("equal" as const, "notEqual" as const, "greater" as const, "less" as const),
    fc.integer({ min: 0, max: 6 }),
    value,
    fc.oneof({ weight: 4, arbitrary: fc.constant("") }, { weight: 1, arbitrary: fc.constantFrom("c", "z", "\0") }),
  )
  .map(([k, target, result, number, v, to]) => ({
    ...compare(k, target, result, target === "value" ? v : number),
    rangeEnd: bytes(to),
  }));

const operations = (depth: number): fc.Arbitrary<readonly TxnOperation[]> =>
  fc.array(
    depth === 0
      ? fc.oneof(puts, deletes, ranges)
      : fc.oneof({ weight: 6, arbitrary: fc.oneof(puts, deletes, ranges) }, { weight: 1, arbitrary: txns(depth - 1) }),
    {
      maxLength: 3,
    },
  );
function txns(depth: number): fc.Arbitrary<TxnRequest> {
  return fc
    .tuple(fc.array(compares, { maxLength: 2 }), operations(depth), operations(depth))
    .map(([when, success, failure]) => txn(when, success, failure));
}

const leaseId = fc.constantFrom(1, 2, 3);
const leaseRequests: fc.Arbitrary<EtcdRequest> = fc.oneof(
  fc
    .tuple(leaseId, fc.constantFrom(600, 600, 1, 9_000_000_001))
    .map(([id, ttlSeconds]) => ({ kind: "etcd.lease.grant" as const, id, ttlSeconds })),
  leaseId.map((id) => ({ kind: "etcd.lease.revoke" as const, id })),
  leaseId.map((id) => ({ kind: "etcd.lease.keepAlive" as const, id })),
  fc.tuple(leaseId, fc.boolean()).map(([id, keys]) => ({ kind: "etcd.lease.timeToLive" as const, id, keys })),
  fc.constant({ kind: "etcd.lease.list" as const }),
);
const compactions = fc.integer({ min: 1, max: 14 }).map((to) => ({ kind: "etcd.compact" as const, revision: to }));
const watches = fc
  .record({ key, to: rangeEnd, startRevision: fc.oneof(fc.constant(0), fc.integer({ min: 2, max: 14 })), prevKv: fc.boolean() })
  // A range without keys is refused at etcd's door, and so at ours; behind it, such a watch hears nothing.
  .filter(({ key: k, to }) => to === "" || to === "\0" || to > k)
  .map(({ key: k, ...rest }) => watch(k, rest));

const requests: fc.Arbitrary<EtcdRequest> = fc.oneof(
  { weight: 8, arbitrary: puts },
  { weight: 3, arbitrary: deletes },
  { weight: 6, arbitrary: ranges },
  { weight: 5, arbitrary: txns(2) },
  { weight: 4, arbitrary: leaseRequests },
  { weight: 1, arbitrary: compactions },
);

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: requests.map((request): Step => ({ type: "request", request })) },
    { weight: 1, arbitrary: watches.map((request): Step => ({ type: "watch", request })) },
  ),
  { minLength: 1, maxLength: 24, size: "max" },
);
