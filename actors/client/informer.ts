import type { Address } from "../../protocol/address";
import type { ApiEvent, ApiMessage, ApiResponse } from "../../protocol/api";
import { keyOf, type Stored } from "../../protocol/kinds/object";
import { isFailure, isGone } from "../../protocol/status";
import type { CloseReason, Context, StreamInput, StreamRef } from "../../runtime/actor";
import { type ApiClient, isGoing, type ObjectList, type Result } from "./api-client";
import { Backoff } from "./backoff";
import { decodeObject } from "./decode";
import { isList } from "./named";
import { type Resource, resourceName } from "./resource";
import { type IndexFunction, type ReadStore, Store } from "./store";
import { WatchLines } from "./watch-lines";

/** What happened to an object as this cache saw it. An object that was deleted and made anew between two looks is "deleted", then "added". */
export type Change<T> =
  | { readonly type: "added"; readonly object: Stored<T> }
  | { readonly type: "updated"; readonly old: Stored<T>; readonly object: Stored<T> }
  /** `object` is the last that is known of it. */
  | { readonly type: "deleted"; readonly object: Stored<T> };

export interface InformerOptions<T> {
  /** All namespaces unless told. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Whether an aggregated server serves it, whose versions may begin anew, or be no numbers. */
  readonly isAggregated?: boolean;
}

type Phase =
  | { readonly type: "stopped" }
  | { readonly type: "listing"; readonly items: unknown[] }
  | { readonly type: "waiting"; readonly next: "list" | "watch" }
  | { readonly type: "watching"; readonly stream: StreamRef; readonly server: Address; readonly deadlineMs: number };

const pageSize = 500;
/** As client-go's reflector: a watch is asked to end after five to ten minutes, so that clients spread over the servers again. */
const watchSecondsMin = 300;
const overdueMs = 30_000;

/**
 * A cache of one resource: lists it, then watches it from there, over and over. Its resourceVersion never goes back, whichever server answers: the first
 * list is a consistent read, a later one asks for nothing older than what was seen (an API server that lags must not take a client back in time,
 * kubernetes/kubernetes#59848). While it is cut off the cache keeps what it had. Objects in it are frozen.
 */
export class Informer<S, T> {
  readonly resource: Resource<T>;
  private readonly objects: Store<T>;
  private readonly handlers: ((change: Change<T>, ctx: Context<S>) => undefined)[] = [];
  private readonly progress: ((ctx: Context<S>) => undefined)[] = [];
  private readonly timer: string;
  private readonly backoff = new Backoff({ initialMs: 800, maxMs: 30_000, jitter: 1, resetAfterMs: 120_000 });
  private phase: Phase = { type: "stopped" };
  private seen = 0;
  private listed = false;
  /** Answers that were asked for before the last stop or relist are not listened to. */
  private generation = 0;

  constructor(
    private readonly client: ApiClient<S>,
    resource: Resource<T>,
    private readonly options: InformerOptions<T>,
  ) {
    this.resource = resource;
    this.objects = new Store<T>(options.indexes);
    this.timer = client.timers.claim(`informer/${resourceName(resource)}`, (ctx) => this.onTimer(ctx));
  }

  get store(): ReadStore<T> {
    return this.objects;
  }

  /** Whether the first list is in. */
  get synced(): boolean {
    return this.listed;
  }

  /** The newest resourceVersion that the cache has caught up with; 0 before the first list. */
  get resourceVersion(): number {
    return this.seen;
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    this.objects.addIndex(name, of);
  }

  /** Called for each change, after the store has it. Add handlers before `start`. */
  addHandler(handler: (change: Change<T>, ctx: Context<S>) => undefined): void {
    this.handlers.push(handler);
  }

  /** Called when the cache has moved on: after the first list, after each batch of changes and after bookmarks. */
  onProgress(handler: (ctx: Context<S>) => undefined): void {
    this.progress.push(handler);
  }

  start(ctx: Context<S>): void {
    if (this.phase.type === "stopped") this.list(ctx);
  }

