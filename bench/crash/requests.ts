import type { Compare, DeleteRangeRequest, HashKvRequest, PutRequest, RangeRequest, TxnOperation, TxnRequest } from "../../protocol/etcd";

// Requests of etcd with texts for keys and values.

const none = new Uint8Array(0);
export const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

export function rangeOf(key: string, to = "", serializable = false): RangeRequest {
  const plain = { limit: 0, revision: 0, sortOrder: "none", sortTarget: "key", keysOnly: false, countOnly: false } as const;
  return { kind: "etcd.range", key: bytesOf(key), rangeEnd: bytesOf(to), serializable, ...plain };
}

export function putOf(key: string, value: string | Uint8Array): PutRequest {
  return { kind: "etcd.put", key: bytesOf(key), value: typeof value === "string" ? bytesOf(value) : value, lease: 0, prevKv: false };
}

export function deleteOf(key: string): DeleteRangeRequest {
  return { kind: "etcd.delete", key: bytesOf(key), rangeEnd: none, prevKv: false };
}

/** True where the key holds the value; null: where it does not exist. */
export function compareValue(key: string, value: string | null): Compare {
  const common = { key: bytesOf(key), result: "equal", number: 0 } as const;
  return value === null ? { ...common, target: "create", value: none } : { ...common, target: "value", value: bytesOf(value) };
}

export function txnOf(compare: readonly Compare[], success: readonly TxnOperation[], failure: readonly TxnOperation[]): TxnRequest {
  return { kind: "etcd.txn", compare, success, failure };
}

export function hashOf(revision: number): HashKvRequest {
  return { kind: "etcd.hashKv", revision };
}
