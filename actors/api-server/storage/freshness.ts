import type { RangeResponse } from "../../../protocol/etcd";
import type { Context } from "../../../runtime/actor";
import { type EtcdOutcome, readEtcd } from "./etcd-client";
import { askProgress, type HasFeed, learnRevision, revisionQuestion } from "./feed";

/** Reads that wait until the caches have come to a revision, and the one question to etcd that consistent reads share. */
export interface Freshness<S> {
  waiting: readonly Wait<S>[];
  /** Consistent reads that the question under way answers. */
  asking: readonly Consistent<S>[];
  /** Consistent reads that came after the question under way was sent: it may be too old for them, the next one answers them. */
  next: Consistent<S>[];
  /** How many reads the last question answered: where several come together, one waits a moment for the others. */
  shared: number;
}

interface Wait<S> {
  readonly revision: number;
  readonly untilUs: number;
  readonly then: (state: S, reached: boolean, ctx: Context<S>) => undefined;
}

interface Consistent<S> {
  readonly untilUs: number;
  readonly then: ThenRevision<S>;
}

/** What etcd said its revision is, or why it did not say. */
export type RevisionOutcome =
  | { readonly type: "done"; readonly revision: number }
  | Exclude<EtcdOutcome<RangeResponse>, { readonly type: "done" }>;

type ThenRevision<S> = (state: S, outcome: RevisionOutcome, ctx: Context<S>) => undefined;

export interface HasFreshness<S> extends HasFeed {
  readonly freshness: Freshness<S>;
}

export const freshnessTimer = "freshness";
/** Set where consistent reads are gathered for one question. */
export const gatherTimer = "freshness-gather";
/** After this long of waiting etcd is asked for its progress: the revision may have come from a write outside the registry. */
const progressAfterMs = 100;

export function newFreshness<S>(): Freshness<S> {
  return { waiting: [], asking: [], next: [], shared: 0 };
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
  return learnPresent(state, ctx, untilUs, (state, outcome, ctx) => {
    if (outcome.type !== "done") return then(state, undefined, ctx);
    const { revision } = outcome;
    return awaitRevision(state, ctx, revision, untilUs, (state, reached, ctx) => then(state, reached ? revision : undefined, ctx));
  });
}

/**
 * Asks etcd for the revision to which it had come at the time of this call, or later. One question is under way at a time, and it answers
 * everybody who came before it was sent: a hundred reads at once cost etcd no more than two. A read that comes alone asks at once. Where the last
 * question answered several, the next one is put when those that are here already have been heard: otherwise the first of them would have a
 * question, with its round of messages between etcd's members, for itself.
 */
export function learnPresent<S extends HasFreshness<S>>(state: S, ctx: Context<S>, untilUs: number, then: ThenRevision<S>): undefined {
  const { freshness } = state;
  // Many wait for one answer of etcd: what throws in one of them is no concern of the others.
  const read: Consistent<S> = { untilUs, then: ctx.keep(then) };
  if (freshness.asking.length === 0 && freshness.next.length === 0) {
    if (freshness.shared <= 1) return ask(state, ctx, [read]);
    ctx.setTimer(gatherTimer, 0);
  }
  freshness.next.push(read);
}

/** On the gather timer: puts the question of all who have come. */
export function onGatherTimer<S extends HasFreshness<S>>(state: S, ctx: Context<S>): undefined {
  const { freshness } = state;
  const reads = freshness.next;
  if (freshness.asking.length > 0 || reads.length === 0) return;
  freshness.next = [];
  return ask(state, ctx, reads);
}

function ask<S extends HasFreshness<S>>(state: S, ctx: Context<S>, reads: readonly Consistent<S>[]): undefined {
  state.freshness.asking = reads;
  state.freshness.shared = reads.length;
  const untilUs = reads.reduce((latest, read) => Math.max(latest, read.untilUs), 0);
  return readEtcd(state, ctx, revisionQuestion, untilUs, (state, outcome, ctx) => {
    const { asking, next } = state.freshness;
    state.freshness.asking = [];
    state.freshness.next = [];
    if (next.length > 0) ask(state, ctx, next);
    const told: RevisionOutcome = outcome.type === "done" ? { type: "done", revision: outcome.response.header.revision } : outcome;
    if (told.type === "done") learnRevision(state.feed, told.revision);
    for (const { then } of asking) then(state, told, ctx);
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
