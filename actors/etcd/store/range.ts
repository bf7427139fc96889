import type { EtcdError, RangeRequest, RangeResponse, ResponseHeader, RevisionBounds, SortTarget } from "../../../protocol/etcd";
import { etcdError } from "./errors";
import { type KeyRange, keyRange, type Store, textOf } from "./store";
import type { Version } from "./version";

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
  let found: Version[] = [];
  let count = 0;
  eachKey(store, keyRange(request.key, request.rangeEnd), at, (version) => {
    if (count++ < keep) found.push(version);
  });
  if (revisions) found = found.filter((version) => isWithin(version, revisions));
  if (!inKeyOrder) found = sortBy(found, sortTarget, sortOrder === "descend");
  const more = !request.countOnly && limit > 0 && (revisions ? found.length : count) > limit;
  if (more) found.length = limit;
  const kvs = found.map(({ kv }) => (request.keysOnly ? { ...kv, value: nothing } : kv));
  return { kind: "etcd.range.response", header, kvs, more, count };
}

/** Calls back for each key of the range that exists at that revision, in key order. */
export function eachKey(store: Store, range: KeyRange, revision: number, visit: (version: Version) => void): void {
  store.index.scan(range.from, range.to, (history) => {
    const version = store.at(history, revision);
    if (version) visit(version);
    return undefined;
  });
}

function isWithin({ modRevision, createRevision }: Version, bounds: RevisionBounds): boolean {
  const within = (revision: number, min: number, max: number) => revision >= min && (max === 0 || revision <= max);
  return (
    within(modRevision, bounds.minModRevision, bounds.maxModRevision) &&
    within(createRevision, bounds.minCreateRevision, bounds.maxCreateRevision)
  );
}

function sortBy(found: readonly Version[], target: SortTarget, descend: boolean): Version[] {
  const sign = descend ? -1 : 1;
  const field = (version: Version): number | string => {
    switch (target) {
      case "key":
        return version.history.key;
      case "value":
        return textOf(version.value);
      case "version":
        return version.version;
      case "create":
        return version.createRevision;
      case "mod":
        return version.modRevision;
    }
  };
  const keyed = found.map((version) => ({ version, by: field(version) }));
  keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0));
  return keyed.map(({ version }) => version);
}
