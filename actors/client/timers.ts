import type { Context } from "../../runtime/actor";

const prefix = "client/";

/** The timers of the components that share an actor: each has a name of its own under one prefix, and says what happens when it fires. */
export class Timers<S> {
  private readonly owners = new Map<string, (ctx: Context<S>) => undefined>();

  /** Claims a name, made unique within the actor, and answers with the timer's full name. */
  claim(name: string, onFire: (ctx: Context<S>) => undefined): string {
    let full = `${prefix}${name}`;
    for (let again = 2; this.owners.has(full); again++) full = `${prefix}${name}#${again}`;
    this.owners.set(full, onFire);
    return full;
  }

  release(full: string, ctx: Context<S>): void {
    ctx.cancelTimer(full);
    this.owners.delete(full);
  }

  /** False when nobody here claimed the name. */
  fire(full: string, ctx: Context<S>): boolean {
    const onFire = this.owners.get(full);
    onFire?.(ctx);
    return onFire !== undefined;
  }
}
