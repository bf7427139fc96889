import type { Address } from "../../../protocol/address";
import type { EtcdError, EtcdRequest, EtcdResponse, KeyValue } from "../../../protocol/etcd";
import type { Context } from "../../../runtime/actor";
import { type KmsConfig, learnKeys } from "./encryption/kms";
import type { Vault } from "./encryption/vault";
import type { EtcdFigures } from "./etcd-figures";

/**
 * The way to etcd: one member is preferred until it fails, then the next. Reads are asked again elsewhere while there is time;
 * a write is asked once, and when it got no answer it is unknown whether it happened, which the caller must be told.
 */
export interface EtcdClient {
  /** Whom there is to ask, in turns; etcd-members.ts follows who belongs to etcd. */
  members: readonly Address[];
  /** The member that is asked first. */
  preferred: Address;
  /** How often etcd is asked who its members are; 0 for never. */
  readonly syncIntervalMs: number;
  /** How long one member is waited for before a read goes to the next. */
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** What encrypts and decrypts: callers see plain values alone. */
  readonly vault: Vault;
  /** Who answers for key management plug-ins. */
  readonly kms?: KmsConfig;
  /** Hears of each request that was answered, or that nobody answered. */
  readonly figures?: EtcdFigures;
}

/** Any actor that keeps an EtcdClient. */
export interface HasEtcd {
  readonly etcd: EtcdClient;
}

/** "failed": it certainly did not happen. "unknown": it may have happened, or may yet happen. */
export type EtcdOutcome<R extends EtcdResponse> =
  | { readonly type: "done"; readonly response: R }
  | { readonly type: "failed"; readonly error: EtcdError }
  | { readonly type: "unknown"; readonly detail: string };

type ResponseOf<Q extends EtcdRequest> = Extract<
  EtcdResponse,
  {
    readonly kind: Q extends { readonly kind: `etcd.lease.${string}` } ? "etcd.lease.response" : `${Q["kind"]}.response`;
  }
>;

export type Then<S, T> = (state: S, result: T, ctx: Context<S>) => undefined;

/**
 * Asks for something that changes nothing; goes on to other members until `deadlineUs` (monotonic). `isNow` says that what is read is what is
 * there now.
 */
export function readEtcd<S extends HasEtcd, Q extends EtcdRequest>(
  state: S,
  ctx: Context<S>,
  request: Q,
  deadlineUs: number,
  then: Then<S, EtcdOutcome<ResponseOf<Q>>>,
  isNow = request.kind === "etcd.range" && request.revision === 0,
): undefined {
  return attempt(state, ctx, 1);

  function attempt(state: S, ctx: Context<S>, tried: number): undefined {
    const { members, preferred, readTimeoutMs } = state.etcd;
    const leftMs = (deadlineUs - ctx.monotonicUs()) / 1000;
    if (leftMs < 1) return then(state, { type: "failed", error: unavailable("no time left to ask etcd") }, ctx);
    const askedUs = ctx.monotonicUs();
    ctx.ask<EtcdResponse>(preferred, request, { deadlineMs: Math.min(leftMs, readTimeoutMs) }, (state, answer, ctx) => {
      state.etcd.figures?.observe(request, ctx.monotonicUs() - askedUs, answer.ok);
      if (answer.ok && answer.body.kind !== "etcd.error") return taken(state, ctx, answer.body, isNow, then);
      const error = answer.ok ? (answer.body as EtcdError) : unavailable(`${preferred}: ${answer.error}: ${answer.detail}`);
      if (!isTransient(error)) return then(state, { type: "failed", error }, ctx);
      moveOn(state.etcd, preferred);
      if (tried >= 2 * members.length) return then(state, { type: "failed", error }, ctx);
      return attempt(state, ctx, tried + 1);
    });
  }
}

