import type { KnownFact } from "../../../protocol/facts";
import type { HistoryEvent } from "../../history";

type FactOf<K extends KnownFact["kind"]> = Extract<KnownFact, { readonly kind: K }>;
export type WatchOpened = FactOf<"watch.opened">;
export type WatchResponded = FactOf<"watch.response">;
export type WatchEventFact = WatchResponded["events"][number];

/** The fact of that kind, or undefined. */
export function known<K extends KnownFact["kind"]>(event: HistoryEvent, kind: K): FactOf<K> | undefined {
  return event.type === "fact" && event.fact.kind === kind ? (event.fact as unknown as FactOf<K>) : undefined;
}

export interface CommittedChange {
  readonly revision: number;
  readonly key: string;
  readonly value: string | null;
  readonly atUs: number;
}

/** All changes of keys outside the API's, in commit order: what watches ought to tell. */
export class Committed {
  readonly changes: CommittedChange[] = [];

  see(event: HistoryEvent): void {
    if (event.type !== "store" || event.value === undefined) return;
    const { revision, key, value, atUs } = event;
    this.changes.push({ revision, key, value, atUs });
  }

  /** The place of the first change at that revision or after it. */
  placeOf(revision: number): number {
    let [low, high] = [0, this.changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.changes[middle]!.revision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The changes of keys with the prefix in these revisions, both included. */
  between(prefix: string, from: number, to: number): readonly CommittedChange[] {
    return this.changes.slice(this.placeOf(from), this.placeOf(to + 1)).filter(({ key }) => key.startsWith(prefix));
  }
}

/** One open stream of a watch. */
export interface OpenWatch {
  readonly prefix: string;
  readonly member: string;
  /** Whether the member has died since: the stream will tell no more, whether its client has noticed or not. */
  orphaned: boolean;
  /** The first revision that it owes; 0 until a watch that begins "now" is confirmed. */
  firstRevision: number;
  /** All before this revision has been told, as far as this stream owes it. */
  nextRevision: number;
  /** Whether it has told of an event or of its progress. */
  told: boolean;
}

/** Follows every watch's streams. */
export class OpenWatches {
  private readonly open = new Map<string, OpenWatch>();

  /** Takes note of a fact; answers with the stream that a response belongs to, as it was before the response. */
  see(event: HistoryEvent): { readonly response: WatchResponded; readonly watch: OpenWatch } | undefined {
    const opened = known(event, "watch.opened");
    if (opened) {
      const { prefix, member, startRevision } = opened;
      this.open.set(opened.watch, {
        prefix,
        member,
        orphaned: false,
        firstRevision: startRevision,
        nextRevision: startRevision,
        told: false,
      });
    }
    if (event.type === "life" && !event.alive)
      for (const watch of this.open.values()) if (watch.member === event.actor) watch.orphaned = true;
    const closed = known(event, "watch.closed");
    if (closed) this.open.delete(closed.watch);
    const response = known(event, "watch.response");
    const watch = response && this.open.get(response.watch);
    if (!watch) return undefined;
    if (response.created && watch.firstRevision === 0) watch.firstRevision = watch.nextRevision = response.revision + 1;
    return { response, watch };
  }

  /** After a response has been judged. */
  advance(watch: OpenWatch, { events, created, compactRevision, revision }: WatchResponded): void {
    const last = events.at(-1)?.revision;
    if (last !== undefined) watch.nextRevision = last + 1;
    else if (!created && compactRevision === 0) watch.nextRevision = Math.max(watch.nextRevision, revision + 1);
    if (!created) watch.told = true;
  }

  all(): Iterable<readonly [name: string, watch: OpenWatch]> {
    return this.open;
  }
}

/** Progress: a response that tells of no event and promises that all up to its revision has been told. */
export function isProgress({ events, created, compactRevision }: WatchResponded): boolean {
  return events.length === 0 && !created && compactRevision === 0;
}
