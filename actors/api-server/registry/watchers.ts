import type { ApiEvent } from "../../../protocol/api";
import { type Failure, isFailure, timeout, tooOldResourceVersion } from "../../../protocol/status";
import type { StreamRef } from "../../../runtime/actor";
import { streamEnded } from "../audit/audit";
import { begin, json, type ResourceCall, refuse } from "../call";
import { hasConversionWebhook } from "../custom-resources/webhook-conversion";
import type { Ctx, ServerState } from "../state";
import { encodeJson } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { awaitConsistent, awaitRevision } from "../storage/freshness";
import type { Change, ResourceCache } from "../storage/resource-cache";
import { convertBeginning, deliverConverted } from "./converting-watch";
import { type WatchOptions, watchOptions } from "./list-options";
import { matcherOf } from "./matching";
import { renderingOf, tooLarge } from "./read";
import type { Rendering } from "./render";
import { LastEvent, pumpTimerPrefix, Watcher } from "./watcher";
import { nodeAskedFor, WatcherIndex } from "./watcher-index";

/**
 * Everybody who watches. A watch begins with a state or a revision and then gets each change of the cache once, in order; an object that
 * comes to match a selector is ADDED, one that ceases to is DELETED, whatever happened to it in truth.
 */
export interface Watchers {
  readonly byStream: Map<string, Watcher>;
  /** By the resource's name. */
  readonly byResource: Map<string, WatcherIndex<Watcher>>;
  /** Streams that were opened for a watch and are still waiting for the caches. */
  readonly pending: Set<string>;
  readonly events: LastEvent;
}

export const bookmarkTimer = "bookmarks";
const endTimerPrefix = "watch-end/";

export function newWatchers(): Watchers {
  return { byStream: new Map(), byResource: new Map(), pending: new Set(), events: new LastEvent() };
}

/** WATCH: answers 200, then events until the client goes, its time is over or it falls too far behind. */
export function watch(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const options = watchOptions(call.request, call.kind);
  if (isFailure(options)) return refuse(ctx, call, options);
  const rendering = renderingOf(call, "watch");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  const { caller } = call;
  if (caller.type !== "open") throw new Error("a watch was asked for instead of opened");
  const { stream } = caller;
  state.watchers.pending.add(stream.key);
  const untilUs = ctx.monotonicUs() + state.knobs["freshness-timeout"] * 1000;
  // A watch from a revision needs no waiting: what comes later is sent when it comes.
  const { version, sendInitialEvents } = options;
  if (version.at === "consistent")
    return awaitConsistent(state, ctx, untilUs, (state, revision, ctx) =>
      ready(
        state,
        ctx,
        revision === undefined ? timeout("etcd did not confirm in time that the watch begins with the newest state") : undefined,
      ),
    );
  if (version.at === "notOlderThan" && sendInitialEvents)
    return awaitRevision(state, ctx, version.revision, untilUs, (state, reached, ctx) =>
      ready(state, ctx, reached ? undefined : tooLarge(version.revision, state.feed.revision)),
    );
  return ready(state, ctx, undefined);

  function ready(state: ServerState, ctx: Ctx, refusal: Failure | undefined): undefined {
    // The client may have gone while the caches were waited for.
    if (!state.watchers.pending.delete(stream.key)) return;
    if (refusal) return refuse(ctx, call, refusal);
    if (!hasConversionWebhook(call.kind)) return start(state, ctx);
    state.watchers.pending.add(stream.key);
    const matcher = matcherOf(call.kind, call.resource, (options as WatchOptions).selection);
    return convertBeginning(state, ctx, call, options as WatchOptions, matcher, (state, refusal, ctx) => {
      if (!state.watchers.pending.delete(stream.key)) return;
      return refusal ? refuse(ctx, call, refusal) : start(state, ctx);
    });
  }

  function start(state: ServerState, ctx: Ctx): undefined {
    begin(ctx, call, json(200, new Uint8Array()));
    startWatcher(state, ctx, call, rendering as Rendering, stream, options as WatchOptions);
    // One that had to wait may begin after all others were ended.
    if (state.shutdown === "draining") endAllWatches(state, ctx);
  }
}

