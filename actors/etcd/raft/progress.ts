/**
 * What the leader knows of one other member. In "probe" one append at a time feels for where the logs agree; in "replicate" appends are
 * pipelined ahead of their answers, within limits; in "snapshot" nothing is appended until the snapshot has arrived.
 */
export class Progress {
  state: "probe" | "replicate" | "snapshot" = "probe";
  match = 0;
  next: number;
  /** In probe: an append is under way, wait for its answer or for a heartbeat's. */
  probeSent = false;
  pendingSnapshot = 0;
  /** Heard from since the last check of the quorum. */
  active = false;
  /** The same of the period before; a new leader presumes it. */
  private wasActive = true;
  /** The newest read-index round that this member has confirmed. */
  confirmedRound = 0;
  private inflight: { readonly lastIndex: number; readonly bytes: number }[] = [];
  private inflightBytes = 0;

  constructor(
    lastIndex: number,
    private readonly limits: { readonly maxInflightMessages: number; readonly maxInflightBytes: number },
  ) {
    this.next = lastIndex + 1;
  }

  get paused(): boolean {
    if (this.state === "probe") return this.probeSent;
    return this.state === "snapshot" || this.inflightFull;
  }

  get inflightFull(): boolean {
    return this.inflight.length >= this.limits.maxInflightMessages || this.inflightBytes >= this.limits.maxInflightBytes;
  }

  /** Heard from within the last one or two periods of that check. */
  get connected(): boolean {
    return this.active || this.wasActive;
  }

  beginPeriod(): void {
    this.wasActive = this.active;
    this.active = false;
  }

  becomeProbe(): void {
    // After a snapshot the member may already hold what was sent, even if its own answer got lost.
    const from = this.state === "snapshot" ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.change("probe");
    this.next = from + 1;
  }

  becomeReplicate(): void {
    this.change("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.change("snapshot");
    this.pendingSnapshot = index;
  }

  /** An append with these entries goes out; an empty one counts only as a probe. */
  sent(lastIndex: number, bytes: number): void {
    if (this.state === "probe") this.probeSent = true;
    else if (this.state === "replicate" && bytes > 0) {
      this.next = lastIndex + 1;
      this.inflight.push({ lastIndex, bytes });
      this.inflightBytes += bytes;
    }
  }

  /** The member holds everything up to `index`. False when that is no news. */
  matched(index: number): boolean {
    this.next = Math.max(this.next, index + 1);
    let freed = 0;
    while (freed < this.inflight.length && this.inflight[freed]!.lastIndex <= index) this.inflightBytes -= this.inflight[freed++]!.bytes;
    if (freed > 0) this.inflight.splice(0, freed);
    if (index <= this.match) return false;
    this.match = index;
    this.probeSent = false;
    return true;
  }

  /** The member refused what was to follow `rejected`; look again behind `hint`. False for an answer to an older question. */
  rejected(rejected: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }

  private change(state: Progress["state"]): void {
    this.state = state;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.inflight = [];
    this.inflightBytes = 0;
  }
}
