/** The waits between tries that keep failing: doubled each time up to a limit, stretched by chance, forgotten after a while of calm. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A wait is drawn from [wait, wait × (1 + jitter)). */
  readonly jitter: number;
  /** After this long without a failure the next wait is the initial one. */
  readonly resetAfterMs: number;
}

export class Backoff {
  private nextMs: number;
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: BackoffOptions) {
    this.nextMs = options.initialMs;
  }

  /** The wait before the next try. `draw` is in [0, 1). */
  next(nowMs: number, draw: number): number {
    if (nowMs - this.lastMs > this.options.resetAfterMs) this.nextMs = this.options.initialMs;
    this.lastMs = nowMs;
    const base = this.nextMs;
    this.nextMs = Math.min(base * 2, this.options.maxMs);
    return base * (1 + this.options.jitter * draw);
  }

  reset(): void {
    this.lastMs = Number.NEGATIVE_INFINITY;
  }
}
