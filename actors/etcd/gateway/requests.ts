import { status } from "@grpc/grpc-js";
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnOperation,
  TxnRequest,
} from "../../../protocol/etcd";
import { clamped, exact, type Int64 } from "./int64";
import { Refusal } from "./refusal";

/** etcd's requests as protobufjs reads them, turned into messages. What the messages cannot say is refused. */

export interface RangeFields {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly limit: Int64;
  readonly revision: Int64;
  readonly sort_order: number;
  readonly sort_target: number;
  readonly serializable: boolean;
  readonly keys_only: boolean;
  readonly count_only: boolean;
  readonly min_mod_revision: Int64;
  readonly max_mod_revision: Int64;
  readonly min_create_revision: Int64;
  readonly max_create_revision: Int64;
}
export interface PutFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease: Int64;
  readonly prev_kv: boolean;
  readonly ignore_value: boolean;
  readonly ignore_lease: boolean;
}
export interface DeleteFields {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly prev_kv: boolean;
}
interface CompareFields {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly version: Int64;
  readonly create_revision: Int64;
  readonly mod_revision: Int64;
  readonly value: Uint8Array;
  readonly lease: Int64;
}
type OperationFields =
  | { readonly request: "request_range"; readonly request_range: RangeFields }
  | { readonly request: "request_put"; readonly request_put: PutFields }
  | { readonly request: "request_delete_range"; readonly request_delete_range: DeleteFields }
  | { readonly request: "request_txn"; readonly request_txn: TxnFields }
  | { readonly request: undefined };
export interface TxnFields {
  readonly compare: readonly CompareFields[];
  readonly success: readonly OperationFields[];
  readonly failure: readonly OperationFields[];
}

export const sortOrders: readonly SortOrder[] = ["none", "ascend", "descend"];
export const sortTargets: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
export const compareResults: readonly Compare["result"][] = ["equal", "greater", "less", "notEqual"];
export const compareTargets: readonly Compare["target"][] = ["version", "create", "mod", "value", "lease"];
const nothing = new Uint8Array(0);

export function invalid(message: string): Refusal {
  return new Refusal(status.INVALID_ARGUMENT, message);
}

/** protobufjs gives an empty list where bytes are absent. */
export function bytesOf(value: Uint8Array): Uint8Array {
  return value.length === 0 ? nothing : value;
}

/** A lease's id. Those that JavaScript cannot count are never granted. */
export function leaseIdOf(value: Int64): number {
  const id = exact(value);
  if (id === undefined) throw new Refusal(status.NOT_FOUND, "etcdserver: requested lease not found");
  return id;
}

export function readRange(fields: RangeFields): RangeRequest {
  const sortOrder = sortOrders[fields.sort_order];
  const sortTarget = sortTargets[fields.sort_target];
  if (sortOrder === undefined || sortTarget === undefined) throw invalid("etcdserver: invalid sort option");
  const revisions = {
    minModRevision: clamped(fields.min_mod_revision),
    maxModRevision: clamped(fields.max_mod_revision),
    minCreateRevision: clamped(fields.min_create_revision),
    maxCreateRevision: clamped(fields.max_create_revision),
  };
  return {
    kind: "etcd.range",
    key: bytesOf(fields.key),
    rangeEnd: bytesOf(fields.range_end),
    limit: clamped(fields.limit),
    revision: clamped(fields.revision),
    sortOrder,
    sortTarget,
    serializable: fields.serializable,
    keysOnly: fields.keys_only,
    countOnly: fields.count_only,
    ...(Object.values(revisions).some((bound) => bound !== 0) ? { revisions } : {}),
  };
}

export function readPut(fields: PutFields): PutRequest {
  if (fields.ignore_value && fields.value.length > 0) throw invalid("etcdserver: value is provided");
  const lease = leaseIdOf(fields.lease);
  if (fields.ignore_lease && lease !== 0) throw invalid("etcdserver: lease is provided");
  return {
    kind: "etcd.put",
    key: bytesOf(fields.key),
    value: bytesOf(fields.value),
    lease,
    prevKv: fields.prev_kv,
    ...(fields.ignore_value ? { ignoreValue: true } : {}),
    ...(fields.ignore_lease ? { ignoreLease: true } : {}),
  };
}

export function readDelete(fields: DeleteFields): DeleteRangeRequest {
  return { kind: "etcd.delete", key: bytesOf(fields.key), rangeEnd: bytesOf(fields.range_end), prevKv: fields.prev_kv };
}

export function readTxn(fields: TxnFields): TxnRequest {
  return {
    kind: "etcd.txn",
    compare: fields.compare.map(readCompare),
    success: fields.success.map(readOperation),
    failure: fields.failure.map(readOperation),
  };
}

function readOperation(fields: OperationFields): TxnOperation {
  switch (fields.request) {
    case "request_range":
      return readRange(fields.request_range);
    case "request_put":
      return readPut(fields.request_put);
    case "request_delete_range":
      return readDelete(fields.request_delete_range);
    case "request_txn":
      return readTxn(fields.request_txn);
    case undefined:
      // etcd's own words for an operation that is none.
      throw invalid("etcdserver: key not found");
  }
}

function readCompare(fields: CompareFields): Compare {
  const result = compareResults[fields.result];
  const target = compareTargets[fields.target];
  if (result === undefined || target === undefined) throw invalid("etcdserver: invalid compare");
  const numbers = {
    version: fields.version,
    create: fields.create_revision,
    mod: fields.mod_revision,
    lease: fields.lease,
    value: 0,
  };
  return {
    key: bytesOf(fields.key),
    target,
    result,
    number: clamped(numbers[target]),
    value: target === "value" ? bytesOf(fields.value) : nothing,
    ...(fields.range_end.length > 0 ? { rangeEnd: fields.range_end } : {}),
  };
}
