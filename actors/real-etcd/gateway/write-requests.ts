import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, TxnOperation, TxnRequest, WatchRequest } from "../../../protocol/etcd";
import { compareResults, compareTargets, sortOrders, sortTargets } from "../../etcd/gateway/requests";

/** Messages turned into etcd's requests, as protobufjs writes them: the other way round than etcd/gateway/requests.ts. */

const nothing = new Uint8Array(0);

/** A range end that is on the wire but empty is no absent one to etcd: it would mean all keys from the first on. */
function rangeOf(key: Uint8Array, rangeEnd: Uint8Array = nothing): object {
  return rangeEnd.length === 0 ? { key } : { key, range_end: rangeEnd };
}

export function writeRangeRequest(request: RangeRequest): object {
  const { key, rangeEnd, limit, revision, sortOrder, sortTarget, serializable, keysOnly, countOnly, revisions } = request;
  return {
    ...rangeOf(key, rangeEnd),
    limit,
    revision,
    sort_order: sortOrders.indexOf(sortOrder),
    sort_target: sortTargets.indexOf(sortTarget),
    serializable,
    keys_only: keysOnly,
    count_only: countOnly,
    ...(revisions && {
      min_mod_revision: revisions.minModRevision,
      max_mod_revision: revisions.maxModRevision,
      min_create_revision: revisions.minCreateRevision,
      max_create_revision: revisions.maxCreateRevision,
    }),
  };
}

export function writePutRequest({ key, value, lease, prevKv, ignoreValue = false, ignoreLease = false }: PutRequest): object {
  return { key, value, lease, prev_kv: prevKv, ignore_value: ignoreValue, ignore_lease: ignoreLease };
}

export function writeDeleteRequest({ key, rangeEnd, prevKv }: DeleteRangeRequest): object {
  return { ...rangeOf(key, rangeEnd), prev_kv: prevKv };
}

export function writeTxnRequest({ compare, success, failure }: TxnRequest): object {
  return { compare: compare.map(writeCompare), success: success.map(writeOperation), failure: failure.map(writeOperation) };
}

function writeOperation(operation: TxnOperation): object {
  switch (operation.kind) {
    case "etcd.range":
      return { request_range: writeRangeRequest(operation) };
    case "etcd.put":
      return { request_put: writePutRequest(operation) };
    case "etcd.delete":
      return { request_delete_range: writeDeleteRequest(operation) };
    case "etcd.txn":
      return { request_txn: writeTxnRequest(operation) };
  }
}

/** The field that holds what a key is compared with. */
const compared = { version: "version", create: "create_revision", mod: "mod_revision", value: "value", lease: "lease" } as const;

function writeCompare({ key, rangeEnd, target, result, number, value }: Compare): object {
  return {
    ...rangeOf(key, rangeEnd),
    target: compareTargets.indexOf(target),
    result: compareResults.indexOf(result),
    [compared[target]]: target === "value" ? value : number,
  };
}

export function writeWatchRequest({ key, rangeEnd, startRevision, prevKv, progressNotify }: WatchRequest): object {
  return {
    create_request: { ...rangeOf(key, rangeEnd), start_revision: startRevision, prev_kv: prevKv, progress_notify: progressNotify },
  };
}
