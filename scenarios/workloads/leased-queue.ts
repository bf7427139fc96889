import type { LeaseResponse, RangeResponse, TxnRequest, TxnResponse } from "../../protocol/etcd";
import type { Context, Input } from "../../runtime/actor";
import { bytes, EtcdProcesses, type EtcdProcessesConfig, putOf, rangeOf, text } from "./etcd-processes";

export interface LeasedQueueConfig extends EtcdProcessesConfig {
  readonly ttlSeconds: number;
  readonly holdMs: number;
}

/** One process's try at being first, from its lease on. */
export interface Session {
  readonly holder: string;
  readonly lease: number;
  /** The lease lives at least until then: its time to live, counted from when what was answered had been sent. */
  untilUs: number;
  /** The revision at which its key was made; 0 as long as it is not known to be there. */
  fence: number;
  /** When it will step back; undefined as long as it waits. */
  releaseAtUs: number | undefined;
}

export type Ctx = Context<EtcdProcesses>;

const renewTimer = "renew ";
const none = new Uint8Array(0);

/**
 * What locks and elections of etcd's concurrency package have in common: each process has a key under its own lease, the oldest key is first, and whoever
 * finds its own key gone has lost its place.
 */
export abstract class LeasedQueue extends EtcdProcesses {
  protected readonly sessions = new Map<number, Session>();
  private wasFirst = false;

  constructor(protected readonly own: LeasedQueueConfig) {
    super(own);
  }

  override receive(input: Input, ctx: Ctx): undefined {
    if (input.type === "timer" && input.name.startsWith(renewTimer)) {
      this.renew(Number(input.name.slice(renewTimer.length)), ctx);
      return undefined;
    }
    return super.receive(input, ctx);
  }

  /** What it owes is that somebody has been first at all: how long that takes after an outage depends on leases of processes that knew no end of them. */
  protected override lookOnceMore(): void {}

  protected override owes(): boolean {
    return !this.wasFirst;
  }

  /** Whoever is first says that it is, and until when it may count on its lease; again with each renewal. */
  protected abstract tell(session: Session, ctx: Ctx): void;

  /** Whoever was first says that it is no more. */
  protected abstract tellEnd(session: Session, why: string, ctx: Ctx): void;

  /** The key that only who is first writes, and what it writes there. */
  protected abstract guarded(session: Session): { readonly key: string; readonly value: string };

  protected act(process: number, ctx: Ctx): void {
    const session = this.sessions.get(process);
    if (!session) this.open(process, ctx);
    else if (ctx.monotonicUs() >= session.untilUs) this.give(process, session, "its lease may be over", ctx);
    else if (session.releaseAtUs === undefined) this.look(process, session, ctx);
    else if (ctx.monotonicUs() >= session.releaseAtUs) this.give(process, session, "done", ctx);
    else this.guardedWrite(process, session, ctx);
  }

  private open(process: number, ctx: Ctx): void {
    const sentUs = ctx.monotonicUs();
    const holder = this.name(process, ctx);
    const request = { kind: "etcd.lease.grant", id: 0, ttlSeconds: this.own.ttlSeconds } as const;
    this.ask<LeaseResponse>(ctx, this.member(ctx), request, true, (outcome, later) => {
      if (outcome.type === "done") {
        const untilUs = sentUs + outcome.response.ttlSeconds * 1e6;
        this.sessions.set(process, { holder, lease: outcome.response.id, untilUs, fence: 0, releaseAtUs: undefined });
        later.setTimer(`${renewTimer}${process}`, (this.own.ttlSeconds * 1000) / 3);
        this.enqueue(process, this.sessions.get(process)!, later);
      } else this.pause(process, later);
    });
  }

  private enqueue(process: number, session: Session, ctx: Ctx): void {
    const key = this.keyOf(session);
    const absent = { key: bytes(key), target: "create", result: "equal", number: 0, value: none } as const;
    const request: TxnRequest = { kind: "etcd.txn", compare: [absent], success: [putOf(key, session.holder, session.lease)], failure: [] };
    // Whether it came to be is looked up in any case.
    this.ask<TxnResponse>(ctx, this.member(ctx), request, true, (_outcome, later) => this.pause(process, later));
  }

  /** Whether it is first now: it is if its key is there and none is older. */
  private look(process: number, session: Session, ctx: Ctx): void {
    this.ask<RangeResponse>(ctx, this.member(ctx), rangeOf(`${this.own.prefix}queue/`, true), false, (outcome, later) => {
      if (this.sessions.get(process) !== session || outcome.type !== "done") return this.pause(process, later);
      const { kvs } = outcome.response;
      const mine = kvs.find(({ key }) => text(key) === this.keyOf(session));
      if (!mine) {
        // Its place is lost with its lease, or was never taken.
        if (session.fence > 0) return this.give(process, session, "its key is gone", later);
        return this.enqueue(process, session, later);
      }
      session.fence = mine.createRevision;
      const isFirst = kvs.every(({ createRevision }) => createRevision >= mine.createRevision);
      if (isFirst && later.monotonicUs() < session.untilUs) {
        session.releaseAtUs = later.monotonicUs() + Math.round(this.own.holdMs * (0.5 + later.random("hold")) * 1000);
        this.tell(session, later);
        this.wasFirst = true;
        this.tellLookers(later);
      }
      this.pause(process, later);
    });
  }

  /** What it guards is only written as long as the key is there that was made at the fence. */
  private guardedWrite(process: number, session: Session, ctx: Ctx): void {
    const fenced = { key: bytes(this.keyOf(session)), target: "create", result: "equal", number: session.fence, value: none } as const;
    const { key, value } = this.guarded(session);
    const request: TxnRequest = { kind: "etcd.txn", compare: [fenced], success: [putOf(key, value)], failure: [] };
    this.ask<TxnResponse>(ctx, this.member(ctx), request, true, (outcome, later) => {
      const isLost = outcome.type === "done" && !outcome.response.succeeded;
      if (isLost && this.sessions.get(process) === session) this.give(process, session, "its key is gone", later);
      else this.pause(process, later);
    });
  }

  private renew(process: number, ctx: Ctx): void {
    const session = this.sessions.get(process);
    if (!session) return;
    const sentUs = ctx.monotonicUs();
    ctx.setTimer(`${renewTimer}${process}`, (this.own.ttlSeconds * 1000) / 3);
    this.ask<LeaseResponse>(ctx, this.member(ctx), { kind: "etcd.lease.keepAlive", id: session.lease }, true, (outcome, later) => {
      if (this.sessions.get(process) !== session || outcome.type !== "done" || outcome.response.ttlSeconds <= 0) return;
      // Whoever let its time run out has given up already, whatever comes after.
      if (later.monotonicUs() >= session.untilUs) return;
      session.untilUs = Math.max(session.untilUs, sentUs + outcome.response.ttlSeconds * 1e6);
      if (session.releaseAtUs !== undefined) this.tell(session, later);
    });
  }

  private give(process: number, session: Session, why: string, ctx: Ctx): void {
    this.sessions.delete(process);
    ctx.cancelTimer(`${renewTimer}${process}`);
    if (session.releaseAtUs !== undefined) this.tellEnd(session, why, ctx);
    this.ask(ctx, this.member(ctx), { kind: "etcd.lease.revoke", id: session.lease }, true, (_outcome, later) =>
      this.pause(process, later),
    );
  }

  protected keyOf({ lease }: Session): string {
    return `${this.own.prefix}queue/${lease}`;
  }
}
