/** The sequence of entries that is committed, as all members together have told it: the term at each index. */
export class CommittedSequence {
  private readonly terms: number[] = [];
  /** The greatest index that any member knows to be committed. */
  last = 0;

  termAt(index: number): number | undefined {
    return this.terms[index];
  }

  /** False where another entry is committed at that index already. */
  add(index: number, term: number): boolean {
    const known = this.terms[index];
    if (known !== undefined && known !== term) return false;
    this.terms[index] = term;
    if (index > this.last) this.last = index;
    return true;
  }
}

/**
 * One member's log, in memory or on disk, as its recorded steps make it. What agrees with the committed sequence from the beginning is a number
 * (`match`); only what lies behind it is kept entry by entry, so a long run costs no more than a short one. That equal terms at equal indices mean
 * equal entries is Log Matching, which has a check of its own.
 */
export class LogModel {
  /** Up to here the log is the committed sequence. */
  match = 0;
  lastIndex = 0;
  lastTerm = 0;
  private readonly behind = new Map<number, number>();

  constructor(private readonly committed: CommittedSequence) {}

  /** A run of entries of one term; it replaces what stood at its place and behind. */
  append(from: number, to: number, term: number): void {
    this.truncateFrom(from);
    for (let index = from; index <= to; index++) this.behind.set(index, term);
    this.lastIndex = to;
    this.lastTerm = term;
    this.grow();
  }

  truncateFrom(index: number): void {
    if (index > this.lastIndex) return;
    if (index <= this.match) {
      this.match = index - 1;
      this.behind.clear();
    } else for (let at = this.lastIndex; at >= index; at--) this.behind.delete(at);
    this.lastIndex = index - 1;
    this.lastTerm = this.behind.get(this.lastIndex) ?? this.committed.termAt(this.lastIndex) ?? 0;
  }

  /** A snapshot stands for everything up to there; it is made of what was applied, so of what is committed. */
  reset(index: number, term: number): void {
    this.behind.clear();
    this.match = this.lastIndex = index;
    this.lastTerm = term;
  }

  /** More may be committed now. */
  grow(): void {
    for (let index = this.match + 1; ; index++) {
      const term = this.behind.get(index);
      if (term === undefined || term !== this.committed.termAt(index)) return;
      this.behind.delete(index);
      this.match = index;
    }
  }

  become(other: LogModel): void {
    this.match = other.match;
    this.lastIndex = other.lastIndex;
    this.lastTerm = other.lastTerm;
    this.behind.clear();
    for (const [index, term] of other.behind) this.behind.set(index, term);
  }

  /** Section 5.4.1: whether a voter with the other log would vote for a candidate with this one. */
  isAtLeastUpToDate(other: LogModel): boolean {
    return this.lastTerm > other.lastTerm || (this.lastTerm === other.lastTerm && this.lastIndex >= other.lastIndex);
  }
}
