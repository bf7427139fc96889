import type { Compare, EtcdRequest, TxnOperation, WatchRequest } from "../../../protocol/etcd";
import type { Json } from "./real-etcd";

/** Requests in protobuf's JSON form, as etcd's HTTP door takes them. `offset` is added to revisions: the real server's do not begin at 1. */

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const revisionOf = (revision: number, offset: number): number => (revision === 0 ? 0 : revision + offset);

export function pathOf(request: EtcdRequest): string {
  switch (request.kind) {
    case "etcd.range":
      return "/v3/kv/range";
    case "etcd.put":
      return "/v3/kv/put";
    case "etcd.delete":
      return "/v3/kv/deleterange";
    case "etcd.txn":
      return "/v3/kv/txn";
    case "etcd.compact":
      return "/v3/kv/compaction";
    case "etcd.lease.grant":
      return "/v3/lease/grant";
    case "etcd.lease.revoke":
      return "/v3/lease/revoke";
    case "etcd.lease.keepAlive":
      return "/v3/lease/keepalive";
    case "etcd.lease.timeToLive":
      return "/v3/lease/timetolive";
    case "etcd.lease.list":
      return "/v3/lease/leases";
    default:
      throw new Error(`${request.kind} is not compared`);
  }
}

export function bodyOf(request: EtcdRequest, offset: number): Json {
  switch (request.kind) {
    case "etcd.range":
      return {
        key: base64(request.key),
        range_end: base64(request.rangeEnd),
        limit: request.limit,
        revision: revisionOf(request.revision, offset),
        sort_order: request.sortOrder.toUpperCase(),
        sort_target: request.sortTarget.toUpperCase(),
        serializable: request.serializable,
        keys_only: request.keysOnly,
        count_only: request.countOnly,
        min_mod_revision: revisionOf(request.revisions?.minModRevision ?? 0, offset),
        max_mod_revision: revisionOf(request.revisions?.maxModRevision ?? 0, offset),
        min_create_revision: revisionOf(request.revisions?.minCreateRevision ?? 0, offset),
        max_create_revision: revisionOf(request.revisions?.maxCreateRevision ?? 0, offset),
      };
    case "etcd.put":
      return {
        key: base64(request.key),
        value: base64(request.value),
        lease: request.lease,
        prev_kv: request.prevKv,
        ignore_value: request.ignoreValue === true,
        ignore_lease: request.ignoreLease === true,
      };
    case "etcd.delete":
      return { key: base64(request.key), range_end: base64(request.rangeEnd), prev_kv: request.prevKv };
    case "etcd.txn":
      return {
        compare: request.compare.map((compare) => compareOf(compare, offset)),
        success: request.success.map((operation) => operationOf(operation, offset)),
        failure: request.failure.map((operation) => operationOf(operation, offset)),
      };
    case "etcd.compact":
      return { revision: revisionOf(request.revision, offset) };
    case "etcd.lease.grant":
      return { ID: request.id, TTL: request.ttlSeconds };
    case "etcd.lease.revoke":
    case "etcd.lease.keepAlive":
      return { ID: request.id };
    case "etcd.lease.timeToLive":
      return { ID: request.id, keys: request.keys };
    default:
      return {};
  }
}

export function watchBodyOf({ key, rangeEnd, startRevision, prevKv }: WatchRequest, offset: number): Json {
  const wanted = { key: base64(key), range_end: base64(rangeEnd), start_revision: revisionOf(startRevision, offset), prev_kv: prevKv };
  return { create_request: wanted };
}

function compareOf({ key, target, result, number, value, rangeEnd }: Compare, offset: number): Json {
  const operand = {
    version: { version: number },
    create: { create_revision: revisionOf(number, offset) },
    mod: { mod_revision: revisionOf(number, offset) },
    lease: { lease: number },
    value: { value: base64(value) },
  }[target];
  const keys = { key: base64(key), range_end: base64(rangeEnd ?? new Uint8Array(0)) };
  return { ...keys, target: target.toUpperCase(), result: result === "notEqual" ? "NOT_EQUAL" : result.toUpperCase(), ...operand };
}

function operationOf(operation: TxnOperation, offset: number): Json {
  const body = bodyOf(operation, offset);
  switch (operation.kind) {
    case "etcd.range":
      return { request_range: body };
    case "etcd.put":
      return { request_put: body };
    case "etcd.delete":
      return { request_delete_range: body };
    case "etcd.txn":
      return { request_txn: body };
  }
}
