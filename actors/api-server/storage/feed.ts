import type { Address } from "../../../protocol/address";
import type {
  EtcdError,
  KeyValue,
  RangeRequest,
  RangeResponse,
  WatchProgressRequest,
  WatchRequest,
  WatchResponse,
} from "../../../protocol/etcd";
import type { Context, StreamInput, StreamRef } from "../../../runtime/actor";
import { learnKeys } from "./encryption/kms";
import { Entry, isStoredObject } from "./entry";
import { type EtcdOutcome, type HasEtcd, moveOn, readEtcd } from "./etcd-client";
import {
  customPrefixOfKey,
  endOfPrefix,
  keyBytes,
  keyText,
  registryPrefix,
  resourceOfKey,
  type StoredResource,
  storedResources,
} from "./keys";
import { type Change, ResourceCache } from "./resource-cache";

/**
 * Keeps the caches of all resources up to date. One list and one watch of the whole registry feed them all, so they stand at the same
 * revision at any time: a consistent read asks etcd for its revision once and waits for one number.
 */
export interface Feed {
  /** By the resource's name. Those of custom resources come and go; see followCustomResources. */
  readonly caches: Map<string, ResourceCache>;
  /** The custom resources that have a cache, by their prefix. */
  readonly custom: Map<string, StoredResource>;
  /** What may be objects of custom resources that are not known yet, by key: a definition and its objects may be read in any order. */
  readonly unclaimed: Map<string, Entry>;
  readonly windowSizeMax: number;
  /** Keys under the registry that hold no API objects: reservations of node ports, leases of API servers. */
  readonly others: Map<string, Uint8Array>;
  /** All caches hold exactly what etcd held at this revision; 0 before the first list. */
  revision: number;
  phase: FeedPhase;
  /** The newest revision that any answer of etcd has named, and whether there was an answer since the last check. */
  knownRevision: number;
  learnt: boolean;
  /** What the last check saw; see checkFeed. */
  checked: { readonly heard: boolean; readonly knownRevision: number };
  heard: boolean;
  failures: number;
  /** Why everything has to be listed again; "" where the watch may go on from where it was. */
  mustList: string;
  /** How many lists were begun: what comes of an earlier one is left. */
  lists: number;
}

export type FeedPhase =
  | { readonly type: "idle" }
  | { readonly type: "listing"; readonly entries: readonly KeyValue[] }
  /** `held`: what has come and must wait until a key is known that it needs, and what came after it. */
  | { readonly type: "watching"; readonly stream: StreamRef; readonly member: Address; readonly held: WatchResponse[] };

export interface HasFeed extends HasEtcd {
  readonly feed: Feed;
}

/** Who is told what the feed brings. Each is called after the caches have taken it in. */
export interface FeedListener<S> {
  changed(state: S, ctx: Context<S>, cache: ResourceCache, change: Change): undefined;
  /** All caches were replaced: whoever watched may have missed something. */
  replaced(state: S, ctx: Context<S>, why: string): undefined;
  /** `feed.revision` has moved forward. */
  advanced(state: S, ctx: Context<S>): undefined;
}

/** Why the caches are filled for the first time. */
export const firstList = "start";
export const feedRetryTimer = "feed-retry";
export const feedCheckTimer = "feed-check";
/** Twice this long without a sign of life, or behind what others have seen, and the next member is watched. */
const checkIntervalMs = 5_000;
const pageSize = 2_000;
const retryBaseMs = 50;
const retryMaxMs = 2_000;

/** Notes the revision that stood in the header of a linearizable answer. */
export function learnRevision(feed: Feed, revision: number): void {
  feed.learnt = true;
  if (revision > feed.knownRevision) feed.knownRevision = revision;
}

/** A read of nothing: its answer's header says to which revision etcd as a whole has come. */
export const revisionQuestion: RangeRequest = {
  ...{ kind: "etcd.range", key: keyBytes(`${registryPrefix}health`), rangeEnd: new Uint8Array(), limit: 1, revision: 0 },
  ...{ sortOrder: "none", sortTarget: "key", serializable: false, keysOnly: false, countOnly: true },
};

export function newFeed(windowSizeMax: number): Feed {
  return {
    caches: new Map(storedResources().map((resource) => [resource.name, new ResourceCache(resource, windowSizeMax)])),
    custom: new Map(),
    unclaimed: new Map(),
    windowSizeMax,
    others: new Map(),
    revision: 0,
    phase: { type: "idle" },
    knownRevision: 0,
    learnt: false,
    checked: { heard: true, knownRevision: 0 },
    heard: false,
    failures: 0,
    mustList: "",
    lists: 0,
  };
}

