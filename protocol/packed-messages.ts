import type { ApiEvent, ApiRequest } from "./api";
import type {
  Compare,
  DeleteRangeRequest,
  KeyValue,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
  WatchEvent,
  WatchResponse,
} from "./etcd";
import { Fields, packedWords, Reader, Writer } from "./packed";

/**
 * The messages of a write, which are most of what is said in a cluster at rest and under load: from a component to an API server, from there to etcd, back, and to
 * everybody who watches. Each as its fields stand in the type of the message; see packed.ts.
 */

type Message = { readonly kind: string };
type Write = (value: never) => void;
type Read = () => Message | undefined;

const w = new Writer();
const r = new Reader();

/** The message's bytes; undefined for what the general codec has to write. */
export function encodePacked(message: Message): Uint8Array | undefined {
  const write = writers.get(message.kind);
  if (write === undefined) return undefined;
  w.begin();
  write(message as never);
  return w.end();
}

/** The message; undefined for what the general codec has to read. */
export function decodePacked(bytes: Uint8Array): Message | undefined {
  r.begin(bytes);
  for (const [fields, read] of readers)
    if (r.isNext(fields.start)) {
      const message = read();
      return r.end() ? message : undefined;
    }
  r.end();
  return undefined;
}

// ——— requests to an API server ———

const requestNames = [
  ...["verb", "path", "isResource", "group", "version", "resource", "subresource", "namespace", "name", "query"],
  ...["accept", "contentType", "userAgent", "credential", "impersonation", "body"],
];
/** An actor's says nothing of where it comes from; a gateway's does. They are read by RequestReader, which knows many by heart. */
const actorsRequest = new Fields("api.request", requestNames);
const gatewaysRequest = new Fields("api.request", [...requestNames, "sourceIp", "auditId"]);

function writeRequest(request: ApiRequest): void {
  const isGateways = request.sourceIp !== undefined;
  const fields = isGateways ? gatewaysRequest : actorsRequest;
  const { keys } = fields;
  if (!w.record(fields, request)) return;
  w.raw(keys[0]!);
  w.text(request.verb);
  w.raw(keys[1]!);
  w.text(request.path);
  w.raw(keys[2]!);
  w.flag(request.isResource);
  w.raw(keys[3]!);
  w.text(request.group);
  w.raw(keys[4]!);
  w.text(request.version);
  w.raw(keys[5]!);
  w.text(request.resource);
  w.raw(keys[6]!);
  w.text(request.subresource);
  w.raw(keys[7]!);
  w.text(request.namespace);
  w.raw(keys[8]!);
  w.text(request.name);
  w.raw(keys[9]!);
  w.plain(request.query);
  w.raw(keys[10]!);
  w.text(request.accept);
  w.raw(keys[11]!);
  w.text(request.contentType);
  w.raw(keys[12]!);
  w.text(request.userAgent);
  w.raw(keys[13]!);
  w.plain(request.credential);
  w.raw(keys[14]!);
  w.plain(request.impersonation);
  w.raw(keys[15]!);
  w.bytes(request.body);
  if (!isGateways) return;
  w.raw(keys[16]!);
  w.text(request.sourceIp);
  w.raw(keys[17]!);
  w.text(request.auditId);
}

// ——— events of a watch ———

const event = new Fields("api.event", ["type", "object"]);
const eventTypes = ["MODIFIED", "ADDED", "DELETED", "BOOKMARK"];
const packedEventTypes = packedWords(eventTypes);

function writeEvent(value: ApiEvent): void {
  if (!w.record(event, value)) return;
  w.raw(event.keys[0]!);
  w.text(value.type);
  w.raw(event.keys[1]!);
  w.bytes(value.object);
}

function readEvent(): ApiEvent {
  r.raw(event.start);
  r.raw(event.keys[0]!);
  const type = r.word(eventTypes, packedEventTypes) as ApiEvent["type"];
  r.raw(event.keys[1]!);
  return { kind: "api.event", type, object: r.bytes() };
}

// ——— etcd's requests ———

const range = new Fields("etcd.range", [
  ...["key", "rangeEnd", "limit", "revision", "sortOrder", "sortTarget", "serializable", "keysOnly", "countOnly"],
]);
const put = new Fields("etcd.put", ["key", "value", "lease", "prevKv"]);
const remove = new Fields("etcd.delete", ["key", "rangeEnd", "prevKv"]);
const condition = new Fields("", ["key", "target", "result", "number", "value"]);
const txn = new Fields("etcd.txn", ["compare", "success", "failure"]);

const sortOrders = ["none", "ascend", "descend"];
const packedSortOrders = packedWords(sortOrders);
const targets = ["mod", "key", "version", "create", "value", "lease"];
const packedTargets = packedWords(targets);
const results = ["equal", "notEqual", "greater", "less"];
const packedResults = packedWords(results);

function writeRange(request: RangeRequest): void {
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

function readRange(): RangeRequest {
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

function writeTxn(request: TxnRequest): void {
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

function readTxn(): TxnRequest {
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

// ——— etcd's answers ———

const header = new Fields("", ["member", "revision", "term"]);
const keyValue = new Fields("", ["key", "value", "createRevision", "modRevision", "version", "lease"]);
const txnResponse = new Fields("etcd.txn.response", ["header", "succeeded", "responses"]);
const putResponse = new Fields("etcd.put.response", ["header", "prevKv"]);
const rangeResponse = new Fields("etcd.range.response", ["header", "kvs", "more", "count"]);
const watchResponse = new Fields("etcd.watch.response", ["header", "created", "compactRevision", "events"]);
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

function writeTxnResponse(response: TxnResponse): void {
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

function readTxnResponse(): TxnResponse | undefined {
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

function writeRangeResponse(response: RangeResponse): void {
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

function readRangeResponse(): RangeResponse {
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

function writeWatchResponse(response: WatchResponse): void {
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

function readWatchResponse(): WatchResponse {
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

const writers: ReadonlyMap<string, Write> = new Map<string, Write>([
  ["api.request", writeRequest],
  ["api.event", writeEvent],
  ["etcd.txn", writeTxn],
  ["etcd.range", writeRange],
  ["etcd.txn.response", writeTxnResponse],
  ["etcd.range.response", writeRangeResponse],
  ["etcd.watch.response", writeWatchResponse],
]);

const readers: readonly (readonly [Fields, Read])[] = [
  [txn, readTxn],
  [watchResponse, readWatchResponse],
  [event, readEvent],
  [txnResponse, readTxnResponse],
  [range, readRange],
  [rangeResponse, readRangeResponse],
];