  /** Ends the watch and gives up the timer; the store keeps what it has. An informer that was stopped is not started again. */
  stop(ctx: Context<S>): void {
    if (this.phase.type === "watching") ctx.close(this.phase.stream);
    this.generation += 1;
    this.phase = { type: "stopped" };
    this.client.timers.release(this.timer, ctx);
  }

  private list(ctx: Context<S>, continueToken = "", items: unknown[] = []): void {
    const generation = continueToken === "" ? ++this.generation : this.generation;
    this.phase = { type: "listing", items };
    const atLeast: Record<string, string> =
      this.seen > 0 ? { resourceVersion: String(this.seen), resourceVersionMatch: "NotOlderThan" } : {};
    const query = { ...this.selectors(), limit: String(pageSize), ...(continueToken === "" ? atLeast : { continue: continueToken }) };
    const server = this.client.server;
    this.client.list(ctx, this.resource, this.options.namespace ?? "", query, (_state, result, later) => {
      if (generation === this.generation) this.onList(result, server, later);
      return undefined;
    });
  }

  private onList(result: Result<ObjectList<T>>, server: Address, ctx: Context<S>): void {
    if (this.phase.type !== "listing") return;
    if (!result.ok) {
      // The server is there but unable: another may do better.
      if (result.status.code >= 500) this.client.avoid(server);
      this.wait(ctx, "list", result.status.message);
      return;
    }
    const items = this.phase.items as Stored<T>[];
    if (this.options.isAggregated && !isList(result.object)) return this.wait(ctx, "list", "the server's answer is no list of objects");
    for (const item of result.object.items) items.push(item);
    const { resourceVersion, continue: more } = result.object.metadata;
    if (more) {
      this.list(ctx, more, items);
      return;
    }
    const version = this.versionOf(resourceVersion, 0);
    if (version < this.seen && !this.options.isAggregated) {
      this.client.avoid(server);
      this.wait(ctx, "list", `the server's ${version} is older than ${this.seen}`);
      return;
    }
    this.replace(items, ctx);
    this.seen = version;
    this.record("informer.listed", ctx);
    this.listed = true;
    this.moved(ctx);
    this.watch(ctx);
  }

  private replace(items: readonly Stored<T>[], ctx: Context<S>): void {
    const present = new Set<string>();
    for (const item of items) {
      present.add(keyOf(item));
      this.put(item, ctx);
    }
    const gone = [...this.objects.keys()].filter((key) => !present.has(key));
    for (const key of gone) this.remove(key, ctx);
  }

  private watch(ctx: Context<S>): void {
    const seconds = watchSecondsMin + ctx.randomInt("client.watch", watchSecondsMin);
    const query = { ...this.selectors(), resourceVersion: String(this.seen), allowWatchBookmarks: "true", timeoutSeconds: String(seconds) };
    const generation = ++this.generation;
    const lines = this.options.isAggregated ? new WatchLines() : undefined;
    this.record("informer.watching", ctx);
    const { stream, server } = this.client.watch(ctx, this.resource, this.options.namespace ?? "", query, (_state, input, later) => {
      for (const each of lines?.read(input) ?? [input]) if (generation === this.generation) this.onStream(each, later);
      return undefined;
    });
    const deadlineMs = ctx.monotonicUs() / 1000 + seconds * 1000 + overdueMs;
    this.phase = { type: "watching", stream, server, deadlineMs };
    ctx.setTimer(this.timer, seconds * 1000 + overdueMs);
  }

  private onStream(input: StreamInput<ApiMessage>, ctx: Context<S>): void {
    if (this.phase.type !== "watching") return;
    if (input.type === "closed") {
      this.onClosed(input.reason, input.detail, this.phase.server, ctx);
      return;
    }
    if (input.body.kind === "api.response") this.onOpened(input.body, this.phase, ctx);
    else if (input.body.kind === "api.event") this.onEvent(input.body, this.phase.stream, ctx);
  }

