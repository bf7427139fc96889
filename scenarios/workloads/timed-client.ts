import type { Context, Input, RequestRef } from "../../runtime/actor";

/** A client that works by timers from when it is told to begin until it is told to end. What it asks for is answered to continuations. */
export abstract class TimedClient {
  protected working = false;
  /** Whoever waits until it has looked once more at what there is. */
  private lookers: RequestRef[] = [];

  // biome-ignore lint/suspicious/noExplicitAny: each workload is the state of its own context
  receive(input: Input, ctx: Context<any>): undefined {
    if (input.type === "request" && input.body.kind === "load.look") {
      this.lookers.push(input.request);
      if (this.working) this.lookOnceMore();
      this.tellLookers(ctx);
    } else if (input.type === "request") {
      const begin = input.body.kind === "load.begin";
      if (begin && !this.working) this.begin(ctx);
      this.working = begin;
      this.tellLookers(ctx);
      ctx.reply(input.request, { kind: "load.told" });
    } else if (input.type === "timer" && this.working) this.onTimer(input.name, ctx);
    return undefined;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  protected abstract begin(ctx: Context<any>): void;

  /** Whether somebody waits until it has looked: then it has to get on. */
  protected get isAwaited(): boolean {
    return this.lookers.length > 0;
  }

  /** From now on it sees to it that it has looked at what there is: it owes that until it is done. */
  protected lookOnceMore(): void {}

  /** Whether there is something still that it was told to look at. */
  protected owes(): boolean {
    return false;
  }

  /** Says so once it owes nothing; to be called whenever it may have paid. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  protected tellLookers(ctx: Context<any>): void {
    if (this.lookers.length === 0 || (this.working && this.owes())) return;
    for (const looker of this.lookers) ctx.reply(looker, { kind: "load.told" });
    this.lookers = [];
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  protected abstract onTimer(name: string, ctx: Context<any>): void;
}
