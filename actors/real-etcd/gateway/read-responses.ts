import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
  WatchEvent,
} from "../../../protocol/etcd";
import { clamped, type Int64 } from "../../etcd/gateway/int64";
import type { HeaderFields } from "./connection";

/** etcd's responses as protobufjs reads them, turned into messages: the other way round than etcd/gateway/responses.ts. */

export interface KeyValueFields {
  readonly key: Uint8Array;
  readonly create_revision: Int64;
  readonly mod_revision: Int64;
  readonly version: Int64;
  readonly value: Uint8Array;
  readonly lease: Int64;
}
export interface RangeFields {
  readonly header: HeaderFields | null;
  readonly kvs: readonly KeyValueFields[];
  readonly more: boolean;
  readonly count: Int64;
}
export interface PutFields {
  readonly header: HeaderFields | null;
  readonly prev_kv: KeyValueFields | null;
}
export interface DeleteFields {
  readonly header: HeaderFields | null;
  readonly deleted: Int64;
  readonly prev_kvs: readonly KeyValueFields[];
}
type OperationFields =
  | { readonly response: "response_range"; readonly response_range: RangeFields }
  | { readonly response: "response_put"; readonly response_put: PutFields }
  | { readonly response: "response_delete_range"; readonly response_delete_range: DeleteFields }
  | { readonly response: "response_txn"; readonly response_txn: TxnFields };
export interface TxnFields {
  readonly header: HeaderFields | null;
  readonly succeeded: boolean;
  readonly responses: readonly OperationFields[];
}
export interface EventFields {
  /** mvccpb.Event.EventType: 0 for a put. */
  readonly type: number;
  readonly kv: KeyValueFields;
  readonly prev_kv: KeyValueFields | null;
}

const nothing = new Uint8Array(0);

/** protobufjs gives an empty list where bytes are absent. */
function bytesOf(value: Uint8Array): Uint8Array {
  return value.length === 0 ? nothing : value;
}

/** A header in the name of the bridge's own address. */
export function readHeader(member: string, header: HeaderFields | null): ResponseHeader {
  return { member, revision: header ? clamped(header.revision) : 0, term: header ? clamped(header.raft_term) : 0 };
}

/** Leases that others granted may have ids that JavaScript cannot count; the nearest that it can stands for them, as nothing here asks for those. */
export function readKeyValue({ key, value, create_revision, mod_revision, version, lease }: KeyValueFields): KeyValue {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    createRevision: clamped(create_revision),
    modRevision: clamped(mod_revision),
    version: clamped(version),
    lease: clamped(lease),
  };
}

export function readRangeResponse({ kvs, more, count }: RangeFields, header: ResponseHeader): RangeResponse {
  return { kind: "etcd.range.response", header, kvs: kvs.map(readKeyValue), more, count: clamped(count) };
}

export function readPutResponse({ prev_kv }: PutFields, header: ResponseHeader): PutResponse {
  return { kind: "etcd.put.response", header, prevKv: prev_kv && readKeyValue(prev_kv) };
}

export function readDeleteResponse({ deleted, prev_kvs }: DeleteFields, header: ResponseHeader): DeleteRangeResponse {
  return { kind: "etcd.delete.response", header, deleted: clamped(deleted), prevKvs: prev_kvs.map(readKeyValue) };
}

/** Responses within a transaction say nothing but the revision in their headers. */
export function readTxnResponse({ succeeded, responses }: TxnFields, header: ResponseHeader): TxnResponse {
  return { kind: "etcd.txn.response", header, succeeded, responses: responses.map((one) => readOperation(one, header)) };
}

function readOperation(fields: OperationFields, outer: ResponseHeader): TxnResponse["responses"][number] {
  const within = (header: HeaderFields | null): ResponseHeader => ({
    ...outer,
    revision: header ? clamped(header.revision) : outer.revision,
  });
  switch (fields.response) {
    case "response_range":
      return readRangeResponse(fields.response_range, within(fields.response_range.header));
    case "response_put":
      return readPutResponse(fields.response_put, within(fields.response_put.header));
    case "response_delete_range":
      return readDeleteResponse(fields.response_delete_range, within(fields.response_delete_range.header));
    case "response_txn":
      return readTxnResponse(fields.response_txn, within(fields.response_txn.header));
  }
}

export function readEvent({ type, kv, prev_kv }: EventFields): WatchEvent {
  return { type: type === 0 ? "put" : "delete", kv: readKeyValue(kv), prevKv: prev_kv && readKeyValue(prev_kv) };
}
