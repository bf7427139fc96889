import type { EtcdError, KeyValue, RangeRequest, RangeResponse, ResponseHeader, RevisionBounds, SortTarget } from "../../../protocol/etcd";
import { etcdError } from "./errors";
import { type KeyRange, keyRange, type Store, textOf } from "./store";

const nothing = new Uint8Array(0);

/** Why a read cannot be served, or null: no key, or a revision that is gone or not there yet. */
export function rangeRefusal(store: Store, request: RangeRequest): EtcdError | null {
  if (request.key.length === 0) return etcdError("emptyKey");
  if (request.revision > store.revision) return etcdError("futureRevision");
  return request.revision > 0 && request.revision < store.compacted ? etcdError("compacted") : null;
}

/** Serves a read that `rangeRefusal` found no fault with. `revision` is the newest that it may see. */
export function readRange(store: Store, request: RangeRequest, revision: number, header: ResponseHeader): RangeResponse {
  const at = request.revision > 0 ? request.revision : revision;
  const { sortOrder, sortTarget, limit, revisions } = request;
  const sorted = sortOrder !== "none" || sortTarget !== "key";
  // Keys come in ascending order anyway; any other order needs all of them before the limit counts.
  const inKeyOrder = !sorted || (sortTarget === "key" && sortOrder !== "descend");
  const keep = request.countOnly ? 0 : limit > 0 && inKeyOrder && !revisions ? limit : Number.POSITIVE_INFINITY;
  let kvs: KeyValue[] = [];
  let count = 0;
  eachKey(store, keyRange(request.key, request.rangeEnd), at, (kv) => {
    if (count++ < keep) kvs.push(kv);
  });
  if (revisions) kvs = kvs.filter((kv) => isWithin(kv, revisions));
  if (!inKeyOrder) kvs = sortBy(kvs, sortTarget, sortOrder === "descend");
  const more = !request.countOnly && limit > 0 && (revisions ? kvs.length : count) > limit;
  if (more) kvs.length = limit;
  if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: nothing }));
  return { kind: "etcd.range.response", header, kvs, more, count };
}

/** Calls back for each key of the range that exists at that revision, in key order. */
export function eachKey(store: Store, range: KeyRange, revision: number, visit: (kv: KeyValue, key: string) => void): void {
  store.index.scan(range.from, range.to, (history, key) => {
    const kv = store.at(history, revision);
    if (kv) visit(kv, key);
    return undefined;
  });
}

function isWithin({ modRevision, createRevision }: KeyValue, bounds: RevisionBounds): boolean {
  const within = (revision: number, min: number, max: number) => revision >= min && (max === 0 || revision <= max);
  return (
    within(modRevision, bounds.minModRevision, bounds.maxModRevision) &&
    within(createRevision, bounds.minCreateRevision, bounds.maxCreateRevision)
  );
}

function sortBy(kvs: readonly KeyValue[], target: SortTarget, descend: boolean): KeyValue[] {
  const sign = descend ? -1 : 1;
  const field = (kv: KeyValue): number | string => {
    switch (target) {
      case "key":
        return textOf(kv.key);
      case "value":
        return textOf(kv.value);
      case "version":
        return kv.version;
      case "create":
        return kv.createRevision;
      case "mod":
        return kv.modRevision;
    }
  };
  const keyed = kvs.map((kv) => ({ kv, by: field(kv) }));
  keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0));
  return keyed.map(({ kv }) => kv);
}