/** Asks for a change, once. */
export function writeEtcd<S extends HasEtcd, Q extends EtcdRequest>(
  state: S,
  ctx: Context<S>,
  request: Q,
  deadlineUs: number,
  then: Then<S, EtcdOutcome<ResponseOf<Q>>>,
): undefined {
  const { preferred, writeTimeoutMs } = state.etcd;
  const leftMs = (deadlineUs - ctx.monotonicUs()) / 1000;
  if (leftMs < 1) return then(state, { type: "failed", error: unavailable("no time left to ask etcd") }, ctx);
  const nowMs = ctx.wallUs() / 1000;
  const told = request.kind === "etcd.txn" ? state.etcd.vault.sealed(request, (bytes) => nonce(ctx, bytes), nowMs) : request;
  if (typeof told === "string") {
    const message = `unable to encrypt: ${told}`;
    return then(state, { type: "failed", error: { kind: "etcd.error", code: "InvalidArgument", message, unknown: false } }, ctx);
  }
  const askedUs = ctx.monotonicUs();
  ctx.ask<EtcdResponse>(preferred, told, { deadlineMs: Math.min(leftMs, writeTimeoutMs) }, (state, answer, ctx) => {
    state.etcd.figures?.observe(request, ctx.monotonicUs() - askedUs, answer.ok);
    if (!answer.ok) {
      moveOn(state.etcd, preferred);
      const detail = `${preferred}: ${answer.error}: ${answer.detail}`;
      // A refusal comes from the runtime or the member before anything was done with the request.
      if (answer.error === "refused") return then(state, { type: "failed", error: unavailable(detail) }, ctx);
      return then(state, { type: "unknown", detail }, ctx);
    }
    if (answer.body.kind !== "etcd.error") return taken(state, ctx, answer.body, true, then);
    const error = answer.body as EtcdError;
    if (isTransient(error)) moveOn(state.etcd, preferred);
    if (error.unknown) return then(state, { type: "unknown", detail: error.message }, ctx);
    return then(state, { type: "failed", error }, ctx);
  });
}

/** Goes on with an answer once every value in it that can be opened is. */
function taken<S extends HasEtcd, R extends EtcdResponse>(
  state: S,
  ctx: Context<S>,
  response: EtcdResponse,
  isNow: boolean,
  then: Then<S, EtcdOutcome<R>>,
): undefined {
  if (state.etcd.vault.plugins.length === 0)
    return then(state, { type: "done", response: opened(state.etcd, ctx.wallUs() / 1000, response, isNow) as R }, ctx);
  return learnKeys(state, ctx, valuesIn(response), (state, ctx) =>
    then(state, { type: "done", response: opened(state.etcd, ctx.wallUs() / 1000, response, isNow) as R }, ctx),
  );
}

function valuesIn(response: EtcdResponse): readonly KeyValue[] {
  if (response.kind === "etcd.range.response") return response.kvs;
  if (response.kind !== "etcd.txn.response") return [];
  return response.responses.flatMap((each) => (each.kind === "etcd.range.response" ? each.kvs : []));
}

function opened({ vault }: EtcdClient, nowMs: number, response: EtcdResponse, isNow: boolean): EtcdResponse {
  if (response.kind === "etcd.range.response") return { ...response, kvs: response.kvs.map((kv) => vault.opened(kv, nowMs, isNow)) };
  if (response.kind !== "etcd.txn.response") return response;
  const responses = response.responses.map((each) =>
    each.kind === "etcd.range.response" ? { ...each, kvs: each.kvs.map((kv) => vault.opened(kv, nowMs, isNow)) } : each,
  );
  return { ...response, responses };
}

/** Random bytes that are never drawn again. */
function nonce<S>(ctx: Context<S>, bytes: number): Uint8Array {
  const drawn = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) drawn.writeUInt32BE(ctx.randomInt("encryption-nonce", 2 ** 32), at);
  return drawn;
}

/** Prefers the next member, unless somebody has moved on already since `failed` was asked. */
export function moveOn(etcd: EtcdClient, failed: Address): undefined {
  const { members, preferred } = etcd;
  if (preferred === failed) etcd.preferred = members[(members.indexOf(failed) + 1) % members.length]!;
}

/** True where another member, or the same one later, may well answer. */
export function isTransient(error: EtcdError): boolean {
  return error.code === "Unavailable" || error.code === "DeadlineExceeded";
}

export function isCompacted(error: EtcdError): boolean {
  return error.code === "OutOfRange" && error.message.includes("compacted");
}

export function isFutureRevision(error: EtcdError): boolean {
  return error.code === "OutOfRange" && error.message.includes("future");
}

function unavailable(message: string): EtcdError {
  return { kind: "etcd.error", code: "Unavailable", message, unknown: false };
}
