import type { Namespace } from "../../../../protocol/kinds/generated";
import type { Stored } from "../../../../protocol/kinds/object";
import { type Failure, failure, isFailure, notFound } from "../../../../protocol/status";
import { isObject } from "../../objects/decode";
import { fetchNeeded } from "../../registry/cluster-view";
import type { Ctx, ServerState } from "../../state";
import { isOfNamespaces, type Surroundings } from "./matching";
import type { Notes, Review } from "./review";
import { equivalentsOf } from "./versions";

/** What stays the same while webhooks and policies have their say about one request. */
export interface Run {
  readonly around: Surroundings;
  /** The namespace that expressions see; undefined for what is in none, and for Namespaces themselves. */
  readonly namespace: Stored<Namespace> | undefined;
  readonly notes: Notes;
  /** Monotonic; after it nobody waits for the answer. */
  readonly deadlineUs: number;
}

/** Looks up what matching needs, the namespace in etcd where the cache does not have it. */
export function beginRun(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  { notes, deadlineUs }: Pick<Run, "notes" | "deadlineUs">,
  then: (state: ServerState, run: Run | Failure, ctx: Ctx) => undefined,
): undefined {
  const { namespace: name } = review;
  const equivalents = equivalentsOf(state, review);
  const own = { notes, deadlineUs };
  if (name === "") return then(state, { around: { equivalents, namespaceLabels: undefined }, namespace: undefined, ...own }, ctx);
  const need = { group: "", version: "v1", plural: "namespaces", namespace: "", name };
  return fetchNeeded(state, ctx, [need], deadlineUs, (state, view, ctx) => {
    if (isFailure(view)) return then(state, view, ctx);
    const found = view.get("", "v1", "namespaces", "", name) as Stored<Namespace> | undefined;
    const ofItself = isOfNamespaces(review);
    // A Namespace that is made or changed is known by the labels it is to have.
    const fresh = ofItself && review.subresource === "" && isObject(review.object?.metadata) ? review.object.metadata : undefined;
    const labels = fresh ? ((fresh.labels ?? {}) as Readonly<Record<string, string>>) : found?.metadata.labels;
    const known = fresh !== undefined || found !== undefined;
    const namespaceLabels = known ? (labels ?? {}) : notFound({ group: "", resource: "namespaces", name });
    return then(state, { around: { equivalents, namespaceLabels }, namespace: ofItself ? undefined : found, ...own }, ctx);
  });
}

/** Takes one step after the other, each of which goes on when it likes. `next` with an outcome ends it. */
export function inTurn<T, R>(
  state: ServerState,
  ctx: Ctx,
  items: readonly T[],
  step: (state: ServerState, ctx: Ctx, item: T, next: (state: ServerState, ctx: Ctx, outcome?: R) => undefined) => undefined,
  done: (state: ServerState, ctx: Ctx, outcome: R | undefined) => undefined,
): undefined {
  return from(state, ctx, 0);

  function from(state: ServerState, ctx: Ctx, index: number): undefined {
    if (index >= items.length) return done(state, ctx, undefined);
    return step(state, ctx, items[index]!, (state, ctx, outcome) =>
      outcome === undefined ? from(state, ctx, index + 1) : done(state, ctx, outcome),
    );
  }
}

/** What a request is told whose time is up while a webhook is waited for. */
export const outOfTime = (): Failure => failure("Timeout", "Timeout: request did not complete within requested timeout");
