import { Entry } from "./entry";
import { endOfPrefix, lowerBound, type StoredResource } from "./keys";
import { type Listing, PastView } from "./past-view";

/** One change of one object, as the cache's window keeps it and watchers get it. */
export class Change {
  readonly revision: number;
  /** The object after the change; for a deletion its last state, under the deletion's revision. */
  readonly entry: Entry;
  readonly deleted: boolean;
  /** The object before the change, if it existed. */
  readonly previous: Entry | undefined;
  #departed: Entry | undefined;

  constructor(revision: number, entry: Entry, deleted: boolean, previous: Entry | undefined) {
    this.revision = revision;
    this.entry = entry;
    this.deleted = deleted;
    this.previous = previous;
  }

  /** What somebody is shown who sees the object no more: its former state under the revision of the change; undefined if there was none. */
  get departed(): Entry | undefined {
    return this.deleted ? this.entry : (this.#departed ??= this.previous?.at(this.revision));
  }
}

/**
 * All objects of one resource as of one revision, in the order of their keys, and the most recent changes.
 * It only ever moves forward; the feed says to which revision it has come.
 */
export class ResourceCache implements Listing {
  readonly resource: StoredResource;
  readonly #entries = new Map<string, Entry>();
  #keys: string[] = [];
  #window: Change[] = [];
  /** Changes up to and including this revision may be missing from the window. */
  #windowStart = 0;
  readonly #windowSizeMax: number;

  constructor(resource: StoredResource, windowSizeMax: number) {
    this.resource = resource;
    this.#windowSizeMax = windowSizeMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** The entries whose keys begin with the prefix and come after `startAfter` (a key, or ""), in the order of keys; so many of them at most. */
  list(prefix: string, startAfter = "", limit = Number.POSITIVE_INFINITY): readonly Entry[] {
    const from = this.#after(prefix, startAfter);
    const found: Entry[] = [];
    for (let i = from; i < this.#keys.length && found.length < limit; i++) {
      const key = this.#keys[i]!;
      if (!key.startsWith(prefix)) break;
      found.push(this.#entries.get(key)!);
    }
    return found;
  }

  /** How many entries `list` would find; takes no longer where they are many. */
  count(prefix: string, startAfter = ""): number {
    return lowerBound(this.#keys, endOfPrefix(prefix)) - this.#after(prefix, startAfter);
  }

  #after(prefix: string, startAfter: string): number {
    return lowerBound(this.#keys, startAfter > prefix ? `${startAfter}\0` : prefix);
  }

  /** Changes after a revision, oldest first; undefined where some of them have left the window. */
  changesAfter(revision: number): readonly Change[] | undefined {
    if (revision < this.#windowStart) return undefined;
    return this.#window.slice(firstAfter(this.#window, revision));
  }

  /** All objects as they were at an earlier revision; undefined where too much has changed since. */
  asOf(revision: number): PastView | undefined {
    const since = this.changesAfter(revision);
    return since && new PastView(this, since);
  }

  /** The oldest revision from which changesAfter answers. */
  get oldestRevision(): number {
    return this.#windowStart;
  }

  /** Everything anew, as listed at a revision; the window begins there. */
  replace(entries: readonly Entry[], revision: number): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.key, entry);
    this.#keys = [...this.#entries.keys()].sort();
    this.#window = [];
    this.#windowStart = revision;
  }

  /** Takes in one event of etcd's watch: `stored` is undefined for a deletion. Answers undefined for what changes nothing. */
  apply(key: string, revision: number, stored: Uint8Array | undefined): Change | undefined {
    const previous = this.#entries.get(key);
    if (previous && revision <= previous.revision) return undefined;
    if (stored === undefined) {
      if (!previous) return undefined;
      this.#entries.delete(key);
      this.#keys.splice(lowerBound(this.#keys, key), 1);
      return this.#remember(new Change(revision, previous.at(revision), true, previous));
    }
    const entry = new Entry(key, revision, stored);
    this.#entries.set(key, entry);
    if (!previous) this.#keys.splice(lowerBound(this.#keys, key), 0, key);
    return this.#remember(new Change(revision, entry, false, previous));
  }

  #remember(change: Change): Change {
    this.#window.push(change);
    // Dropped by the hundred: taking the first element off a long array each time would copy it each time.
    if (this.#window.length >= this.#windowSizeMax + 100) {
      const dropped = this.#window.splice(0, this.#window.length - this.#windowSizeMax);
      this.#windowStart = dropped.at(-1)!.revision;
    }
    return change;
  }
}

function firstAfter(changes: readonly Change[], revision: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changes[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
