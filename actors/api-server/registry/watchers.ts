import type { ApiEvent, EventType } from "../../../protocol/api";
import { type Failure, isFailure, timeout, tooOldResourceVersion } from "../../../protocol/status";
import type { StreamRef } from "../../../runtime/actor";
import { json, type ResourceCall, refuse } from "../call";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { awaitConsistent, awaitRevision } from "../storage/freshness";
import type { StoredResource } from "../storage/keys";
import type { Change, ResourceCache } from "../storage/resource-cache";
import { type WatchOptions, watchOptions } from "./list-options";
import { type Matcher, matcherOf } from "./matching";
import { renderingOf, tooLarge } from "./read";
import { type Rendering, renderBookmark, renderObject } from "./render";
import { nodeAskedFor, WatcherIndex } from "./watcher-index";

/**
 * Everybody who watches. A watch begins with a state or a revision and then gets each change of the cache once, in order; an object that
 * comes to match a selector is ADDED, one that ceases to is DELETED, whatever happened to it in truth.
 */
export interface Watchers {
  readonly byStream: Map<string, Watcher>;
  readonly byResource: Map<StoredResource, WatcherIndex<Watcher>>;
  /** Streams that were opened for a watch and are still waiting for the caches. */
  readonly pending: Set<string>;
}

export interface Watcher {
  readonly stream: StreamRef;
  readonly rendering: Rendering;
  readonly matcher: Matcher;
  /** Where only the objects of one node are wanted. */
  readonly node: string | undefined;
  readonly bookmarks: boolean;
  /** The watcher has seen everything up to here: later changes alone are sent. */
  after: number;
  /** Tables carry their column definitions with the first event only. */
  sentDefinitions: boolean;
  /** What the last bookmark or event said. */
  told: number;
}

export const bookmarkTimer = "bookmarks";
const endTimerPrefix = "watch-end/";

export function newWatchers(): Watchers {
  return { byStream: new Map(), byResource: new Map(), pending: new Set() };
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
      begin(
        state,
        ctx,
        revision === undefined ? timeout("etcd did not confirm in time that the watch begins with the newest state") : undefined,
      ),
    );
  if (version.at === "notOlderThan" && sendInitialEvents)
    return awaitRevision(state, ctx, version.revision, untilUs, (state, reached, ctx) =>
      begin(state, ctx, reached ? undefined : tooLarge(version.revision, state.feed.revision)),
    );
  return begin(state, ctx, undefined);

  function begin(state: ServerState, ctx: Ctx, refusal: Failure | undefined): undefined {
    // The client may have gone while the caches were waited for.
    if (!state.watchers.pending.delete(stream.key)) return;
    if (refusal) return refuse(ctx, call, refusal);
    caller.tally(200);
    ctx.push(stream, json(200, new Uint8Array()));
    return startWatcher(state, ctx, call, rendering as Rendering, stream, options as WatchOptions);
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
  const watcher: Watcher = {
    stream,
    rendering,
    matcher,
    node: nodeAskedFor(selection.fields),
    bookmarks,
    after: revision,
    sentDefinitions: false,
    told: 0,
  };
  const fromRevision = version.at === "notOlderThan" && !sendInitialEvents;
  if (fromRevision) {
    const missed = cache.changesAfter(version.revision);
    if (!missed) {
      pushEvent(ctx, stream, "ERROR", encodeJson(tooOldResourceVersion(version.revision, cache.oldestRevision)));
      return void ctx.close(stream);
    }
    // A client may know a newer revision than this server: it must not be sent older news.
    watcher.after = version.revision;
    for (const change of missed) deliver(ctx, watcher, change);
    watcher.after = Math.max(version.revision, revision);
  } else if (version.at !== "notOlderThan" || sendInitialEvents) {
    const wantsState =
      sendInitialEvents || call.request.query.sendInitialEvents === undefined || call.request.query.sendInitialEvents === "";
    if (wantsState)
      for (const entry of cache.list(matcher.prefix)) if (matcher.matches(entry)) send(ctx, watcher, "ADDED", entry, revision);
    if (sendInitialEvents && bookmarks) pushEvent(ctx, stream, "BOOKMARK", renderBookmark(rendering, revision, true));
  }
  state.watchers.byStream.set(stream.key, watcher);
  const watching = state.watchers.byResource.get(call.resource) ?? new WatcherIndex();
  watching.add(watcher, watcher.node);
  state.watchers.byResource.set(call.resource, watching);
  const lifeMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : state.knobs["min-request-timeout"] * (1 + ctx.random("watch-timeout"));
  ctx.setTimer(endTimerPrefix + stream.key, lifeMs);
}

