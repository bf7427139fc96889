import type { WatchEvent, WatchRequest } from "../../../protocol/etcd";
import { inRange, type KeyRange, keyRange, type Store } from "./store";
import type { Version } from "./version";

export interface Watcher {
  readonly id: string;
  readonly range: KeyRange;
  readonly prevKv: boolean;
  readonly progressNotify: boolean;
  /** All watchers of the same range have the same. */
  readonly group: WatcherGroup;
  /** The first revision to look at for this watcher, possibly one that is still to come; null when it has seen everything. */
  behindFrom: number | null;
}

export interface WatcherGroup {
  readonly range: KeyRange;
  readonly watchers: Set<Watcher>;
}

export type WatchBatch =
  | { readonly type: "events"; readonly events: readonly WatchEvent[] }
  /** What it wanted next is compacted. */
  | { readonly type: "compacted"; readonly compactRevision: number };

const none: readonly Watcher[] = [];

/**
 * Who watches which keys. A watcher keeps no queue: it is a position in the store's changes, so that a slow one costs nothing and loses
 * nothing until compaction overtakes it. Events come in order, each once, those of one revision together.
 */
export class Watchers {
  private readonly byId = new Map<string, Watcher>();
  /** Watchers of the same range are matched once. */
  private readonly byRange = new Map<string, WatcherGroup>();
  private readonly behind = new Set<Watcher>();

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Watcher | undefined {
    return this.byId.get(id);
  }

  all(): Iterable<Watcher> {
    return this.byId.values();
  }

  /** Adds a watcher; start revision 0 or one that is still to come means from then on. */
  add(store: Store, id: string, request: WatchRequest): Watcher {
    const range = keyRange(request.key, request.rangeEnd);
    const { prevKv, progressNotify, startRevision } = request;
    const name = nameOf(range);
    const group = this.byRange.get(name) ?? { range, watchers: new Set() };
    const watcher: Watcher = { id, range, prevKv, progressNotify, group, behindFrom: null };
    this.byId.set(id, watcher);
    group.watchers.add(watcher);
    this.byRange.set(name, group);
    if (startRevision > 0 && startRevision !== store.revision + 1) this.fallBehind(watcher, startRevision);
    return watcher;
  }

  remove(id: string): void {
    const watcher = this.byId.get(id);
    if (!watcher) return;
    this.byId.delete(id);
    this.behind.delete(watcher);
    const name = nameOf(watcher.range);
    const group = this.byRange.get(name)!;
    group.watchers.delete(watcher);
    if (group.watchers.size === 0) this.byRange.delete(name);
  }

  /** The store has a new revision: whoever watches one of its keys is behind now. */
  changed(revision: number, changes: readonly Version[]): void {
    for (const { range, watchers } of this.byRange.values())
      if (changes.some(({ history }) => inRange(range, history.key)))
        for (const watcher of watchers) if (watcher.behindFrom === null) this.fallBehind(watcher, revision);
  }

  /** The store was replaced by a newer one: everybody has to look at what came in between. */
  replaced(fromRevision: number): void {
    for (const watcher of this.byId.values()) if (watcher.behindFrom === null) this.fallBehind(watcher, fromRevision);
  }

  /** Those that have something to look at, in the order in which they fell behind. */
  waiting(store: Store): readonly Watcher[] {
    if (this.behind.size === 0) return none;
    return [...this.behind].filter((watcher) => watcher.behindFrom! <= store.revision);
  }

  /** Whether everything up to the store's revision has been taken by this watcher: what a progress response promises. */
  hasSeenAll(store: Store, watcher: Watcher): boolean {
    return watcher.behindFrom === null || watcher.behindFrom > store.revision;
  }

  /** Takes the next events of a watcher, looking at no more than about `maxChanges` changes; whole revisions only. */
  take(store: Store, watcher: Watcher, maxChanges: number): WatchBatch {
    const from = watcher.behindFrom;
    if (from === null || from > store.revision) return { type: "events", events: [] };
    if (from < store.compacted) return { type: "compacted", compactRevision: store.compacted };
    const events: WatchEvent[] = [];
    let revision = from;
    for (let looked = 0; revision <= store.revision && looked < maxChanges; revision++) {
      const changes = store.changesOf(revision);
      looked += 1 + changes.length;
      for (const change of changes) if (inRange(watcher.range, change.history.key)) events.push(eventOf(store, change, watcher.prevKv));
    }
    this.moveTo(watcher, revision <= store.revision ? revision : null);
    return { type: "events", events };
  }

  /** The watcher has been sent what comes before that revision; null: everything. */
  moveTo(watcher: Watcher, behindFrom: number | null): void {
    watcher.behindFrom = behindFrom;
    if (behindFrom === null) this.behind.delete(watcher);
  }

  private fallBehind(watcher: Watcher, revision: number): void {
    watcher.behindFrom = revision;
    this.behind.add(watcher);
  }
}

function eventOf(store: Store, change: Version, prevKv: boolean): WatchEvent {
  const { tombstone, createRevision, modRevision } = change;
  // What a transaction creates had nothing before it, also where the same transaction has just deleted the key.
  const creates = !tombstone && createRevision === modRevision;
  return { type: tombstone ? "delete" : "put", kv: change.kv, prevKv: prevKv && !creates ? store.before(change) : null };
}

function nameOf(range: KeyRange): string {
  return range.to === null ? `${range.from.length}:${range.from}:` : `${range.from.length}:${range.from}:${range.to}`;
}
