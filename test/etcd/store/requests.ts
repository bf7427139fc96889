import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, TxnOperation, TxnRequest, WatchRequest } from "../../../protocol/etcd";

export const none = new Uint8Array(0);
export const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
export const text = (value: Uint8Array): string => Buffer.from(value).toString("latin1");

export function range(key: string, more: Partial<RangeRequest> & { to?: string } = {}): RangeRequest {
  const { to = "", ...rest } = more;
  const plain = {
    limit: 0,
    revision: 0,
    sortOrder: "none",
    sortTarget: "key",
    serializable: false,
    keysOnly: false,
    countOnly: false,
  } as const;
  return { kind: "etcd.range", key: bytes(key), rangeEnd: bytes(to), ...plain, ...rest };
}

export function put(key: string, value: string, lease = 0, prevKv = false): PutRequest {
  return { kind: "etcd.put", key: bytes(key), value: bytes(value), lease, prevKv };
}

export function del(key: string, to = "", prevKv = false): DeleteRangeRequest {
  return { kind: "etcd.delete", key: bytes(key), rangeEnd: bytes(to), prevKv };
}

export function compare(key: string, target: Compare["target"], result: Compare["result"], against: number | string): Compare {
  const byValue = typeof against === "string";
  return { key: bytes(key), target, result, number: byValue ? 0 : against, value: byValue ? bytes(against) : none };
}

export function txn(compares: readonly Compare[], success: readonly TxnOperation[], failure: readonly TxnOperation[] = []): TxnRequest {
  return { kind: "etcd.txn", compare: compares, success, failure };
}

export function watch(key: string, more: Partial<WatchRequest> & { to?: string } = {}): WatchRequest {
  const { to = "", ...rest } = more;
  return { kind: "etcd.watch", key: bytes(key), rangeEnd: bytes(to), startRevision: 0, prevKv: false, progressNotify: false, ...rest };
}
