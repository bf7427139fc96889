import type { EtcdRequest, EtcdResponse, KeyValue, WatchEvent, WatchResponse } from "../../../protocol/etcd";
import { text } from "../store/requests";
import type { Json, Reply } from "./real-etcd";

/** What is compared, from either side: revisions count from the 1 of an empty store, fields that mean nothing are left out. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [field: string]: Plain };

// gRPC's status codes by number.
const codes = new Map([
  [3, "InvalidArgument"],
  [5, "NotFound"],
  [6, "AlreadyExists"],
  [8, "ResourceExhausted"],
  [9, "FailedPrecondition"],
  [11, "OutOfRange"],
  [14, "Unavailable"],
]);

export function plainOfOurs(response: EtcdResponse, request: EtcdRequest): Plain {
  switch (response.kind) {
    case "etcd.error":
      return { error: response.code, message: response.message };
    case "etcd.range.response":
      return { revision: response.header.revision, kvs: response.kvs.map(plainKv), more: response.more, count: response.count };
    case "etcd.put.response":
      return { revision: response.header.revision, prevKv: response.prevKv && plainKv(response.prevKv) };
    case "etcd.delete.response":
      return { revision: response.header.revision, deleted: response.deleted, prevKvs: response.prevKvs.map(plainKv) };
    case "etcd.txn.response":
      return {
        revision: response.header.revision,
        succeeded: response.succeeded,
        responses: response.responses.map((nested) => withoutRevision(plainOfOurs(nested, request))),
      };
    case "etcd.compact.response":
      return { revision: response.header.revision };
    case "etcd.lease.response":
      return plainLease(request, {
        revision: response.header.revision,
        id: response.id,
        ttl: response.ttlSeconds,
        granted: response.grantedTtlSeconds,
        keys: response.keys.map(text),
        leases: response.leases,
      });
    default:
      throw new Error(`${response.kind} is not compared`);
  }
}

export function plainOfTheirs(reply: Reply, request: EtcdRequest, offset: number): Plain {
  if (!reply.ok) return { error: codes.get(reply.code) ?? `code ${reply.code}`, message: reply.message };
  return responseOf(reply.body, request.kind, request, offset);
}

function responseOf(body: Json, kind: EtcdRequest["kind"], request: EtcdRequest, offset: number): Plain {
  const revision = number((body.header as Json | undefined)?.revision, offset);
  switch (kind) {
    case "etcd.range":
      return { revision, kvs: kvsOf(body.kvs, offset), more: body.more === true, count: number(body.count) };
    case "etcd.put":
      return { revision, prevKv: body.prev_kv ? kvOf(body.prev_kv as Json, offset) : null };
    case "etcd.delete":
      return { revision, deleted: number(body.deleted), prevKvs: kvsOf(body.prev_kvs, offset) };
    case "etcd.txn":
      return {
        revision,
        succeeded: body.succeeded === true,
        responses: ((body.responses ?? []) as readonly Json[]).map((nested) => withoutRevision(nestedOf(nested, request, offset))),
      };
    case "etcd.compact":
      return { revision };
    default:
      return plainLease(request, {
        revision,
        id: number(body.ID),
        ttl: number(body.TTL),
        granted: number(body.grantedTTL),
        keys: ((body.keys ?? []) as readonly string[]).map(bytesOf),
        leases: ((body.leases ?? []) as readonly Json[]).map(({ ID }) => number(ID)),
      });
  }
}

function nestedOf(nested: Json, request: EtcdRequest, offset: number): Plain {
  if (nested.response_range) return responseOf(nested.response_range as Json, "etcd.range", request, offset);
  if (nested.response_put) return responseOf(nested.response_put as Json, "etcd.put", request, offset);
  if (nested.response_delete_range) return responseOf(nested.response_delete_range as Json, "etcd.delete", request, offset);
  return responseOf(nested.response_txn as Json, "etcd.txn", request, offset);
}

interface LeaseFields {
  readonly revision: number;
  readonly id: number;
  readonly ttl: number;
  readonly granted: number;
  readonly keys: readonly string[];
  readonly leases: readonly number[];
}

function plainLease(request: EtcdRequest, { revision, id, ttl, granted, keys, leases }: LeaseFields): Plain {
  switch (request.kind) {
    case "etcd.lease.grant":
      return { revision, id, ttl };
    case "etcd.lease.revoke":
      return { revision };
    case "etcd.lease.keepAlive":
      return { revision, id, ttl: Math.max(0, ttl) };
    case "etcd.lease.timeToLive":
      return { revision, id, alive: ttl >= 0, granted, keys: [...keys].sort() };
    default:
      return { revision, leases: [...leases].sort((a, b) => a - b) };
  }
}

/** A watch as it went: its events with what they carry, and how it ended if it did. */
export function plainWatchOfOurs(responses: readonly WatchResponse[]): readonly Plain[] {
  return responses.flatMap(({ events, compactRevision }): Plain[] =>
    compactRevision > 0 ? [{ compacted: compactRevision }] : events.map(plainEvent),
  );
}

export function plainWatchOfTheirs(replies: readonly Reply[], offset: number): readonly Plain[] {
  return replies.flatMap((reply): Plain[] => {
    if (!reply.ok) return [{ error: reply.code, message: reply.message }];
    const { body } = reply;
    if (number(body.compact_revision) > 0) return [{ compacted: number(body.compact_revision, offset) }];
    if (body.canceled === true) return [{ cancelled: true }];
    return ((body.events ?? []) as readonly Json[]).map((event): Plain => {
      const kv = kvOf(event.kv as Json, offset);
      const type = event.type === "DELETE" ? "delete" : "put";
      return { type, kv: type === "put" ? kv : [kv[0]!, kv[3]!], prevKv: event.prev_kv ? kvOf(event.prev_kv as Json, offset) : null };
    });
  });
}

function plainEvent({ type, kv, prevKv }: WatchEvent): Plain {
  return {
    type,
    kv: type === "put" ? plainKv(kv) : [text(kv.key), kv.modRevision],
    prevKv: prevKv && plainKv(prevKv),
  };
}

function plainKv({ key, value, createRevision, modRevision, version, lease }: KeyValue): readonly Plain[] {
  return [text(key), text(value), createRevision, modRevision, version, lease];
}

function kvsOf(kvs: unknown, offset: number): readonly Plain[] {
  return ((kvs ?? []) as readonly Json[]).map((kv) => kvOf(kv, offset));
}

function kvOf(kv: Json, offset: number): readonly Plain[] {
  const revisions = [number(kv.create_revision, offset), number(kv.mod_revision, offset)];
  return [bytesOf(kv.key), bytesOf(kv.value), ...revisions, number(kv.version), number(kv.lease)];
}

function withoutRevision(plain: Plain): Plain {
  const { revision: _, ...rest } = plain as { readonly [field: string]: Plain };
  return rest;
}

/** Protobuf's JSON writes 64 bits as text, and leaves out zeros. */
function number(value: unknown, offset = 0): number {
  return value === undefined ? 0 : Number(value) - offset;
}

function bytesOf(value: unknown): string {
  return Buffer.from(String(value ?? ""), "base64").toString("latin1");
}
