import type { Entry } from "./entry";
import { lowerBound } from "./keys";
import type { Change } from "./resource-cache";

/** What a list is made of: all objects of a resource, now or as they were. */
export interface Listing {
  get(key: string): Entry | undefined;
  /** The entries whose keys begin with the prefix and come after `startAfter` (a key, or ""), in the order of keys; so many of them at most. */
  list(prefix: string, startAfter?: string, limit?: number): readonly Entry[];
  /** How many entries `list` would find without a limit. */
  count(prefix: string, startAfter?: string): number;
}

/**
 * A cache as it was before its most recent changes: the pages of a list after the first show the first one's revision, and most of them need not be
 * asked of etcd. It stands for the moment in which it was made, and is to be used within it.
 */
export class PastView implements Listing {
  readonly #now: Listing;
  /** What has changed since, as it was; undefined where it was not there. */
  readonly #then = new Map<string, Entry | undefined>();
  /** Keys of what has gone since, in order. */
  readonly #gone: readonly string[];
  /** Keys of what has come since, in order. */
  readonly #come: readonly string[];

  /** `since`: all changes after the revision that is to be seen, oldest first. */
  constructor(now: Listing, since: readonly Change[]) {
    this.#now = now;
    for (const { entry, previous } of since) if (!this.#then.has(entry.key)) this.#then.set(entry.key, previous);
    const changed = [...this.#then].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#gone = changed.filter(([key, before]) => before && !now.get(key)).map(([key]) => key);
    this.#come = changed.filter(([key, before]) => !before && now.get(key)).map(([key]) => key);
  }

  get(key: string): Entry | undefined {
    return this.#then.has(key) ? this.#then.get(key) : this.#now.get(key);
  }

  list(prefix: string, startAfter = "", limit = Number.POSITIVE_INFINITY): readonly Entry[] {
    const gone = this.#gone.slice(...within(this.#gone, prefix, startAfter));
    const found: Entry[] = [];
    // As many more are taken as may have come since.
    for (const entry of this.#now.list(prefix, startAfter, limit + this.#come.length)) {
      while (gone.length > 0 && gone[0]! < entry.key) found.push(this.#then.get(gone.shift()!)!);
      const before = this.get(entry.key);
      if (before) found.push(before);
    }
    for (const key of gone) found.push(this.#then.get(key)!);
    return found.length > limit ? found.slice(0, limit) : found;
  }

  count(prefix: string, startAfter = ""): number {
    const among = (keys: readonly string[]) => {
      const [from, to] = within(keys, prefix, startAfter);
      return to - from;
    };
    return this.#now.count(prefix, startAfter) + among(this.#gone) - among(this.#come);
  }
}

/** From where to where keys stand in a sorted list that begin with the prefix and come after `startAfter`. */
function within(keys: readonly string[], prefix: string, startAfter: string): [from: number, to: number] {
  const from = lowerBound(keys, startAfter > prefix ? `${startAfter}\0` : prefix);
  let to = from;
  while (to < keys.length && keys[to]!.startsWith(prefix)) to++;
  return [from, to];
}
