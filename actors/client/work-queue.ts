import type { Context } from "../../runtime/actor";
import type { ApiClient } from "./api-client";
import { DueKeys } from "./due-keys";

export interface WorkQueueOptions<S> {
  /** Names the queue's timer. */
  readonly name: string;
  /** Called in a turn of its own when keys have become ready: take them with `next`. */
  readonly onReady: (ctx: Context<S>) => undefined;
  /** The first wait after a failure; 5 ms unless told, doubled each time. */
  readonly baseDelayMs?: number;
  /** 1,000 s unless told. */
  readonly maxDelayMs?: number;
}

/**
 * Keys to work on, each at most once at a time. Three collections:
 * `dirty` holds the keys that need work, `processing` those being worked on, and `ready` lines up exactly the keys that are dirty and not being processed.
 * So a key that is added while it is worked on is worked on once more afterwards, and however often it is added it waits in line once.
 */
export class WorkQueue<S> {
  private readonly ready = new Set<string>();
  /** Each with the time since which it needs work, in monotonic ms. */
  private readonly dirty = new Map<string, number>();
  /** Each with the time since which it is worked on. */
  private readonly processing = new Map<string, number>();
  private readonly failures = new Map<string, number>();
  /** When keys that were put off are added, in monotonic ms. */
  private readonly waiting = new DueKeys();
  private readonly timer: string;
  private timerAtMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly client: ApiClient<S>,
    private readonly options: WorkQueueOptions<S>,
  ) {
    this.timer = client.timers.claim(`queue/${options.name}`, (ctx) => this.onTimer(ctx));
    client.figures.queues.set(options.name, { length: () => this.length, begun: () => this.processing.values() });
  }

  /** How many keys are in line. */
  get length(): number {
    return this.ready.size;
  }

  add(ctx: Context<S>, key: string): void {
    if (this.dirty.has(key)) return;
    const nowMs = ctx.monotonicUs() / 1000;
    this.dirty.set(key, nowMs);
    this.client.figures.adds.add([this.options.name]);
    if (this.processing.has(key)) return;
    this.ready.add(key);
    this.wake(ctx, nowMs);
  }

  addAfter(ctx: Context<S>, key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(ctx, key);
      return;
    }
    const atMs = ctx.monotonicUs() / 1000 + delayMs;
    if (this.waiting.add(key, atMs)) this.wake(ctx, atMs);
  }

  /** Adds it after a wait that doubles each time until `forget`. */
  addRateLimited(ctx: Context<S>, key: string): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    this.client.figures.retries.add([this.options.name]);
    const { baseDelayMs = 5, maxDelayMs = 1_000_000 } = this.options;
    this.addAfter(ctx, key, Math.min(baseDelayMs * 2 ** Math.min(failures, 60), maxDelayMs));
  }

  /** The key went well: its next failure waits the shortest time again. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  requeues(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  /** The key next in line, which is being processed from now until `done`. */
  next(ctx: Context<S>): string | undefined {
    for (const key of this.ready) {
      const nowMs = ctx.monotonicUs() / 1000;
      this.client.figures.queueDurations.observe([this.options.name], (nowMs - (this.dirty.get(key) ?? nowMs)) / 1000);
      this.ready.delete(key);
      this.dirty.delete(key);
      this.processing.set(key, nowMs);
      return key;
    }
    return undefined;
  }

  done(ctx: Context<S>, key: string): void {
    const nowMs = ctx.monotonicUs() / 1000;
    const begunMs = this.processing.get(key);
    if (begunMs !== undefined) this.client.figures.workDurations.observe([this.options.name], (nowMs - begunMs) / 1000);
    this.processing.delete(key);
    if (!this.dirty.has(key)) return;
    this.ready.add(key);
    this.wake(ctx, nowMs);
  }

  isProcessing(key: string): boolean {
    return this.processing.has(key);
  }

  /** Gives up the timer; the queue is not used again. */
  stop(ctx: Context<S>): void {
    this.client.timers.release(this.timer, ctx);
    this.client.figures.queues.delete(this.options.name);
  }

  private wake(ctx: Context<S>, atMs: number): void {
    if (atMs >= this.timerAtMs) return;
    this.timerAtMs = atMs;
    ctx.setTimer(this.timer, Math.max(0, atMs - ctx.monotonicUs() / 1000));
  }

  private onTimer(ctx: Context<S>): undefined {
    this.timerAtMs = Number.POSITIVE_INFINITY;
    // Timers count whole microseconds, so one may come a fraction early.
    const nowMs = ctx.monotonicUs() / 1000 + 0.001;
    for (let key = this.waiting.take(nowMs); key !== undefined; key = this.waiting.take(nowMs)) this.addQuietly(key, nowMs);
    if (this.waiting.nextMs() < Number.POSITIVE_INFINITY) this.wake(ctx, this.waiting.nextMs());
    if (this.ready.size > 0) this.options.onReady(ctx);
    return undefined;
  }

  private addQuietly(key: string, nowMs: number): void {
    if (this.dirty.has(key)) return;
    this.dirty.set(key, nowMs);
    this.client.figures.adds.add([this.options.name]);
    if (!this.processing.has(key)) this.ready.add(key);
  }
}