/** Passes a change on to everybody who watches the resource. */
export function tellWatchers(state: ServerState, ctx: Ctx, cache: ResourceCache, change: Change): undefined {
  for (const watcher of state.watchers.byResource.get(cache.resource)?.concernedBy(change) ?? []) deliver(ctx, watcher, change);
}

function deliver(ctx: Ctx, watcher: Watcher, change: Change): void {
  const { revision, entry, deleted, previous } = change;
  if (revision <= watcher.after) return;
  const { matcher } = watcher;
  if (!entry.key.startsWith(matcher.prefix)) return;
  const matched = previous !== undefined && matcher.matches(previous);
  const matches = !deleted && matcher.matches(entry);
  if (matches) send(ctx, watcher, matched ? "MODIFIED" : "ADDED", entry, revision);
  // What leaves the selection is shown as it was, under the revision at which it left.
  else if (matched) send(ctx, watcher, "DELETED", change.departed!, revision);
}

function send(ctx: Ctx, watcher: Watcher, type: EventType, entry: Entry, revision: number): void {
  const bytes = renderObject(watcher.rendering, entry, ctx.wallUs() / 1000, !watcher.sentDefinitions);
  watcher.sentDefinitions = true;
  watcher.told = revision;
  pushEvent(ctx, watcher.stream, type, bytes);
}

function pushEvent(ctx: Ctx, stream: StreamRef, type: EventType, object: Uint8Array): void {
  const event: ApiEvent = { kind: "api.event", type, object };
  ctx.push(stream, event);
}

/** The two kinds of timers of watches; answers true for them. */
export function onWatchTimer(state: ServerState, ctx: Ctx, name: string): boolean {
  if (name === bookmarkTimer) {
    sendBookmarks(state, ctx);
    return true;
  }
  if (!name.startsWith(endTimerPrefix)) return false;
  const watcher = state.watchers.byStream.get(name.slice(endTimerPrefix.length));
  if (watcher) {
    // With the last bookmark a client that comes back begins where it stopped.
    if (watcher.bookmarks && watcher.told < state.feed.revision) bookmark(state, ctx, watcher);
    ctx.close(watcher.stream);
    forget(state, watcher);
  }
  return true;
}

/** Tells those who want it how far the caches have come, so that a watch that was quiet for long can be taken up again. */
function sendBookmarks(state: ServerState, ctx: Ctx): void {
  ctx.setTimer(bookmarkTimer, state.knobs["bookmark-interval"]);
  for (const watcher of state.watchers.byStream.values())
    if (watcher.bookmarks && watcher.told < state.feed.revision && watcher.after <= state.feed.revision) bookmark(state, ctx, watcher);
}

function bookmark(state: ServerState, ctx: Ctx, watcher: Watcher): void {
  watcher.told = state.feed.revision;
  pushEvent(ctx, watcher.stream, "BOOKMARK", renderBookmark(watcher.rendering, state.feed.revision, false));
}

/** A stream has ended from the other side. */
export function watcherGone(state: ServerState, ctx: Ctx, stream: StreamRef): undefined {
  state.watchers.pending.delete(stream.key);
  const watcher = state.watchers.byStream.get(stream.key);
  if (!watcher) return;
  ctx.cancelTimer(endTimerPrefix + stream.key);
  return forget(state, watcher);
}

/** The caches were replaced: nobody's watch can go on without a gap. */
export function closeAllWatches(state: ServerState, ctx: Ctx): undefined {
  for (const watcher of [...state.watchers.byStream.values()]) {
    ctx.cancelTimer(endTimerPrefix + watcher.stream.key);
    ctx.close(watcher.stream);
    forget(state, watcher);
  }
}

function forget({ watchers }: ServerState, watcher: Watcher): undefined {
  watchers.byStream.delete(watcher.stream.key);
  watchers.byResource.get(watcher.rendering.resource)?.delete(watcher, watcher.node);
}