function startWatcher(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  rendering: Rendering,
  stream: StreamRef,
  options: WatchOptions,
): undefined {
  const { version, sendInitialEvents, bookmarks, selection, timeoutSeconds } = options;
  const cache = cacheOf(state.feed, call.resource);
  const matcher = matcherOf(call.kind, call.resource, selection);
  const { revision } = state.feed;
  const fromRevision = version.at === "notOlderThan" && !sendInitialEvents ? version.revision : undefined;
  const watcher = new Watcher(stream, rendering, matcher, nodeAskedFor(selection.fields), bookmarks, fromRevision ?? revision);
  const labels = [call.kind.group, call.kind.version, call.kind.plural];
  watcher.events = state.watchers.events;
  watcher.sent = () => state.metrics.watchEvents.add(labels);
  if (fromRevision === undefined) {
    const entries = options.wantsState ? cache.list(matcher.prefix) : [];
    watcher.showState(ctx, entries, revision, sendInitialEvents && bookmarks);
  } else {
    const missed = cache.changesAfter(fromRevision);
    if (!missed) {
      const object = encodeJson(tooOldResourceVersion(fromRevision, cache.oldestRevision));
      const event: ApiEvent = { kind: "api.event", type: "ERROR", object };
      ctx.push(stream, event);
      ctx.close(stream);
      return;
    }
    for (const change of missed) watcher.deliver(ctx, change);
    // A client may know a newer revision than this server: it must not be sent older news.
    watcher.skipTo(revision);
  }
  state.watchers.byStream.set(stream.key, watcher);
  const watching = state.watchers.byResource.get(call.resource.name) ?? new WatcherIndex();
  watching.add(watcher, watcher.node);
  state.watchers.byResource.set(call.resource.name, watching);
  const lifeMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : state.knobs["min-request-timeout"] * (1 + ctx.random("watch-timeout"));
  ctx.setTimer(endTimerPrefix + stream.key, lifeMs);
}

/** Passes a change on to everybody who watches the resource. */
export function tellWatchers(state: ServerState, ctx: Ctx, cache: ResourceCache, change: Change): undefined {
  for (const watcher of state.watchers.byResource.get(cache.resource.name)?.concernedBy(change) ?? [])
    if (hasConversionWebhook(watcher.rendering.kind)) deliverConverted(state, ctx, watcher, change, end);
    else watcher.deliver(ctx, change);
}

/** The timers of watches; answers true for them. */
export function onWatchTimer(state: ServerState, ctx: Ctx, name: string): boolean {
  if (name === bookmarkTimer) {
    // Those who were quiet for long learn how far the server has come, so that they need not begin anew when they come back.
    for (const watcher of state.watchers.byStream.values()) watcher.bookmark(ctx, state.feed.revision);
    ctx.setTimer(bookmarkTimer, state.knobs["bookmark-interval"]);
    return true;
  }
  if (name.startsWith(pumpTimerPrefix)) {
    state.watchers.byStream.get(name.slice(pumpTimerPrefix.length))?.pump(ctx);
    return true;
  }
  if (!name.startsWith(endTimerPrefix)) return false;
  const watcher = state.watchers.byStream.get(name.slice(endTimerPrefix.length));
  // With a last bookmark a client that comes back begins where it stopped.
  watcher?.bookmark(ctx, state.feed.revision);
  if (watcher) end(state, ctx, watcher);
  return true;
}

/** A watcher was cut off because it did not keep up. */
export function noteSlowWatcher({ watchers, metrics }: ServerState, stream: StreamRef): void {
  const kind = watchers.byStream.get(stream.key)?.rendering.kind;
  if (kind) metrics.terminatedWatchers.add([kind.group, kind.plural]);
}

/** A stream has ended from the other side. */
export function watcherGone(state: ServerState, ctx: Ctx, stream: StreamRef): undefined {
  state.watchers.pending.delete(stream.key);
  const watcher = state.watchers.byStream.get(stream.key);
  if (watcher) forget(state, ctx, watcher);
}

/** The caches were replaced: nobody's watch can go on without a gap. */
export function closeAllWatches(state: ServerState, ctx: Ctx): undefined {
  for (const watcher of [...state.watchers.byStream.values()]) end(state, ctx, watcher);
}

/** The server goes: each watcher learns how far it has come, and goes on from there at another server. */
export function endAllWatches(state: ServerState, ctx: Ctx): undefined {
  for (const watcher of state.watchers.byStream.values()) watcher.bookmark(ctx, state.feed.revision);
  return closeAllWatches(state, ctx);
}

/** The resource is served otherwise from now on, or no more: who watches it has to begin anew. */
export function closeWatchesOf(state: ServerState, ctx: Ctx, resourceName: string): undefined {
  for (const watcher of [...state.watchers.byStream.values()])
    if (watcher.rendering.resource.name === resourceName) end(state, ctx, watcher);
}

function end(state: ServerState, ctx: Ctx, watcher: Watcher): void {
  ctx.close(watcher.stream);
  streamEnded(state, ctx, watcher.stream.key);
  forget(state, ctx, watcher);
}

function forget({ watchers }: ServerState, ctx: Ctx, watcher: Watcher): void {
  ctx.cancelTimer(endTimerPrefix + watcher.stream.key);
  ctx.cancelTimer(pumpTimerPrefix + watcher.stream.key);
  watchers.byStream.delete(watcher.stream.key);
  watchers.byResource.get(watcher.rendering.resource.name)?.delete(watcher, watcher.node);
}
