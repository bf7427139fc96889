import type { Context } from "../../../runtime/actor";
import { readEtcd } from "./etcd-client";
import { askProgress, type HasFeed, learnRevision, revisionQuestion } from "./feed";

/** Reads that wait until the caches have come to a revision, and the one question to etcd that consistent reads share. */
export interface Freshness<S> {
  waiting: readonly Wait<S>[];
  /** Consistent reads that the question under way answers. */
  asking: readonly Consistent<S>[];
  /** Consistent reads that came after the question under way was sent: it may be too old for them, the next one answers them. */
  next: readonly Consistent<S>[];
}

interface Wait<S> {
  readonly revision: number;
  readonly untilUs: number;
  readonly then: (state: S, reached: boolean, ctx: Context<S>) => undefined;
}

interface Consistent<S> {
  readonly untilUs: number;
  /** `revision` is undefined where etcd did not say in time. */
  readonly then: (state: S, revision: number | undefined, ctx: Context<S>) => undefined;
}

export interface HasFreshness<S> extends HasFeed {
  readonly freshness: Freshness<S>;
}

export const freshnessTimer = "freshness";
/** After this long of waiting etcd is asked for its progress: the revision may have come from a write outside the registry. */
const progressAfterMs = 100;

export function newFreshness<S>(): Freshness<S> {
  return { waiting: [], asking: [], next: [] };
}

/** Goes on once the caches hold at least `revision`, at once if they do; with false when they do not by `untilUs` (monotonic). */
export function awaitRevision<S extends HasFreshness<S>>(
  state: S,
  ctx: Context<S>,
  revision: number,
  untilUs: number,
  then: Wait<S>["then"],
): undefined {
  if (state.feed.revision >= revision && state.feed.revision > 0) return then(state, true, ctx);
  const { freshness } = state;
  if (freshness.waiting.length === 0) ctx.setTimer(freshnessTimer, progressAfterMs);
  freshness.waiting = [...freshness.waiting, { revision, untilUs, then: ctx.keep(then) }];
}

/**
 * Goes on once the caches hold everything that was written before this call: asks etcd for its revision (a linearizable read) and waits
 * for the caches to come to it. undefined where that was not possible by `untilUs`.
 */
export function awaitConsistent<S extends HasFreshness<S>>(
  state: S,
  ctx: Context<S>,
  untilUs: number,
  then: (state: S, revision: number | undefined, ctx: Context<S>) => undefined,
): undefined {
  const { freshness } = state;
  // Many wait for one answer of etcd: what throws in one of them is no concern of the others.
  const read: Consistent<S> = { untilUs, then: ctx.keep(then) };
  if (freshness.asking.length > 0) {
    freshness.next = [...freshness.next, read];
    return;
  }
  return ask(state, ctx, [read]);
}

function ask<S extends HasFreshness<S>>(state: S, ctx: Context<S>, reads: readonly Consistent<S>[]): undefined {
  state.freshness.asking = reads;
  const untilUs = reads.reduce((latest, read) => Math.max(latest, read.untilUs), 0);
  return readEtcd(state, ctx, revisionQuestion, untilUs, (state, outcome, ctx) => {
    const { asking, next } = state.freshness;
    state.freshness.asking = [];
    state.freshness.next = [];
    if (next.length > 0) ask(state, ctx, next);
    if (outcome.type !== "done") {
      for (const { then } of asking) then(state, undefined, ctx);
      return;
    }
    const { revision } = outcome.response.header;
    learnRevision(state.feed, revision);
    for (const { untilUs, then } of asking)
      awaitRevision(state, ctx, revision, untilUs, (state, reached, ctx) => then(state, reached ? revision : undefined, ctx));
  });
}

/** To be called when the caches have advanced. */
export function wakeWaiting<S extends HasFreshness<S>>(state: S, ctx: Context<S>): undefined {
  const { freshness, feed } = state;
  if (freshness.waiting.length === 0) return;
  const due = freshness.waiting.filter((wait) => wait.revision <= feed.revision);
  if (due.length === 0) return;
  freshness.waiting = freshness.waiting.filter((wait) => wait.revision > feed.revision);
  if (freshness.waiting.length === 0) ctx.cancelTimer(freshnessTimer);
  for (const wait of due) wait.then(state, true, ctx);
}

/** On the freshness timer: gives up on those whose time is over, asks for progress for the others. */
export function onFreshnessTimer<S extends HasFreshness<S>>(state: S, ctx: Context<S>): undefined {
  const { freshness } = state;
  const nowUs = ctx.monotonicUs();
  const late = freshness.waiting.filter((wait) => wait.untilUs <= nowUs);
  freshness.waiting = freshness.waiting.filter((wait) => wait.untilUs > nowUs);
  for (const wait of late) wait.then(state, false, ctx);
  if (freshness.waiting.length === 0) return;
  askProgress(state, ctx);
  ctx.setTimer(freshnessTimer, progressAfterMs);
}
