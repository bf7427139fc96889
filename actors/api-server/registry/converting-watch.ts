import type { ApiEvent } from "../../../protocol/api";
import type { Failure } from "../../../protocol/status";
import { awaitConverted } from "../custom-resources/webhook-conversion";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import type { Change } from "../storage/resource-cache";
import type { WatchOptions } from "./list-options";
import type { Matcher } from "./matching";
import type { Rendering } from "./render";
import type { Watcher } from "./watcher";

/**
 * Watches of a version into which a webhook converts objects: what there is to be sent is converted first, and what happens meanwhile waits its
 * turn, so that everything is still told once and in order.
 */

/** Changes that may wait for a webhook; a watch for which more do is ended, and the client begins anew. */
const waitingMax = 10_000;

/** What a watch will begin with has been converted when this goes on; with a Failure where the webhook did not do it. */
export function convertBeginning(
  state: ServerState,
  ctx: Ctx,
  { kind, resource }: Pick<Rendering, "kind" | "resource">,
  { version, sendInitialEvents }: WatchOptions,
  matcher: Matcher,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  return round(state, ctx, -1);

  function round(state: ServerState, ctx: Ctx, before: number): undefined {
    const cache = cacheOf(state.feed, resource);
    const { revision } = state.feed;
    if (revision === before) return then(state, undefined, ctx);
    const fromRevision = version.at === "notOlderThan" && !sendInitialEvents;
    const entries = fromRevision ? (cache.changesAfter(version.revision) ?? []).flatMap(entriesOf) : cache.list(matcher.prefix);
    return awaitConverted(state, ctx, kind, entries, (state, refusal, ctx) =>
      refusal ? then(state, refusal, ctx) : round(state, ctx, revision),
    );
  }
}

function entriesOf(change: Change): readonly Entry[] {
  return [change.entry, change.previous, change.departed].filter((entry) => entry !== undefined);
}

/** Delivers a change once it is converted. `end` ends a watch whose changes cannot be. */
export function deliverConverted(
  state: ServerState,
  ctx: Ctx,
  watcher: Watcher,
  change: Change,
  end: (state: ServerState, ctx: Ctx, watcher: Watcher) => void,
): undefined {
  const { unconverted } = watcher;
  unconverted.push(change);
  if (unconverted.length > waitingMax) return void end(state, ctx, watcher);
  if (unconverted.length === 1) return next(state, ctx);

  function next(state: ServerState, ctx: Ctx): undefined {
    const changes = [...unconverted];
    return awaitConverted(state, ctx, watcher.rendering.kind, changes.flatMap(entriesOf), (state, refusal, ctx) => {
      if (state.watchers.byStream.get(watcher.stream.key) !== watcher) return;
      if (refusal) {
        const event: ApiEvent = { kind: "api.event", type: "ERROR", object: encodeJson(refusal) };
        ctx.push(watcher.stream, event);
        return void end(state, ctx, watcher);
      }
      for (const change of changes) watcher.deliver(ctx, change);
      unconverted.splice(0, changes.length);
      if (unconverted.length > 0) return next(state, ctx);
    });
  }
}
