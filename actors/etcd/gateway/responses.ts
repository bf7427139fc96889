import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
  WatchEvent,
} from "../../../protocol/etcd";
import type { Id } from "./identity";

/** Messages turned into etcd's responses, as protobufjs writes them. Fields that are zero are left out, as on Go's wire. */

/** Who answers: the ids of the cluster and of the member at whose door the client knocked, whoever served it behind. */
export interface Answering {
  readonly cluster: Id;
  readonly member: Id;
}

export function headerFor({ cluster, member }: Answering, { revision, term }: Pick<ResponseHeader, "revision" | "term">): object {
  return { cluster_id: cluster, member_id: member, ...(revision === 0 ? {} : { revision }), raft_term: term };
}

export function writeRange(response: RangeResponse, header: object): object {
  const { kvs, more, count } = response;
  return { header, kvs: kvs.map(writeKeyValue), ...(more ? { more } : {}), ...(count === 0 ? {} : { count }) };
}

export function writePut({ prevKv }: PutResponse, header: object): object {
  return { header, ...(prevKv === null ? {} : { prev_kv: writeKeyValue(prevKv) }) };
}

export function writeDelete({ deleted, prevKvs }: DeleteRangeResponse, header: object): object {
  return { header, ...(deleted === 0 ? {} : { deleted }), prev_kvs: prevKvs.map(writeKeyValue) };
}

/** Responses within a transaction carry a header with nothing but the revision. */
export function writeTxn({ succeeded, responses }: TxnResponse, header: object): object {
  return { header, ...(succeeded ? { succeeded } : {}), responses: responses.map(writeOperation) };
}

function writeOperation(response: TxnResponse["responses"][number]): object {
  const header = { revision: response.header.revision };
  switch (response.kind) {
    case "etcd.range.response":
      return { response_range: writeRange(response, header) };
    case "etcd.put.response":
      return { response_put: writePut(response, header) };
    case "etcd.delete.response":
      return { response_delete_range: writeDelete(response, header) };
    case "etcd.txn.response":
      return { response_txn: writeTxn(response, header) };
  }
}

export function writeKeyValue(kv: KeyValue): object {
  const { key, value, createRevision, modRevision, version, lease } = kv;
  const out: Record<string, unknown> = { key, mod_revision: modRevision };
  if (createRevision !== 0) out.create_revision = createRevision;
  if (version !== 0) out.version = version;
  if (value.length > 0) out.value = value;
  if (lease !== 0) out.lease = lease;
  return out;
}

export function writeEvent({ type, kv, prevKv }: WatchEvent): object {
  return {
    ...(type === "delete" ? { type: 1 } : {}),
    kv: writeKeyValue(kv),
    ...(prevKv === null ? {} : { prev_kv: writeKeyValue(prevKv) }),
  };
}

/** About what an event takes on the wire, in bytes. */
export function sizeOfEvent({ kv, prevKv }: WatchEvent): number {
  const fixed = 48;
  const sizeOf = (one: KeyValue | null) => (one === null ? 0 : fixed + one.key.length + one.value.length);
  return sizeOf(kv) + sizeOf(prevKv);
}
