/** kube-apiserver's --audit-log-batch-* and --audit-webhook-batch-*. */
export interface AuditBatchOptions {
  /** Events that wait at most. */
  readonly bufferSize: number;
  readonly maxSize: number;
  /** How long events wait for others; 0 where they do not. */
  readonly maxWaitMs: number;
  readonly throttles: boolean;
  /** Batches a second, and how many may go at once before that counts. */
  readonly throttleQps: number;
  readonly throttleBurst: number;
}

/** Where events go in the background. */
export interface AuditBatchTaker<E> {
  /** Takes a batch; what cannot be kept of it is the taker's to tell. It must not throw. */
  deliver(batch: readonly E[]): Promise<void> | void;
  /** An event found no room. */
  overflowed(event: E): void;
  /** How many batches may be under way: the others wait in the buffer, so that a taker that hangs does not fill the memory. */
  readonly underWayMax: number;
}

/**
 * Gathers audit events and hands them on in batches: when there are enough for one, or when the first has waited long enough, and no faster than the throttle
 * lets them. Source: apiserver's plugin/pkg/audit/buffered.
 */
export class AuditBatches<E> {
  private waiting: E[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** The first that waits has waited for long enough. */
  private isDue = false;
  private closed = false;
  private working: Promise<void> | undefined;
  private readonly underWay = new Set<Promise<void>>();
  private tokens: number;
  private refilledMs = performance.now();
  /** Ends the throttle's pause. */
  private resume: () => void = () => undefined;

  constructor(
    private readonly options: AuditBatchOptions,
    private readonly taker: AuditBatchTaker<E>,
  ) {
    this.tokens = options.throttleBurst;
  }

  write(event: E): void {
    if (this.waiting.length >= this.options.bufferSize) return this.taker.overflowed(event);
    this.waiting.push(event);
    this.tend();
  }

  /** Hands on what is left, without any pause. */
  async close(): Promise<void> {
    this.closed = true;
    this.resume();
    this.tend();
    await this.working;
    await Promise.all(this.underWay);
  }

  private tend(): void {
    if (this.working !== undefined) return;
    if (this.isReady()) {
      this.working = this.work().finally(() => {
        this.working = undefined;
        // What came after the last look.
        if (this.waiting.length > 0) this.tend();
      });
    } else if (this.waiting.length > 0)
      this.timer ??= setTimeout(() => {
        this.isDue = true;
        this.timer = undefined;
        this.tend();
      }, this.options.maxWaitMs);
  }

  private isReady(): boolean {
    const { length } = this.waiting;
    return length >= this.options.maxSize || (length > 0 && (this.isDue || this.closed));
  }

  private async work(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    while (this.isReady()) {
      await this.turn();
      while (this.underWay.size >= this.taker.underWayMax) await Promise.race(this.underWay);
      this.isDue = false;
      const delivery = this.taker.deliver(this.waiting.splice(0, this.options.maxSize));
      if (delivery === undefined) continue;
      const ended: Promise<void> = delivery.finally(() => this.underWay.delete(ended));
      this.underWay.add(ended);
    }
  }

  /** Waits until another batch may go. */
  private async turn(): Promise<void> {
    const { throttles, throttleQps, throttleBurst } = this.options;
    if (!throttles || this.closed) return;
    const nowMs = performance.now();
    this.tokens = Math.min(throttleBurst, this.tokens + ((nowMs - this.refilledMs) / 1000) * throttleQps) - 1;
    this.refilledMs = nowMs;
    if (this.tokens >= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, (-this.tokens / throttleQps) * 1000);
      this.resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
