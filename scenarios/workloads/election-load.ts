import type { RangeResponse } from "../../protocol/etcd";
import { rangeOf, text } from "./etcd-processes";
import { type Ctx, LeasedQueue, type LeasedQueueConfig, type Session } from "./leased-queue";

export interface ElectionConfig extends LeasedQueueConfig {
  /** How many more there are who only want to know who leads. */
  readonly observers: number;
}

/**
 * The election of etcd's concurrency package: whoever is first in the queue leads, in a term that is the revision at which its key was made, and
 * proclaims what it decides under that term. Observers ask who leads.
 */
export class ElectionLoad extends LeasedQueue {
  private readonly candidates: number;

  constructor(config: ElectionConfig) {
    super({ ...config, processes: config.processes + config.observers });
    this.candidates = config.processes;
  }

  protected override act(process: number, ctx: Ctx): void {
    if (process < this.candidates) super.act(process, ctx);
    else this.observe(process, ctx);
  }

  protected tell({ holder, fence, untilUs }: Session, ctx: Ctx): void {
    ctx.record({ kind: "election.leads", election: this.own.prefix, leader: holder, term: fence, nowUs: ctx.monotonicUs(), untilUs });
  }

  protected tellEnd({ holder }: Session, why: string, ctx: Ctx): void {
    ctx.record({ kind: "election.ended", election: this.own.prefix, leader: holder, why });
  }

  protected guarded({ fence }: Session) {
    return { key: `${this.own.prefix}proclaimed`, value: String(fence) };
  }

  /** Who leads is whose key is the oldest; a consistent read. */
  private observe(process: number, ctx: Ctx): void {
    const election = this.own.prefix;
    const call = this.name(process, ctx);
    ctx.record({ kind: "election.asked", election, call });
    this.ask<RangeResponse>(ctx, this.member(ctx), rangeOf(`${election}queue/`, true), false, (outcome, later) => {
      if (outcome.type === "done") {
        const [oldest] = [...outcome.response.kvs].sort((a, b) => a.createRevision - b.createRevision);
        const seen = oldest ? { leader: text(oldest.value), term: oldest.createRevision } : { leader: "", term: 0 };
        later.record({ kind: "election.seen", election, call, ...seen });
      }
      this.pause(process, later);
    });
  }
}
