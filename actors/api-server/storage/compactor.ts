import type { Context } from "../../../runtime/actor";
import { type HasEtcd, writeEtcd } from "./etcd-client";
import { keyBytes, keyText } from "./keys";
import { rangeOfKey } from "./store";

/**
 * Tells etcd to forget old revisions: every interval, what was current at the last one. All API servers try; a counter in etcd
 * that only one of them can move on decides whose turn it is.
 */
export interface Compactor {
  readonly intervalMs: number;
  /** The counter's version and the revision at the last interval. */
  version: number;
  revision: number;
  /** Before this one revisions are gone, as far as this server has heard. */
  compacted: number;
}

export interface HasCompactor extends HasEtcd {
  readonly compactor: Compactor;
}

export const compactTimer = "compact";
const counterKey = "compact_rev_key";
const none = new Uint8Array();

export function newCompactor(intervalMs: number): Compactor {
  return { intervalMs, version: 0, revision: 0, compacted: 0 };
}

export function startCompactor<S extends HasCompactor>(state: S, ctx: Context<S>): undefined {
  if (state.compactor.intervalMs > 0) ctx.setTimer(compactTimer, state.compactor.intervalMs);
}

/** On the timer: moves the counter on and, if that was this server, compacts at the revision of the last interval. */
export function compact<S extends HasCompactor>(state: S, ctx: Context<S>): undefined {
  const { version, revision: target, intervalMs } = state.compactor;
  ctx.setTimer(compactTimer, intervalMs);
  const deadlineUs = ctx.monotonicUs() + 30e6;
  const key = keyBytes(counterKey);
  const txn = {
    kind: "etcd.txn",
    compare: [{ key, target: "version", result: "equal", number: version, value: none }],
    success: [{ kind: "etcd.put", key, value: keyBytes(String(target)), lease: 0, prevKv: false }],
    failure: [rangeOfKey(counterKey)],
  } as const;
  return writeEtcd(state, ctx, txn, deadlineUs, (state, outcome, ctx) => {
    if (outcome.type !== "done") return;
    const { header, succeeded, responses } = outcome.response;
    state.compactor.revision = header.revision;
    if (!succeeded) {
      const range = responses[0];
      const counter = range?.kind === "etcd.range.response" ? range.kvs[0] : undefined;
      state.compactor.version = counter?.version ?? 0;
      if (counter) noteCompacted(state.compactor, Number(keyText(counter.value)));
      return;
    }
    state.compactor.version = version + 1;
    if (target === 0) return;
    noteCompacted(state.compactor, target);
    return writeEtcd(state, ctx, { kind: "etcd.compact", revision: target }, deadlineUs, (_state, outcome, ctx) => {
      if (outcome.type === "failed") ctx.log("info", "etcd did not compact", { revision: target, error: outcome.error.message });
    });
  });
}

function noteCompacted(compactor: Compactor, revision: number): void {
  if (revision > compactor.compacted) compactor.compacted = revision;
}
