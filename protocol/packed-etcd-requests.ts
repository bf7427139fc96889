import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from "./etcd";
import { Fields, packedWords, reader as r, writer as w } from "./packed";

/** What is asked of etcd: see packed-messages.ts. */

export const range = new Fields("etcd.range", [
  ...["key", "rangeEnd", "limit", "revision", "sortOrder", "sortTarget", "serializable", "keysOnly", "countOnly"],
]);
const put = new Fields("etcd.put", ["key", "value", "lease", "prevKv"]);
const remove = new Fields("etcd.delete", ["key", "rangeEnd", "prevKv"]);
const condition = new Fields("", ["key", "target", "result", "number", "value"]);
export const txn = new Fields("etcd.txn", ["compare", "success", "failure"]);

const sortOrders = ["none", "ascend", "descend"];
const packedSortOrders = packedWords(sortOrders);
const targets = ["mod", "key", "version", "create", "value", "lease"];
const packedTargets = packedWords(targets);
const results = ["equal", "notEqual", "greater", "less"];
const packedResults = packedWords(results);

export function writeRange(request: RangeRequest): void {
  const { keys } = range;
  if (!w.record(range, request)) return;
  w.raw(keys[0]!);
  w.bytes(request.key);
  w.raw(keys[1]!);
  w.bytes(request.rangeEnd);
  w.raw(keys[2]!);
  w.number(request.limit);
  w.raw(keys[3]!);
  w.number(request.revision);
  w.raw(keys[4]!);
  w.text(request.sortOrder);
  w.raw(keys[5]!);
  w.text(request.sortTarget);
  w.raw(keys[6]!);
  w.flag(request.serializable);
  w.raw(keys[7]!);
  w.flag(request.keysOnly);
  w.raw(keys[8]!);
  w.flag(request.countOnly);
}

export function readRange(): RangeRequest {
  const { start, keys } = range;
  r.raw(start);
  r.raw(keys[0]!);
  const key = r.bytes();
  r.raw(keys[1]!);
  const rangeEnd = r.bytes();
  r.raw(keys[2]!);
  const limit = r.number();
  r.raw(keys[3]!);
  const revision = r.number();
  r.raw(keys[4]!);
  const sortOrder = r.word(sortOrders, packedSortOrders) as RangeRequest["sortOrder"];
  r.raw(keys[5]!);
  const sortTarget = r.word(targets, packedTargets) as RangeRequest["sortTarget"];
  r.raw(keys[6]!);
  const serializable = r.flag();
  r.raw(keys[7]!);
  const keysOnly = r.flag();
  r.raw(keys[8]!);
  const countOnly = r.flag();
  return { kind: "etcd.range", key, rangeEnd, limit, revision, sortOrder, sortTarget, serializable, keysOnly, countOnly };
}

function writePut(request: PutRequest): void {
  const { keys } = put;
  if (!w.record(put, request)) return;
  w.raw(keys[0]!);
  w.bytes(request.key);
  w.raw(keys[1]!);
  w.bytes(request.value);
  w.raw(keys[2]!);
  w.number(request.lease);
  w.raw(keys[3]!);
  w.flag(request.prevKv);
}

function readPut(): PutRequest {
  const { start, keys } = put;
  r.raw(start);
  r.raw(keys[0]!);
  const key = r.bytes();
  r.raw(keys[1]!);
  const value = r.bytes();
  r.raw(keys[2]!);
  const lease = r.number();
  r.raw(keys[3]!);
  return { kind: "etcd.put", key, value, lease, prevKv: r.flag() };
}

function writeDelete(request: DeleteRangeRequest): void {
  const { keys } = remove;
  if (!w.record(remove, request)) return;
  w.raw(keys[0]!);
  w.bytes(request.key);
  w.raw(keys[1]!);
  w.bytes(request.rangeEnd);
  w.raw(keys[2]!);
  w.flag(request.prevKv);
}

function readDelete(): DeleteRangeRequest {
  const { start, keys } = remove;
  r.raw(start);
  r.raw(keys[0]!);
  const key = r.bytes();
  r.raw(keys[1]!);
  const rangeEnd = r.bytes();
  r.raw(keys[2]!);
  return { kind: "etcd.delete", key, rangeEnd, prevKv: r.flag() };
}

function writeCondition(compare: Compare): void {
  const { keys } = condition;
  if (!w.record(condition, compare)) return;
  w.raw(keys[0]!);
  w.bytes(compare.key);
  w.raw(keys[1]!);
  w.text(compare.target);
  w.raw(keys[2]!);
  w.text(compare.result);
  w.raw(keys[3]!);
  w.number(compare.number);
  w.raw(keys[4]!);
  w.bytes(compare.value);
}

function readCondition(): Compare {
  const { keys } = condition;
  r.raw(keys[0]!);
  const key = r.bytes();
  r.raw(keys[1]!);
  const target = r.word(targets, packedTargets) as Compare["target"];
  r.raw(keys[2]!);
  const result = r.word(results, packedResults) as Compare["result"];
  r.raw(keys[3]!);
  const number = r.number();
  r.raw(keys[4]!);
  return { key, target, result, number, value: r.bytes() };
}

export function writeTxn(request: TxnRequest): void {
  const { keys } = txn;
  if (!w.record(txn, request)) return;
  w.raw(keys[0]!);
  if (!w.list(request.compare)) return;
  for (const compare of request.compare) writeCondition(compare);
  w.raw(keys[1]!);
  writeOperations(request.success);
  w.raw(keys[2]!);
  writeOperations(request.failure);
}

function writeOperations(operations: TxnRequest["success"]): void {
  if (!w.list(operations)) return;
  for (const operation of operations) {
    if (operation.kind === "etcd.put") writePut(operation);
    else if (operation.kind === "etcd.range") writeRange(operation);
    else if (operation.kind === "etcd.delete") writeDelete(operation);
    else w.failed = true;
  }
}

export function readTxn(): TxnRequest {
  const { start, keys } = txn;
  r.raw(start);
  r.raw(keys[0]!);
  const compare: Compare[] = [];
  for (let left = r.list(); left > 0; left--) compare.push(readCondition());
  r.raw(keys[1]!);
  const success = readOperations();
  r.raw(keys[2]!);
  return { kind: "etcd.txn", compare, success, failure: readOperations() };
}

function readOperations(): TxnRequest["success"] {
  const operations: TxnRequest["success"][number][] = [];
  for (let left = r.list(); left > 0; left--) {
    if (r.isNext(put.start)) operations.push(readPut());
    else if (r.isNext(range.start)) operations.push(readRange());
    else if (r.isNext(remove.start)) operations.push(readDelete());
    else r.failed = true;
  }
  return operations;
}
