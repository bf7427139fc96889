import type { Context, Input } from "../../runtime/actor";

/** A client that works by timers from when it is told to begin until it is told to end. What it asks for is answered to continuations. */
export abstract class TimedClient {
  protected working = false;

  // biome-ignore lint/suspicious/noExplicitAny: each workload is the state of its own context
  receive(input: Input, ctx: Context<any>): undefined {
    if (input.type === "request" && input.body.kind === "load.look") {
      if (this.working) this.lookOnceMore();
      ctx.reply(input.request, { kind: "load.told" });
    } else if (input.type === "request") {
      const begin = input.body.kind === "load.begin";
      if (begin && !this.working) this.begin(ctx);
      this.working = begin;
      ctx.reply(input.request, { kind: "load.told" });
    } else if (input.type === "timer" && this.working) this.onTimer(input.name, ctx);
    return undefined;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  protected abstract begin(ctx: Context<any>): void;

  /** From now on it sees to it that it has looked at what there is. */
  protected lookOnceMore(): void {}

  // biome-ignore lint/suspicious/noExplicitAny: as above
  protected abstract onTimer(name: string, ctx: Context<any>): void;
}
