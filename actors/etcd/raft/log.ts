import type { Entry } from "../../../protocol/raft";

/** What a snapshot or a dropped prefix ends with. Index 0 with term 0 stands before the first entry. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** What an entry costs on the wire and in memory: its data and a small header. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 16;
}

/**
 * The replicated log (Raft paper, section 5.3) as one member holds it in memory. Four marks move over it:
 * applied ≤ commit, applied ≤ stable ≤ written ≤ lastIndex. `written` was handed to the disk, `stable` is known to be on it.
 */
export class Log {
  /** The last entry that is no longer held: the log begins right behind it. */
  base: LogPosition;
  /** What the newest durable snapshot covers; at or behind base. */
  snapshot: LogPosition;
  commit: number;
  applied: number;
  written: number;
  stable: number;
  private entries: Entry[];

  /** A log as the disk recovered it: everything in it is durable. `entries` follow the snapshot without a gap. */
  constructor(snapshot: LogPosition, entries: readonly Entry[], commit: number) {
    this.base = snapshot;
    this.snapshot = snapshot;
    this.entries = entries.slice();
    this.written = this.stable = this.lastIndex;
    this.applied = snapshot.index;
    this.commit = Math.min(Math.max(commit, snapshot.index), this.lastIndex);
  }

  get firstIndex(): number {
    return this.base.index + 1;
  }

  get lastIndex(): number {
    return this.base.index + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.base.term;
  }

  /** The term of the entry at that index; undefined where the log does not reach or has been dropped. */
  termAt(index: number): number | undefined {
    return index === this.base.index ? this.base.term : this.entries[index - this.base.index - 1]?.term;
  }

  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Section 5.4.1: a log is at least as up to date if its last term is later, or the same and it is not shorter. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Entries from `from` to `to`, both included, cut off at `maxBytes` but never below one entry. */
  slice(from: number, to: number, maxBytes: number): readonly Entry[] {
    const start = from - this.base.index - 1;
    const stop = Math.min(to - this.base.index, this.entries.length);
    let bytes = 0;
    let end = start;
    for (; end < stop; end++) {
      bytes += entryBytes(this.entries[end]!);
      if (bytes > maxBytes && end > start) break;
    }
    return this.entries.slice(start, end);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.push(entry);
  }

  /** Removes everything from that index on. Throws if that would remove a committed entry: then Raft itself is broken. */
  truncateFrom(index: number): void {
    if (index <= this.commit) throw new Error(`raft: truncating at ${index} would remove entries committed up to ${this.commit}`);
    this.entries.length = index - this.base.index - 1;
    this.written = Math.min(this.written, index - 1);
    this.stable = Math.min(this.stable, index - 1);
  }

  /** The first of these entries that the log lacks or holds with another term; undefined when it has them all. */
  findConflict(entries: readonly Entry[]): Entry | undefined {
    return entries.find((entry) => !this.matches(entry.index, entry.term));
  }

  /** The last position up to `index` whose term is not above `term`: where two logs can begin to agree. Term 0 where unknown. */
  findConflictByTerm(index: number, term: number): LogPosition {
    let at = Math.min(index, this.lastIndex);
    for (; at >= this.base.index; at--) {
      const own = this.termAt(at);
      if (own !== undefined && own <= term) return { index: at, term: own };
    }
    return { index: at, term: 0 };
  }

  /** Drops entries up to that index, which the snapshot covers. */
  dropUpTo(index: number): void {
    if (index <= this.base.index) return;
    const term = this.termAt(index);
    if (term === undefined || index > this.applied)
      throw new Error(`raft: cannot drop the log up to ${index}: applied only up to ${this.applied}`);
    this.entries.splice(0, index - this.base.index);
    this.base = { index, term };
  }

  /** Everything is replaced by a snapshot received from the leader. */
  reset(snapshot: LogPosition): void {
    this.base = this.snapshot = snapshot;
    this.entries = [];
    this.commit = this.applied = this.written = snapshot.index;
    this.stable = Math.min(this.stable, snapshot.index);
  }

  /** Takes what may be applied now: committed, and durable here, so that no state runs ahead of this member's disk. */
  takeCommitted(): readonly Entry[] {
    const to = Math.min(this.commit, this.stable);
    if (to <= this.applied) return [];
    const entries = this.slice(this.applied + 1, to, Number.POSITIVE_INFINITY);
    this.applied = to;
    return entries;
  }
}