  private onOpened(response: ApiResponse, watching: { readonly stream: StreamRef; readonly server: Address }, ctx: Context<S>): void {
    if (response.code === 200) return;
    ctx.close(watching.stream);
    if (response.code >= 500 || isGoing(response)) this.client.avoid(watching.server);
    if (response.code === 410) this.relist(ctx, "the watch began too far back");
    else this.wait(ctx, "watch", `the server answered ${response.code}`);
  }

  private onEvent(event: ApiEvent, stream: StreamRef, ctx: Context<S>): void {
    const object = decodeObject(event.object) as unknown as Stored<T>;
    if (event.type === "ERROR") {
      ctx.close(stream);
      if (isGone(object)) this.relist(ctx, "the server no longer holds what comes next");
      else this.wait(ctx, "watch", isFailure(object) ? object.message : "the server reported an error");
      return;
    }
    const version = this.versionOf(object.metadata.resourceVersion, this.seen);
    // A server that lags behind the one before has nothing to add. Several objects may have changed at one version, so that equal ones count.
    if (version < this.seen) return;
    if (event.type === "ADDED" || event.type === "MODIFIED") this.put(object, ctx);
    else if (event.type === "DELETED") this.remove(keyOf(object), ctx, object);
    this.seen = version;
    this.moved(ctx);
  }

  private onClosed(reason: CloseReason, detail: string, server: Address, ctx: Context<S>): void {
    if (reason === "done") {
      this.watch(ctx);
      return;
    }
    if (reason === "unreachable" || reason === "crashed" || reason === "refused") this.client.avoid(server);
    this.wait(ctx, "watch", `${reason}: ${detail}`);
  }

  private record(kind: "informer.listed" | "informer.watching", ctx: Context<S>): void {
    const { namespace = "", labelSelector = "", fieldSelector = "" } = this.options;
    const resource = [resourceName(this.resource), namespace, labelSelector, fieldSelector].filter((part) => part !== "").join(" ");
    ctx.record({ kind, resource, resourceVersion: this.seen });
  }

  private relist(ctx: Context<S>, why: string): void {
    ctx.record({ kind: "api.relist", resource: resourceName(this.resource), why });
    this.wait(ctx, "list", why);
  }

  private wait(ctx: Context<S>, next: "list" | "watch", why: string): void {
    this.generation += 1;
    this.phase = { type: "waiting", next };
    const delayMs = this.backoff.next(ctx.monotonicUs() / 1000, ctx.random("client.backoff"));
    ctx.log("debug", "informer waits", { resource: resourceName(this.resource), next, why, delayMs });
    ctx.setTimer(this.timer, delayMs);
  }

  private onTimer(ctx: Context<S>): undefined {
    if (this.phase.type === "waiting") {
      if (this.phase.next === "list") this.list(ctx);
      else this.watch(ctx);
    } else if (this.phase.type === "watching") {
      // The server was asked to end this watch by itself and did not: nobody may be at the other end.
      ctx.close(this.phase.stream);
      this.watch(ctx);
    }
    return undefined;
  }

  private put(object: Stored<T>, ctx: Context<S>): void {
    const old = this.objects.get(keyOf(object));
    if (old && old.metadata.uid !== object.metadata.uid) this.remove(keyOf(object), ctx);
    else if (old) {
      if (old.metadata.resourceVersion === object.metadata.resourceVersion) return;
      this.objects.set(object);
      this.tell({ type: "updated", old, object }, ctx);
      return;
    }
    this.objects.set(object);
    this.tell({ type: "added", object }, ctx);
  }

  private remove(key: string, ctx: Context<S>, last?: Stored<T>): void {
    const old = this.objects.get(key);
    if (!old) return;
    this.objects.delete(key);
    this.tell({ type: "deleted", object: last ?? old }, ctx);
  }

  private tell(change: Change<T>, ctx: Context<S>): void {
    for (const handler of this.handlers) handler(change, ctx);
  }

  private moved(ctx: Context<S>): void {
    for (const handler of this.progress) handler(ctx);
  }

  private versionOf(text: string | undefined, otherwise: number): number {
    const version = Number(text);
    return this.options.isAggregated && !Number.isSafeInteger(version) ? otherwise : version;
  }

  private selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.options;
    return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
  }
}
