import type { KeyValue, PutResponse, RangeResponse, ResponseHeader, TxnResponse, WatchEvent, WatchResponse } from "./etcd";
import { Fields, packedWords, reader as r, writer as w } from "./packed";

/** etcd's answers, and what its watches tell: see packed-messages.ts. */

const header = new Fields("", ["member", "revision", "term"]);
const keyValue = new Fields("", ["key", "value", "createRevision", "modRevision", "version", "lease"]);
export const txnResponse = new Fields("etcd.txn.response", ["header", "succeeded", "responses"]);
const putResponse = new Fields("etcd.put.response", ["header", "prevKv"]);
export const rangeResponse = new Fields("etcd.range.response", ["header", "kvs", "more", "count"]);
export const watchResponse = new Fields("etcd.watch.response", ["header", "created", "compactRevision", "events"]);
const watchEvent = new Fields("", ["type", "kv", "prevKv"]);
const changes = ["put", "delete"];
const packedChanges = packedWords(changes);

function writeHeader(value: ResponseHeader): void {
  const { keys } = header;
  if (!w.record(header, value)) return;
  w.raw(keys[0]!);
  w.text(value.member);
  w.raw(keys[1]!);
  w.number(value.revision);
  w.raw(keys[2]!);
  w.number(value.term);
}

function readHeader(): ResponseHeader {
  const { keys } = header;
  r.raw(keys[0]!);
  const member = r.text();
  r.raw(keys[1]!);
  const revision = r.number();
  r.raw(keys[2]!);
  return { member, revision, term: r.number() };
}

function writeKeyValue(kv: KeyValue): void {
  const { keys } = keyValue;
  if (!w.record(keyValue, kv)) return;
  w.raw(keys[0]!);
  w.bytes(kv.key);
  w.raw(keys[1]!);
  w.bytes(kv.value);
  w.raw(keys[2]!);
  w.number(kv.createRevision);
  w.raw(keys[3]!);
  w.number(kv.modRevision);
  w.raw(keys[4]!);
  w.number(kv.version);
  w.raw(keys[5]!);
  w.number(kv.lease);
}

function readKeyValue(): KeyValue {
  const { keys } = keyValue;
  r.raw(keys[0]!);
  const key = r.bytes();
  r.raw(keys[1]!);
  const value = r.bytes();
  r.raw(keys[2]!);
  const createRevision = r.number();
  r.raw(keys[3]!);
  const modRevision = r.number();
  r.raw(keys[4]!);
  const version = r.number();
  r.raw(keys[5]!);
  return { key, value, createRevision, modRevision, version, lease: r.number() };
}

export function writeTxnResponse(response: TxnResponse): void {
  const { keys } = txnResponse;
  if (!w.record(txnResponse, response)) return;
  w.raw(keys[0]!);
  writeHeader(response.header);
  w.raw(keys[1]!);
  w.flag(response.succeeded);
  w.raw(keys[2]!);
  if (!w.list(response.responses)) return;
  for (const one of response.responses) {
    if (one.kind !== "etcd.put.response" || one.prevKv !== null || !w.record(putResponse, one)) {
      w.failed = true;
      return;
    }
    w.raw(putResponse.keys[0]!);
    writeHeader(one.header);
    w.raw(putResponse.keys[1]!);
    w.nothing();
  }
}

export function readTxnResponse(): TxnResponse | undefined {
  const { start, keys } = txnResponse;
  r.raw(start);
  r.raw(keys[0]!);
  const header = readHeader();
  r.raw(keys[1]!);
  const succeeded = r.flag();
  r.raw(keys[2]!);
  const responses: PutResponse[] = [];
  for (let left = r.list(); left > 0 && !r.failed; left--) {
    r.raw(putResponse.start);
    r.raw(putResponse.keys[0]!);
    const own = readHeader();
    r.raw(putResponse.keys[1]!);
    if (!r.isNothing()) r.failed = true;
    responses.push({ kind: "etcd.put.response", header: own, prevKv: null });
  }
  return { kind: "etcd.txn.response", header, succeeded, responses };
}

export function writeRangeResponse(response: RangeResponse): void {
  const { keys } = rangeResponse;
  if (!w.record(rangeResponse, response)) return;
  w.raw(keys[0]!);
  writeHeader(response.header);
  w.raw(keys[1]!);
  if (!w.list(response.kvs)) return;
  for (const kv of response.kvs) writeKeyValue(kv);
  w.raw(keys[2]!);
  w.flag(response.more);
  w.raw(keys[3]!);
  w.number(response.count);
}

export function readRangeResponse(): RangeResponse {
  const { start, keys } = rangeResponse;
  r.raw(start);
  r.raw(keys[0]!);
  const header = readHeader();
  r.raw(keys[1]!);
  const kvs: KeyValue[] = [];
  for (let left = r.list(); left > 0 && !r.failed; left--) kvs.push(readKeyValue());
  r.raw(keys[2]!);
  const more = r.flag();
  r.raw(keys[3]!);
  return { kind: "etcd.range.response", header, kvs, more, count: r.number() };
}

export function writeWatchResponse(response: WatchResponse): void {
  const { keys } = watchResponse;
  if (!w.record(watchResponse, response)) return;
  w.raw(keys[0]!);
  writeHeader(response.header);
  w.raw(keys[1]!);
  w.flag(response.created);
  w.raw(keys[2]!);
  w.number(response.compactRevision);
  w.raw(keys[3]!);
  if (!w.list(response.events)) return;
  for (const one of response.events) {
    if (one.prevKv !== null || !w.record(watchEvent, one)) {
      w.failed = true;
      return;
    }
    w.raw(watchEvent.keys[0]!);
    w.text(one.type);
    w.raw(watchEvent.keys[1]!);
    writeKeyValue(one.kv);
    w.raw(watchEvent.keys[2]!);
    w.nothing();
  }
}

export function readWatchResponse(): WatchResponse {
  const { start, keys } = watchResponse;
  r.raw(start);
  r.raw(keys[0]!);
  const header = readHeader();
  r.raw(keys[1]!);
  const created = r.flag();
  r.raw(keys[2]!);
  const compactRevision = r.number();
  r.raw(keys[3]!);
  const events: WatchEvent[] = [];
  for (let left = r.list(); left > 0 && !r.failed; left--) {
    r.raw(watchEvent.keys[0]!);
    const type = r.word(changes, packedChanges) as WatchEvent["type"];
    r.raw(watchEvent.keys[1]!);
    const kv = readKeyValue();
    r.raw(watchEvent.keys[2]!);
    if (!r.isNothing()) r.failed = true;
    events.push({ type, kv, prevKv: null });
  }
  return { kind: "etcd.watch.response", header, created, compactRevision, events };
}