/** Whether the caches hold anything yet. */
export function isSynced(feed: Feed): boolean {
  return feed.revision > 0;
}

export function cacheOf(feed: Feed, resource: StoredResource): ResourceCache {
  const cache = feed.caches.get(resource.name);
  if (!cache) throw new Error(`there is no cache of ${resource.name}`);
  return cache;
}

/** Begins to follow etcd: lists, then watches. */
export function startFeed<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>): undefined {
  ctx.setTimer(feedCheckTimer, checkIntervalMs);
  return follow(state, ctx, listener);
}

/** The feed's two timers; answers true for them. */
export function onFeedTimer<S extends HasFeed>(state: S, ctx: Context<S>, name: string, listener: FeedListener<S>): boolean {
  if (name === feedRetryTimer) {
    if (state.feed.phase.type === "idle") follow(state, ctx, listener);
    return true;
  }
  if (name === feedCheckTimer) {
    ctx.setTimer(feedCheckTimer, checkIntervalMs);
    checkFeed(state, ctx, listener);
    return true;
  }
  return false;
}

/** Asks the watched member how far it has come; its answer advances the caches' revision past writes outside the registry. */
export function askProgress<S extends HasFeed>(state: S, ctx: Context<S>): undefined {
  const request: WatchProgressRequest = { kind: "etcd.watch.progress" };
  if (state.feed.phase.type === "watching") ctx.push(state.feed.phase.stream, request);
}

function follow<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>): undefined {
  const { feed } = state;
  if (isSynced(feed) && feed.mustList === "") return watch(state, ctx, listener);
  return list(state, ctx, listener, isSynced(feed) ? feed.mustList : firstList);
}

/** Reads everything again: what etcd holds is read otherwise now. */
export function relist<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>, why: string): undefined {
  giveUpStream(state, ctx);
  state.feed.mustList = why;
  return follow(state, ctx, listener);
}

function list<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>, why: string): undefined {
  state.feed.phase = { type: "listing", entries: [] };
  const round = ++state.feed.lists;
  return page(state, ctx, registryPrefix, 0);

  function page(state: S, ctx: Context<S>, from: string, revision: number): undefined {
    const request = {
      ...({ kind: "etcd.range", key: keyBytes(from), rangeEnd: keyBytes(endOfPrefix(registryPrefix)), limit: pageSize, revision } as const),
      ...({ sortOrder: "ascend", sortTarget: "key", serializable: false, keysOnly: false, countOnly: false } as const),
    };
    return readEtcd(state, ctx, request, ctx.monotonicUs() + 60_000_000, taken, true);
    function taken(state: S, outcome: EtcdOutcome<RangeResponse>, ctx: Context<S>): undefined {
      if (state.feed.phase.type !== "listing" || state.feed.lists !== round) return;
      if (outcome.type !== "done") return retryLater(state, ctx, outcome.type === "failed" ? describe(outcome.error) : outcome.detail);
      const { kvs, more, header } = outcome.response;
      const entries = [...state.feed.phase.entries, ...kvs];
      const at = revision || header.revision;
      state.feed.phase = { type: "listing", entries };
      if (more && kvs.length > 0) return page(state, ctx, `${keyText(kvs.at(-1)!.key)}\0`, at);
      replaceAll(state.feed, entries, at);
      state.feed.mustList = "";
      if (why !== firstList) ctx.record({ kind: "api.relist", resource: "*", why });
      listener.replaced(state, ctx, why);
      listener.advanced(state, ctx);
      return watch(state, ctx, listener);
    }
  }
}

function replaceAll(feed: Feed, kvs: readonly KeyValue[], revision: number): void {
  const found = new Map<ResourceCache, Entry[]>([...feed.caches.values()].map((cache) => [cache, []]));
  feed.others.clear();
  feed.unclaimed.clear();
  for (const kv of kvs) {
    const key = keyText(kv.key);
    const resource = resourceIn(feed, key);
    if (!isStoredObject(kv.value)) feed.others.set(key, kv.value);
    else if (resource) found.get(cacheOf(feed, resource))!.push(new Entry(key, kv.modRevision, kv.value));
    else if (customPrefixOfKey(key) !== "") feed.unclaimed.set(key, new Entry(key, kv.modRevision, kv.value));
    else feed.others.set(key, kv.value);
  }
  for (const [cache, entries] of found) cache.replace(entries, revision);
  feed.revision = revision;
  feed.knownRevision = Math.max(feed.knownRevision, revision);
}

