import type { EtcdError } from "../../../protocol/etcd";
import type { Failure } from "../../../protocol/status";
import type { Context } from "../../../runtime/actor";
import { Entry } from "./entry";
import type { Then } from "./etcd-client";
import type { HasFeed } from "./feed";
import { type Alongside, nothingAlongside, readEntry, writeGuarded } from "./store";

/** What a pure change makes of the object as it is. */
export type Decision =
  | { readonly type: "put"; readonly stored: Uint8Array; readonly alongside?: Alongside; readonly lease?: number }
  | { readonly type: "delete"; readonly alongside?: Alongside }
  /** Leave it as it is, and that is a success. */
  | { readonly type: "keep" }
  | { readonly type: "refuse"; readonly status: Failure };

/** The decision depends on what somebody else answers (a webhook): `ask` asks, and goes on with it. The same object is still meant. */
export interface Later<S> {
  readonly type: "later";
  readonly ask: (state: S, ctx: Context<S>, then: Then<S, Decision | Later<S>>) => undefined;
}

export interface Update<S> {
  readonly key: string;
  /** The object as the cache has it: tried first. It may be old, so a refusal on its ground is checked against etcd. */
  readonly cached: Entry | undefined;
  /** Pure; called again on a newer state when somebody else was quicker. */
  readonly change: (current: Entry | undefined, nowMs: number) => Decision | Later<S>;
  readonly deadlineUs: number;
  /** Decide on the newest state, but write nothing: the outcome is what would have been. */
  readonly dryRun?: boolean;
}

export type UpdateOutcome =
  | { readonly type: "put"; readonly entry: Entry; readonly previous: Entry | undefined }
  | { readonly type: "deleted"; readonly entry: Entry; readonly previous: Entry }
  | { readonly type: "kept"; readonly entry: Entry | undefined }
  | { readonly type: "refused"; readonly status: Failure }
  /** Others were quicker every time. */
  | { readonly type: "contended" }
  | { readonly type: "failed"; readonly error: EtcdError }
  | { readonly type: "unknown"; readonly detail: string };

/** How often a change is decided anew because somebody else was quicker. */
const conflictsMax = 8;

/** The one way in which objects change: read, decide, compare and swap; on a conflict decide again on what is there now. */
export function guaranteedUpdate<S extends HasFeed>(state: S, ctx: Context<S>, update: Update<S>, then: Then<S, UpdateOutcome>): undefined {
  return update.cached ? decide(state, ctx, update.cached, false, 0) : readAgain(state, ctx, 0);

  /** `decided` is what came of an object that may be old; where it turns out not to be, that stands, and nobody is asked again. */
  function readAgain(
    state: S,
    ctx: Context<S>,
    conflicts: number,
    decided?: { readonly current: Entry; readonly decision: Decision },
  ): undefined {
    return readEntry(
      state,
      ctx,
      update.key,
      update.deadlineUs,
      (state, read, ctx) => {
        if (read.type !== "done") return then(state, read, ctx);
        const isSame = decided !== undefined && read.entry?.revision === decided.current.revision;
        if (isSame) return settle(state, ctx, decided.current, true, conflicts, decided.decision);
        return decide(state, ctx, read.entry, true, conflicts);
      },
      update.cached,
    );
  }

  function decide(state: S, ctx: Context<S>, current: Entry | undefined, isCurrent: boolean, conflicts: number): undefined {
    return settle(state, ctx, current, isCurrent, conflicts, update.change(current, ctx.wallUs() / 1000));
  }

  function settle(
    state: S,
    ctx: Context<S>,
    current: Entry | undefined,
    isCurrent: boolean,
    conflicts: number,
    decision: Decision | Later<S>,
  ): undefined {
    if (decision.type === "later")
      return decision.ask(state, ctx, (state, decided, ctx) => settle(state, ctx, current, isCurrent, conflicts, decided));
    const again = (): undefined => readAgain(state, ctx, conflicts, current && { current, decision });
    if (decision.type === "refuse") return isCurrent ? then(state, { type: "refused", status: decision.status }, ctx) : again();
    const unchanged = decision.type === "keep" || (decision.type === "put" && current !== undefined && current.holds(decision.stored));
    // What is encrypted with a key that is on its way out is written again with the new one.
    const renewed = unchanged && !update.dryRun && state.etcd.vault.isStale(update.key) ? current?.stored : undefined;
    if (unchanged && !renewed) return isCurrent ? then(state, { type: "kept", entry: current }, ctx) : again();
    const stored = renewed ?? (decision.type === "put" ? decision.stored : null);
    if (update.dryRun) return isCurrent ? then(state, wouldBe(current, stored), ctx) : again();
    const write = {
      ...{ key: update.key, expected: current?.revision ?? 0, stored },
      ...{
        lease: decision.type === "put" ? (decision.lease ?? 0) : 0,
        alongside: ("alongside" in decision && decision.alongside) || nothingAlongside,
      },
    };
    return writeGuarded(state, ctx, write, update.deadlineUs, (state, outcome, ctx) => {
      switch (outcome.type) {
        case "written":
          return then(state, done(current, stored, outcome.revision), ctx);
        case "conflict":
          if (conflicts + 1 >= conflictsMax) return then(state, { type: "contended" }, ctx);
          return decide(state, ctx, outcome.current, true, conflicts + 1);
        case "failed":
        case "unknown":
          return then(state, outcome, ctx);
      }
    });
  }

  function wouldBe(current: Entry | undefined, stored: Uint8Array | null): UpdateOutcome {
    return done(current, stored, current?.revision ?? 0);
  }

  function done(current: Entry | undefined, stored: Uint8Array | null, revision: number): UpdateOutcome {
    if (stored !== null) return { type: "put", entry: new Entry(update.key, revision, stored), previous: current };
    if (!current) throw new Error(`a change deleted ${update.key}, which was not there`);
    return { type: "deleted", entry: current.at(revision), previous: current };
  }
}
