/**
 * How the seats of an API server are shared out among its priority levels: nominally by their shares, and every ten seconds by what they needed
 * of late, within what each may lend and borrow. Source: the KEP "API Priority and Fairness", sections on borrowing.
 */

/** What a level's configuration says. */
export interface Shares {
  readonly nominalConcurrencyShares: number;
  readonly lendablePercent: number;
  /** undefined: as much as there is. */
  readonly borrowingLimitPercent: number | undefined;
}

export interface SeatLimits {
  readonly nominal: number;
  /** What is left when all is lent that may be. */
  readonly min: number;
  readonly max: number;
}

/** The limits of each level, by the order of `levels`, where the server has `total` seats. */
export function seatLimits(total: number, levels: readonly Shares[]): readonly SeatLimits[] {
  const sum = levels.reduce((all, { nominalConcurrencyShares }) => all + nominalConcurrencyShares, 0);
  return levels.map(({ nominalConcurrencyShares, lendablePercent, borrowingLimitPercent }) => {
    const nominal = sum === 0 ? 0 : Math.ceil((total * nominalConcurrencyShares) / sum);
    const borrowing = borrowingLimitPercent === undefined ? total : Math.round((nominal * borrowingLimitPercent) / 100);
    return { nominal, min: nominal - Math.round((nominal * lendablePercent) / 100), max: nominal + borrowing };
  });
}

/** What a level needed in the last period. */
export interface Need {
  readonly limits: SeatLimits;
  readonly exempt: boolean;
  /** The most seats that were wanted at a time. */
  readonly high: number;
  /** Seats that it is thought to need. */
  readonly smoothed: number;
}

/** The number of seats that each level has from now on, by the order of `needs`; those that are exempt take what they need. */
export function allocate(total: number, needs: readonly Need[]): readonly number[] {
  // Nobody is denied the seats that are its own and that it has just used.
  const floors = needs.map(({ limits, high }) => Math.max(limits.min, Math.min(limits.nominal, high)));
  const targets = needs.map(({ smoothed }, index) => Math.max(floors[index]!, smoothed));
  const taken = needs.reduce((sum, { exempt }, index) => (exempt ? sum + Math.min(targets[index]!, total) : sum), 0);
  const limited = needs.map((_, index) => index).filter((index) => !needs[index]!.exempt);
  const rest = total - taken;
  const least = limited.reduce((sum, index) => sum + needs[index]!.limits.min, 0);
  const wanted = limited.reduce((sum, index) => sum + floors[index]!, 0);
  const share = (index: number): number => {
    const { limits } = needs[index]!;
    if (rest <= least) return limits.min;
    if (rest <= wanted) return limits.min + ((floors[index]! - limits.min) * (rest - least)) / (wanted - least);
    return Math.max(floors[index]!, Math.min(limits.max, fraction * targets[index]!));
  };
  const fraction = rest > wanted ? fairFraction(rest, limited, floors, targets, needs) : 0;
  return needs.map(({ exempt }, index) => (exempt ? Math.round(Math.min(targets[index]!, total)) : Math.max(1, Math.round(share(index)))));
}

/** The fraction of their targets at which all that the levels get adds up to what there is: found by halving, which always ends the same way. */
function fairFraction(
  rest: number,
  levels: readonly number[],
  floors: readonly number[],
  targets: readonly number[],
  needs: readonly Need[],
): number {
  const used = (fraction: number) =>
    levels.reduce((sum, index) => sum + Math.max(floors[index]!, Math.min(needs[index]!.limits.max, fraction * targets[index]!)), 0);
  let low = 0;
  let high = rest + 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (used(middle) <= rest) low = middle;
    else high = middle;
  }
  return low;
}

/** How much of the smoothed need stays from one period to the next. */
const persistence = 0.977;

/** Follows how many seats a level wants over time: mean, deviation and peak of a period, and the need smoothed over periods. */
export class SeatDemand {
  private value = 0;
  private sinceUs: number;
  private periodUs = 0;
  private sum = 0;
  private squares = 0;
  private high = 0;
  private smoothed = 0;

  constructor(nowUs: number) {
    this.sinceUs = nowUs;
  }

  /** The level wants this many seats from now on. */
  set(nowUs: number, seats: number): void {
    const elapsed = Math.max(0, nowUs - this.sinceUs);
    this.sinceUs = nowUs;
    this.periodUs += elapsed;
    this.sum += this.value * elapsed;
    this.squares += this.value * this.value * elapsed;
    this.value = seats;
    if (seats > this.high) this.high = seats;
  }

  /** Ends a period; says what it needed. */
  next(nowUs: number): { readonly high: number; readonly smoothed: number } {
    this.set(nowUs, this.value);
    const mean = this.periodUs === 0 ? this.value : this.sum / this.periodUs;
    const variance = this.periodUs === 0 ? 0 : Math.max(0, this.squares / this.periodUs - mean * mean);
    const envelope = mean + Math.sqrt(variance);
    this.smoothed = Math.max(envelope, persistence * this.smoothed + (1 - persistence) * envelope);
    const { high, smoothed } = this;
    this.periodUs = 0;
    this.sum = 0;
    this.squares = 0;
    this.high = this.value;
    return { high, smoothed };
  }
}