function resourceIn(feed: Feed, key: string): StoredResource | undefined {
  return resourceOfKey(key) ?? feed.custom.get(customPrefixOfKey(key));
}

/** Keeps what belongs to no cache: `kv` is undefined for what was deleted. */
function noteElsewhere({ others, unclaimed }: Feed, key: string, kv: KeyValue | undefined): void {
  others.delete(key);
  unclaimed.delete(key);
  if (!kv) return;
  if (customPrefixOfKey(key) !== "" && isStoredObject(kv.value)) unclaimed.set(key, new Entry(key, kv.modRevision, kv.value));
  else others.set(key, kv.value);
}

/**
 * Sees to it that just these custom resources have caches. One that comes begins with what etcd holds of it already; one that goes leaves its
 * objects unclaimed. Answers the names of those whose cache or description is another than before.
 */
export function followCustomResources(feed: Feed, resources: readonly StoredResource[]): ReadonlySet<string> {
  const changed = new Set<string>();
  const wanted = new Map(resources.map((resource) => [resource.prefix, resource]));
  for (const [prefix, resource] of [...feed.custom]) {
    if (wanted.get(prefix) === resource) continue;
    changed.add(resource.name);
    if (wanted.has(prefix)) continue;
    for (const entry of cacheOf(feed, resource).list(prefix)) feed.unclaimed.set(entry.key, entry);
    feed.caches.delete(resource.name);
    feed.custom.delete(prefix);
  }
  for (const [prefix, resource] of wanted) {
    const before = feed.custom.get(prefix);
    feed.custom.set(prefix, resource);
    if (before) continue;
    changed.add(resource.name);
    const entries = [...feed.unclaimed.values()].filter(({ key }) => key.startsWith(prefix));
    for (const { key } of entries) feed.unclaimed.delete(key);
    const cache = new ResourceCache(resource, feed.windowSizeMax);
    cache.replace(
      entries,
      entries.reduce((latest, { revision }) => Math.max(latest, revision), feed.revision),
    );
    feed.caches.set(resource.name, cache);
  }
  return changed;
}

function watch<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>): undefined {
  const { feed, etcd } = state;
  const member = etcd.preferred;
  const request: WatchRequest = {
    ...{ kind: "etcd.watch", key: keyBytes(registryPrefix), rangeEnd: keyBytes(endOfPrefix(registryPrefix)) },
    ...{ startRevision: feed.revision + 1, prevKv: false, progressNotify: true },
  };
  const stream = ctx.open<WatchResponse | EtcdError>(member, request, (state, input, ctx) => {
    const { phase } = state.feed;
    // A stream that was given up may still have items under way.
    if (phase.type !== "watching" || phase.stream.key !== stream.key) return;
    return onWatch(state, ctx, listener, input, member);
  });
  feed.phase = { type: "watching", stream, member, held: [] };
  feed.heard = true;
}

function onWatch<S extends HasFeed>(
  state: S,
  ctx: Context<S>,
  listener: FeedListener<S>,
  input: StreamInput<WatchResponse | EtcdError>,
  member: Address,
): undefined {
  const { feed } = state;
  if (input.type === "closed") {
    moveOn(state.etcd, member);
    return retryLater(state, ctx, `${input.reason}: ${input.detail}`);
  }
  if (input.body.kind === "etcd.error") {
    giveUpStream(state, ctx);
    return retryLater(state, ctx, describe(input.body));
  }
  feed.heard = true;
  feed.failures = 0;
  const { phase } = feed;
  const { vault } = state.etcd;
  const isReady = vault.plugins.length === 0 || vault.questionsOf(valuesIn(input.body)).length === 0;
  if (phase.type !== "watching" || (phase.held.length === 0 && isReady)) return take(state, ctx, listener, input.body);
  // Changes are taken in as they came: behind one that waits all wait.
  if (phase.held.push(input.body) > 1) return;
  return takeHeld(state, ctx, listener, phase.stream);
}

function valuesIn({ events }: WatchResponse): readonly KeyValue[] {
  return events.flatMap(({ type, kv }) => (type === "put" ? [kv] : []));
}

