import type { Compare, DeleteRangeRequest, EtcdError, KeyValue, PutRequest, RangeRequest, TxnRequest } from "../../../protocol/etcd";
import type { Context } from "../../../runtime/actor";
import { Entry, isStoredObject, sameBytes } from "./entry";
import { type EtcdOutcome, readEtcd, type Then, writeEtcd } from "./etcd-client";
import { type HasFeed, learnRevision } from "./feed";
import { keyBytes, keyText } from "./keys";

/** One object's change in etcd, guarded by the revision it was decided on. */
export interface GuardedWrite {
  readonly key: string;
  /** The mod revision the object must still have; 0 where it must not exist. */
  readonly expected: number;
  /** The new bytes, or null to delete. */
  readonly stored: Uint8Array | null;
  /** The lease the key hangs on, or 0. */
  readonly lease: number;
  readonly alongside: Alongside;
}

/** What happens together with the write or not at all: reservations that belong to the object. */
export interface Alongside {
  readonly compare: readonly Compare[];
  readonly success: readonly (PutRequest | DeleteRangeRequest)[];
}

export const nothingAlongside: Alongside = { compare: [], success: [] };

export type WriteOutcome =
  | { readonly type: "written"; readonly revision: number }
  /** The object is not at the expected revision, or a condition alongside did not hold; `current` is what is there now. */
  | { readonly type: "conflict"; readonly current: Entry | undefined }
  | { readonly type: "failed"; readonly error: EtcdError }
  | { readonly type: "unknown"; readonly detail: string };

/**
 * Performs a guarded write. Where etcd gives no answer the object is read again: unchanged, the same guarded write may be tried again, for
 * at most one of the two can succeed; a new object that holds exactly our bytes was made by us; anything else stays unknown.
 */
export function writeGuarded<S extends HasFeed>(
  state: S,
  ctx: Context<S>,
  write: GuardedWrite,
  deadlineUs: number,
  then: Then<S, WriteOutcome>,
): undefined {
  const txn = transaction(write);
  return attempt(state, ctx, 1);

  function attempt(state: S, ctx: Context<S>, tries: number): undefined {
    return writeEtcd(state, ctx, txn, deadlineUs, (state, outcome, ctx) => {
      if (outcome.type === "failed") {
        if (tries > 1) return then(state, { type: "unknown", detail: outcome.error.message }, ctx);
        return then(state, outcome, ctx);
      }
      if (outcome.type === "unknown") return lookAgain(state, ctx, tries, outcome.detail);
      const { header, succeeded, responses } = outcome.response;
      learnRevision(state.feed, header.revision);
      if (succeeded) return then(state, { type: "written", revision: header.revision }, ctx);
      const range = responses[0];
      const kv = range?.kind === "etcd.range.response" ? range.kvs[0] : undefined;
      if (kv && !isStoredObject(kv.value)) return then(state, { type: "failed", error: unreadable(state, write.key) }, ctx);
      if (tries > 1) return then(state, settle(write, kv, "another try found the object changed"), ctx);
      return then(state, { type: "conflict", current: kv && entryOf(kv) }, ctx);
    });
  }

  function lookAgain(state: S, ctx: Context<S>, tries: number, detail: string): undefined {
    return readEntry(state, ctx, write.key, deadlineUs, (state, read, ctx) => {
      if (read.type !== "done") return then(state, { type: "unknown", detail }, ctx);
      if ((read.entry?.revision ?? 0) === write.expected && tries < 3) return attempt(state, ctx, tries + 1);
      return then(state, settle(write, read.entry, detail), ctx);
    });
  }
}

/**
 * After a try without answer: a new object with our very bytes is ours, for nobody else drew its uid. Of an update that cannot be said,
 * since two clients may well have asked for the same.
 */
function settle(write: GuardedWrite, found: KeyValue | Entry | undefined, detail: string): WriteOutcome {
  if (!found || write.stored === null || write.expected !== 0) return { type: "unknown", detail };
  const entry = found instanceof Entry ? found : entryOf(found);
  return sameBytes(entry.stored, write.stored) ? { type: "written", revision: entry.revision } : { type: "unknown", detail };
}

function transaction({ key, expected, stored, lease, alongside }: GuardedWrite): TxnRequest {
  const bytes = keyBytes(key);
  const change: PutRequest | DeleteRangeRequest =
    stored === null
      ? { kind: "etcd.delete", key: bytes, rangeEnd: noBytes, prevKv: false }
      : { kind: "etcd.put", key: bytes, value: stored, lease, prevKv: false };
  return {
    kind: "etcd.txn",
    compare: [{ key: bytes, target: "mod", result: "equal", number: expected, value: noBytes }, ...alongside.compare],
    success: [change, ...alongside.success],
    failure: [rangeOfBytes(bytes, 0)],
  };
}

export function rangeOfKey(key: string, revision = 0): RangeRequest {
  return rangeOfBytes(keyBytes(key), revision);
}

/** Written out, since each write carries one: a record put together of parts takes ten times as long. */
function rangeOfBytes(key: Uint8Array, revision: number): RangeRequest {
  return {
    kind: "etcd.range",
    key,
    rangeEnd: noBytes,
    limit: 0,
    revision,
    sortOrder: "none",
    sortTarget: "key",
    serializable: false,
    keysOnly: false,
    countOnly: false,
  };
}

const noBytes = new Uint8Array();

export function entryOf(kv: KeyValue): Entry {
  return new Entry(keyText(kv.key), kv.modRevision, kv.value);
}

function unreadable({ etcd }: HasFeed, key: string): EtcdError {
  const message = etcd.vault.faultAt(key) ?? `what etcd holds under ${key} is not an object`;
  return { kind: "etcd.error", code: "InvalidArgument", message, unknown: false };
}

export type ReadOutcome =
  | { readonly type: "done"; readonly entry: Entry | undefined; readonly revision: number }
  | Exclude<EtcdOutcome<never>, { readonly type: "done" }>;

/** Reads one object from etcd, linearizably. The cache's entry is used where it is the same, so that it is decoded once. */
export function readEntry<S extends HasFeed>(
  state: S,
  ctx: Context<S>,
  key: string,
  deadlineUs: number,
  then: Then<S, ReadOutcome>,
  cached?: Entry,
): undefined {
  return readEtcd(state, ctx, rangeOfKey(key), deadlineUs, (state, outcome, ctx) => {
    if (outcome.type !== "done") return then(state, outcome, ctx);
    const { kvs, header } = outcome.response;
    learnRevision(state.feed, header.revision);
    const kv = kvs[0];
    if (kv && !isStoredObject(kv.value)) return then(state, { type: "failed", error: unreadable(state, key) }, ctx);
    const entry = kv && (cached?.revision === kv.modRevision ? cached : entryOf(kv));
    return then(state, { type: "done", entry, revision: header.revision }, ctx);
  });
}
