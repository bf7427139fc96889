/** Whoever was first for a while: it may count on its lease until then, by the clock of the client. */
export interface Held {
  readonly holder: string;
  /** A number that rises from one holder to the next. */
  readonly fence: number;
  readonly nowUs: number;
  readonly untilUs: number;
}

/** Follows who was first, and what they wrote, for each thing that only one may hold at a time. */
export class Terms {
  private readonly holders = new Map<string, Held>();
  private readonly newest = new Map<string, number>();
  private readonly written = new Map<string, number>();
  taken = 0;
  writes = 0;

  /** Somebody holds it, or has renewed; answers with what is wrong. `verb` is "holds" or "leads". */
  held(what: string, held: Held, verb: string, number: string): string | undefined {
    const { holder, fence, nowUs } = held;
    const other = this.holders.get(what);
    this.holders.set(what, held);
    if (other?.holder === holder) return undefined;
    this.taken++;
    if (other && nowUs < other.untilUs)
      return `${holder} ${verb} ${what}, while ${other.holder} may count on its lease for another ${((other.untilUs - nowUs) / 1e6).toFixed(1)} s`;
    const before = this.newest.get(what) ?? 0;
    this.newest.set(what, fence);
    return fence <= before ? `${holder} ${verb} ${what} with ${number} ${fence}, and one before it had ${before}` : undefined;
  }

  released(what: string, holder: string): void {
    if (this.holders.get(what)?.holder === holder) this.holders.delete(what);
  }

  /** A value that only a holder writes was committed; answers with what is wrong. */
  wrote(key: string, fence: number, number: string): string | undefined {
    this.writes++;
    const before = this.written.get(key) ?? 0;
    this.written.set(key, Math.max(before, fence));
    return fence < before ? `${key} was written with ${number} ${fence} after ${before}` : undefined;
  }
}