function takeHeld<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>, stream: StreamRef): undefined {
  const isOurs = ({ phase }: Feed) => phase.type === "watching" && phase.stream.key === stream.key;
  const { phase } = state.feed;
  if (phase.type !== "watching" || !isOurs(state.feed) || phase.held.length === 0) return;
  return learnKeys(state, ctx, valuesIn(phase.held[0]!), (state, ctx) => {
    if (!isOurs(state.feed)) return;
    take(state, ctx, listener, phase.held.shift()!);
    return takeHeld(state, ctx, listener, stream);
  });
}

/** Takes in what the watch has brought. */
function take<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>, body: WatchResponse): undefined {
  const { feed } = state;
  const { compactRevision, events, header } = body;
  if (compactRevision > 0) {
    giveUpStream(state, ctx);
    return list(state, ctx, listener, `revision ${feed.revision + 1} is compacted (oldest is ${compactRevision})`);
  }
  const changes: (readonly [ResourceCache, Change])[] = [];
  const nowMs = ctx.wallUs() / 1000;
  for (const { type, kv: told } of events) {
    const key = keyText(told.key);
    const kv = type === "put" ? state.etcd.vault.opened(told, nowMs) : told;
    if (type !== "put") state.etcd.vault.forget(key);
    const resource = resourceIn(feed, key);
    if (!resource) {
      noteElsewhere(feed, key, type === "put" ? kv : undefined);
      continue;
    }
    const cache = cacheOf(feed, resource);
    // What is no object counts as gone: nobody can be shown it.
    const change = cache.apply(key, kv.modRevision, type === "put" && isStoredObject(kv.value) ? kv.value : undefined);
    if (change) changes.push([cache, change]);
  }
  const reached = events.length > 0 ? events.at(-1)!.kv.modRevision : body.created ? 0 : header.revision;
  for (const [cache, change] of changes) listener.changed(state, ctx, cache, change);
  if (reached <= feed.revision) return;
  feed.revision = reached;
  feed.knownRevision = Math.max(feed.knownRevision, reached);
  return listener.advanced(state, ctx);
}

/** A member that is cut off from the others keeps its watches open and says nothing, or lags: sees to it that another one is watched then. */
function checkFeed<S extends HasFeed>(state: S, ctx: Context<S>, listener: FeedListener<S>): undefined {
  const { feed } = state;
  const { phase, checked } = feed;
  if (phase.type !== "watching") return;
  const silent = !feed.heard && !checked.heard;
  const behind = feed.revision < checked.knownRevision;
  feed.checked = { heard: feed.heard, knownRevision: feed.knownRevision };
  if (silent || behind) {
    ctx.log("warn", "the watched etcd member has fallen silent or behind", { member: phase.member, silent, behind });
    moveOn(state.etcd, phase.member);
    giveUpStream(state, ctx);
    return watch(state, ctx, listener);
  }
  if (!feed.heard || feed.revision < feed.knownRevision) askProgress(state, ctx);
  feed.heard = false;
  // A member that is cut off answers about its own progress; only a read or write that a quorum agreed to tells how far the others are.
  if (!feed.learnt)
    readEtcd(state, ctx, revisionQuestion, ctx.monotonicUs() + 2 * checkIntervalMs * 1000, (state, outcome) => {
      if (outcome.type === "done") learnRevision(state.feed, outcome.response.header.revision);
    });
  feed.learnt = false;
}

function giveUpStream<S extends HasFeed>(state: S, ctx: Context<S>): void {
  const { phase } = state.feed;
  if (phase.type === "watching") ctx.close(phase.stream);
  state.feed.phase = { type: "idle" };
}

function retryLater<S extends HasFeed>(state: S, ctx: Context<S>, why: string): undefined {
  const { feed } = state;
  feed.phase = { type: "idle" };
  const delayMs = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(feed.failures, 10));
  feed.failures += 1;
  ctx.log("info", "the feed from etcd is interrupted", { why, delayMs });
  ctx.setTimer(feedRetryTimer, delayMs * (0.5 + ctx.random("feed-retry")));
}

function describe(error: EtcdError): string {
  return `${error.code}: ${error.message}`;
}

/** For tests and for whoever shows it: the member that is watched. */
export function watchedMember({ phase }: Feed): string {
  return phase.type === "watching" ? phase.member : "";
}
