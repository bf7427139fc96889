import type { ApiEvent, EventType } from "../../../protocol/api";
import type { StreamRef } from "../../../runtime/actor";
import type { Ctx } from "../state";
import type { Entry } from "../storage/entry";
import type { Change } from "../storage/resource-cache";
import type { Matcher } from "./matching";
import { type Rendering, renderBookmark, renderObject } from "./render";

/** What a watcher is to be sent. */
type Item =
  /** `first` is of the state that a watch begins with, and whether it matches is still to be seen. */
  | {
      readonly type: Exclude<EventType, "BOOKMARK" | "ERROR">;
      readonly entry: Entry;
      readonly revision: number;
      readonly first?: boolean;
    }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly endsState: boolean };

export const pumpTimerPrefix = "watch-pump/";
/** How much of a state is sent at once, and how much more at a time: a stream holds some thousands of items for a reader before it is cut. */
const itemsAtOnce = 1_000;
const itemsAtATime = 200;
const itemsLookedAt = 1_000;
const pumpIntervalMs = 10;

/** One watch. Everything goes out in the order in which it came to pass; a long state goes out in pieces, and what happens meanwhile waits behind it. */
export class Watcher {
  readonly stream: StreamRef;
  readonly rendering: Rendering;
  readonly matcher: Matcher;
  /** Where only the objects of one node are wanted. */
  readonly node: string | undefined;
  readonly wantsBookmarks: boolean;
  /** Changes that a webhook is converting; see converting-watch.ts. */
  readonly unconverted: Change[] = [];
  /** Shared by all watchers of a server. */
  events = new LastEvent();
  /** Hears of each event. */
  sent: () => void = () => undefined;
  /** The watcher has seen everything up to here, or does not want it: only later changes are sent. */
  #after: number;
  /** The newest revision that an event or a bookmark has told. */
  #told = 0;
  /** Tables carry their column definitions with the first event only. */
  #sentDefinitions = false;
  #waiting: Item[] = [];

  constructor(stream: StreamRef, rendering: Rendering, matcher: Matcher, node: string | undefined, wantsBookmarks: boolean, after: number) {
    this.stream = stream;
    this.rendering = rendering;
    this.matcher = matcher;
    this.node = node;
    this.wantsBookmarks = wantsBookmarks;
    this.#after = after;
  }

  /** Shows all there is as ADDED, as of a revision; then the bookmark that says so, where it is wanted. */
  showState(ctx: Ctx, entries: readonly Entry[], revision: number, endsWithBookmark: boolean): void {
    this.#waiting = entries.map((entry) => ({ type: "ADDED", entry, revision, first: true }));
    if (endsWithBookmark) this.#waiting.push({ type: "BOOKMARK", revision, endsState: true });
    this.#sendWaiting(ctx, itemsAtOnce);
  }

  /** What comes to match is ADDED, what ceases to is DELETED as it was before, under the revision at which it did. */
  deliver(ctx: Ctx, change: Change): void {
    const { revision, entry, deleted, previous } = change;
    if (revision <= this.#after || !entry.key.startsWith(this.matcher.prefix)) return;
    const matched = previous !== undefined && this.matcher.matches(previous);
    const matches = !deleted && this.matcher.matches(entry);
    if (matches) this.#put(ctx, { type: matched ? "MODIFIED" : "ADDED", entry, revision });
    else if (matched) this.#put(ctx, { type: "DELETED", entry: change.departed!, revision });
  }

  /** From now on only what comes after this revision. */
  skipTo(revision: number): void {
    this.#after = Math.max(this.#after, revision);
  }

  /** Tells how far the caches have come, unless the watcher knows or is still being shown the state. */
  bookmark(ctx: Ctx, revision: number): void {
    if (!this.wantsBookmarks || this.#told >= revision || this.#after > revision || this.#waiting.length > 0 || this.unconverted.length > 0)
      return;
    this.#put(ctx, { type: "BOOKMARK", revision, endsState: false });
  }

  /** Sends the next piece of what waits. */
  pump(ctx: Ctx): void {
    this.#sendWaiting(ctx, itemsAtATime);
  }

  /** Sends so many of what waits at most, and looks at not many more: to see whether an object matches it may have to be decoded. */
  #sendWaiting(ctx: Ctx, most: number): void {
    let looked = 0;
    let sent = 0;
    for (; looked < this.#waiting.length && looked < itemsLookedAt && sent < most; looked++) {
      const item = this.#waiting[looked]!;
      if (item.type !== "BOOKMARK" && item.first && !this.matcher.matches(item.entry)) continue;
      this.#send(ctx, item);
      sent++;
    }
    this.#waiting = this.#waiting.slice(looked);
    if (this.#waiting.length > 0) ctx.setTimer(pumpTimerPrefix + this.stream.key, pumpIntervalMs);
  }

  #put(ctx: Ctx, item: Item): void {
    if (this.#waiting.length > 0) this.#waiting.push(item);
    else this.#send(ctx, item);
  }

  #send(ctx: Ctx, item: Item): void {
    this.#told = item.revision;
    if (item.type === "BOOKMARK") {
      this.#push(ctx, item.type, renderBookmark(this.rendering, item.revision, item.endsState));
      return;
    }
    const bytes = renderObject(this.rendering, item.entry, ctx.wallUs() / 1000, !this.#sentDefinitions);
    this.#sentDefinitions = true;
    this.#push(ctx, item.type, bytes);
  }

  #push(ctx: Ctx, type: EventType, object: Uint8Array): void {
    ctx.push(this.stream, this.events.of(type, object));
    this.sent();
  }
}

/** The event that was told last: a thousand watchers of one change get the same one, which is encoded, and decoded, once. */
export class LastEvent {
  private last: ApiEvent | undefined;

  of(type: EventType, object: Uint8Array): ApiEvent {
    if (this.last?.object !== object || this.last.type !== type) this.last = Object.freeze({ kind: "api.event", type, object });
    return this.last;
  }
}
