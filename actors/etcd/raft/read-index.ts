/**
 * Linearizable reads without a log entry (ReadIndex, thesis section 6.4): the leader notes its commit index, confirms with a round of
 * heartbeats that it still leads, and the read may be served once that index is applied. One round is under way at a time;
 * reads that arrive meanwhile share the next.
 */
export class ReadRounds {
  /** The newest round that heartbeats speak of; 0 before the first. */
  round = 0;
  private confirmed = 0;
  private asked: Read[] = [];
  private waiting: Read[] = [];
  private held: number[] = [];

  /** Keeps a read until the leader has committed an entry of its own term. */
  hold(request: number): void {
    this.held.push(request);
  }

  takeHeld(): readonly number[] {
    const held = this.held;
    this.held = [];
    return held;
  }

  /** Notes a read with the commit index of now. True when a new round was begun: send heartbeats at once. */
  request(request: number, index: number): boolean {
    this.waiting.push({ request, index });
    return this.beginRound();
  }

  /** Given the newest round that a quorum has confirmed: the reads that are now safe, and whether the next round was begun. */
  confirm(reached: number): { readonly reads: readonly Read[]; readonly begun: boolean } {
    if (reached <= this.confirmed) return { reads: [], begun: false };
    this.confirmed = reached;
    const reads = this.asked;
    this.asked = [];
    return { reads, begun: this.beginRound() };
  }

  /** Everything that waits, when leadership is lost. */
  takeAll(): readonly number[] {
    return [...this.asked.map((read) => read.request), ...this.waiting.map((read) => read.request), ...this.held];
  }

  private beginRound(): boolean {
    if (this.confirmed < this.round || this.waiting.length === 0) return false;
    this.round++;
    this.asked = this.waiting;
    this.waiting = [];
    return true;
  }
}

export interface Read {
  /** The caller's number for it. */
  readonly request: number;
  /** The read may be served when everything up to here is applied. */
  readonly index: number;
}
