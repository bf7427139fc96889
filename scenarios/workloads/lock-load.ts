import { type Ctx, LeasedQueue, type Session } from "./leased-queue";

/** The lock of etcd's concurrency package: whoever is first in the queue holds it. */
export class LockLoad extends LeasedQueue {
  protected tell({ holder, fence, untilUs }: Session, ctx: Ctx): void {
    ctx.record({ kind: "lock.held", lock: this.own.prefix, holder, fence, nowUs: ctx.monotonicUs(), untilUs });
  }

  protected tellEnd({ holder }: Session, why: string, ctx: Ctx): void {
    ctx.record({ kind: "lock.released", lock: this.own.prefix, holder, why });
  }

  protected guarded({ fence }: Session) {
    return { key: `${this.own.prefix}guarded`, value: String(fence) };
  }
}
