import type { Context } from "../../runtime/actor";
import type { ApiClient } from "./api-client";

export interface ThrottleOptions {
  readonly name: string;
  /** Requests per second in the long run, as the flag --kube-api-qps. */
  readonly qps: number;
  /** Requests that may come at once after a pause, as --kube-api-burst. */
  readonly burst: number;
}

/** Keeps requests within a rate, as real clients do: what is too much waits in line. */
export class Throttle<S> {
  private readonly line: ((ctx: Context<S>) => undefined)[] = [];
  private readonly timer: string;
  private tokens: number;
  private atMs = 0;

  constructor(
    private readonly client: ApiClient<S>,
    private readonly options: ThrottleOptions,
  ) {
    this.tokens = options.burst;
    this.timer = client.timers.claim(`throttle/${options.name}`, (ctx) => this.drain(ctx));
  }

  /** Calls `go` now, or when its turn comes. */
  take(ctx: Context<S>, go: (ctx: Context<S>) => undefined): undefined {
    this.refill(ctx);
    if (this.line.length === 0 && this.tokens >= 1) {
      this.tokens -= 1;
      return go(ctx);
    }
    this.line.push(go);
    if (this.line.length === 1) this.wait(ctx);
    return undefined;
  }

  /** Forgets who waits; the throttle is not used again. */
  stop(ctx: Context<S>): void {
    this.line.length = 0;
    this.client.timers.release(this.timer, ctx);
  }

  private drain(ctx: Context<S>): undefined {
    this.refill(ctx);
    while (this.tokens >= 1) {
      const go = this.line.shift();
      if (!go) return undefined;
      this.tokens -= 1;
      go(ctx);
    }
    if (this.line.length > 0) this.wait(ctx);
    return undefined;
  }

  private wait(ctx: Context<S>): void {
    ctx.setTimer(this.timer, Math.max(0, ((1 - this.tokens) / this.options.qps) * 1000));
  }

  private refill(ctx: Context<S>): void {
    const nowMs = ctx.monotonicUs() / 1000;
    // A hair's breadth more, so that a timer of whole microseconds does not come a fraction too early.
    this.tokens = Math.min(this.options.burst, this.tokens + ((nowMs - this.atMs) / 1000) * this.options.qps + 1e-6);
    this.atMs = nowMs;
  }
}
