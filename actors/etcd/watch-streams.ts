import type { WatchRequest, WatchResponse } from "../../protocol/etcd";
import type { StreamRef } from "../../runtime/actor";
import { authRefusal } from "./auth/guard";
import { headerOf } from "./commands";
import { type MemberContext, type MemberState, nowMs, type WatchStream } from "./state";
import { etcdError } from "./store/errors";
import type { Watcher, WatcherGroup } from "./store/watchers";

/** After so many election time-outs without a leader a member's watches end: what it could show may be long out of date. */
const leaderlessTimeouts = 3;

/** Between two turns of that, whoever else wants something has his: a timer that is due at once would go before all that waits. */
const deliverPauseMs = 1;

/** Somebody opens a watch: it is confirmed, and what has happened since its start revision follows. */
export function openWatch(state: MemberState, stream: StreamRef, request: WatchRequest, ctx: MemberContext): void {
  if (isLeaderless(state, ctx)) {
    refuse(state, stream, ctx);
    return;
  }
  const refusal = authRefusal(state.store, request);
  if (refusal) {
    ctx.close(stream, "refused", refusal.message);
    return;
  }
  state.streams.set(stream.key, { stream, progressOwed: false, sentEvents: false });
  state.watchers.add(state.store, stream.key, request);
  ctx.push(stream, responseOf(state, state.store.revision, { created: true }));
  if (request.progressNotify) ctx.setTimer("progress", state.settings.watchProgressNotifyIntervalMs);
  deliver(state, ctx);
}

/** Watchers of a member that is cut off are sent away, as etcd does with those that require a leader; another member serves them. */
export function closeLeaderless(state: MemberState, ctx: MemberContext): void {
  if (!isLeaderless(state, ctx)) return;
  for (const { stream } of [...state.streams.values()]) refuse(state, stream, ctx);
}

function isLeaderless(state: MemberState, ctx: MemberContext): boolean {
  return nowMs(ctx) - state.seen.leaderlessMs >= leaderlessTimeouts * state.settings.electionTimeoutMs;
}

function refuse(state: MemberState, stream: StreamRef, ctx: MemberContext): void {
  ctx.close(stream, "refused", etcdError("noLeader").message);
  closeWatch(state, stream);
}

export function closeWatch(state: MemberState, stream: StreamRef): void {
  state.streams.delete(stream.key);
  state.watchers.remove(stream.key);
}

/** The watcher asks how far it is: answered once it has been sent everything up to there. */
export function requestProgress(state: MemberState, stream: StreamRef, ctx: MemberContext): void {
  const watch = state.streams.get(stream.key);
  if (!watch) return;
  watch.progressOwed = true;
  payProgress(state, watch, ctx);
}

/**
 * Sends watchers what they have not seen yet; those that are far behind get it over several turns. Watchers of one range that are as far as one
 * another get one message, which is encoded once.
 */
export function deliver(state: MemberState, ctx: MemberContext): void {
  const { store, watchers } = state;
  const waiting = watchers.waiting(store);
  if (waiting.length === 0) return;
  const shared: Shared = new Map();
  for (const watcher of waiting) {
    const watch = state.streams.get(watcher.id)!;
    const next = nextFor(state, watcher, shared);
    if (next === "compacted") {
      ctx.push(watch.stream, responseOf(state, store.revision, { compactRevision: store.compacted }));
      ctx.close(watch.stream, "done", "etcdserver: mvcc: required revision has been compacted");
      closeWatch(state, watch.stream);
      continue;
    }
    if (next !== null) {
      watch.sentEvents = true;
      ctx.push(watch.stream, next);
    }
    if (watch.progressOwed) payProgress(state, watch, ctx);
  }
  if (watchers.waiting(store).length > 0) ctx.setTimer("deliver", deliverPauseMs);
}

/** What the last watcher of a range was sent in this turn. */
type Shared = Map<
  WatcherGroup,
  { readonly from: number; readonly prevKv: boolean; readonly to: number | null; readonly response: WatchResponse | null }
>;

/** The next message for a watcher; null where nothing of what is new concerns it. */
function nextFor(state: MemberState, watcher: Watcher, shared: Shared): WatchResponse | "compacted" | null {
  const { store, watchers } = state;
  const { group, prevKv } = watcher;
  const from = watcher.behindFrom!;
  const last = shared.get(group);
  if (last?.from === from && last.prevKv === prevKv) {
    watchers.moveTo(watcher, last.to);
    return last.response;
  }
  const batch = watchers.take(store, watcher, state.settings.watchBatchMaxRevs);
  if (batch.type === "compacted") return "compacted";
  const { events } = batch;
  const response = events.length > 0 ? Object.freeze(responseOf(state, sentUpTo(state, watcher), { events })) : null;
  shared.set(group, { from, prevKv, to: watcher.behindFrom, response });
  return response;
}

/** Idle watchers that wanted it are told that nothing has happened. */
export function progressTimer(state: MemberState, ctx: MemberContext): void {
  let wanted = false;
  for (const watch of state.streams.values()) {
    const watcher = state.watchers.get(watch.stream.key);
    if (!watcher?.progressNotify) continue;
    wanted = true;
    if (!watch.sentEvents) {
      watch.progressOwed = true;
      payProgress(state, watch, ctx);
    }
    watch.sentEvents = false;
  }
  if (wanted) ctx.setTimer("progress", state.settings.watchProgressNotifyIntervalMs);
}

/** A progress response promises that everything up to its revision was sent: never while events are still to come. */
function payProgress(state: MemberState, watch: WatchStream, ctx: MemberContext): void {
  const watcher = state.watchers.get(watch.stream.key);
  if (!watcher || !state.watchers.hasSeenAll(state.store, watcher)) return;
  watch.progressOwed = false;
  ctx.push(watch.stream, responseOf(state, state.store.revision));
}

function sentUpTo(state: MemberState, watcher: Watcher): number {
  const { store } = state;
  return watcher.behindFrom === null ? store.revision : watcher.behindFrom - 1;
}

function responseOf(
  state: MemberState,
  revision: number,
  what: Partial<Pick<WatchResponse, "created" | "compactRevision" | "events">> = {},
): WatchResponse {
  const header = { ...headerOf(state.store, { member: state.id, term: state.node.term }), revision };
  return {
    kind: "etcd.watch.response",
    header,
    created: what.created ?? false,
    compactRevision: what.compactRevision ?? 0,
    events: what.events ?? [],
  };
}
