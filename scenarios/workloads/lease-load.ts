import type { EtcdRequest, EtcdResponse, LeaseResponse } from "../../protocol/etcd";
import type { KnownFact } from "../../protocol/facts";
import type { Context } from "../../runtime/actor";
import { EtcdProcesses, type EtcdProcessesConfig, putOf } from "./etcd-processes";

export interface LeaseLoadConfig extends EtcdProcessesConfig {
  readonly ttlMinSeconds: number;
  readonly ttlMaxSeconds: number;
}

type Ctx = Context<EtcdProcesses>;
type Called = Extract<KnownFact, { readonly kind: "lease.called" }>;

interface OwnLease {
  readonly id: number;
  /** Half of the leases are never renewed: what a lease comes to by itself is seen only of these. */
  readonly renewed: boolean;
  keys: number;
  /** Whether it was granted when all was at rest again: how much is left of it is known to be told. */
  readonly late: boolean;
}

/** So many leases a process holds at a time. */
const heldMax = 4;

/**
 * Processes that each hold a few leases. What they ask for is drawn anew each time: another lease, a key more under one, a renewal, how much time is left, a revocation;
 * whoever is told that a lease is gone forgets it. In the end each asks how much time is left of a new one.
 */
export class LeaseLoad extends EtcdProcesses {
  private readonly held = new Map<number, OwnLease[]>();

  constructor(private readonly own: LeaseLoadConfig) {
    super(own);
  }

  protected act(process: number, ctx: Ctx): void {
    const held = this.held.get(process) ?? [];
    this.held.set(process, held);
    const looks = this.looks(process);
    if (looks && held.length === heldMax && !held.some(({ late }) => late)) held.shift();
    const lease = looks ? held.find(({ late }) => late) : held[Math.floor(ctx.random("lease") * heldMax)];
    if (!lease) return held.length < heldMax ? this.grant(process, held, ctx) : this.pause(process, ctx);
    const d = ctx.random("action");
    if (!looks && (lease.keys === 0 || d < 0.15)) {
      const key = `${this.own.prefix}${lease.id}/${lease.keys++}`;
      return this.call(process, ctx, { action: "put", lease: lease.id, key }, putOf(key, this.name(process, ctx), lease.id), held);
    }
    if (!looks && d < 0.4 && lease.renewed)
      return this.call(process, ctx, { action: "keepAlive", lease: lease.id }, { kind: "etcd.lease.keepAlive", id: lease.id }, held);
    if (!looks && d < 0.47)
      return this.call(process, ctx, { action: "revoke", lease: lease.id }, { kind: "etcd.lease.revoke", id: lease.id }, held);
    return this.call(
      process,
      ctx,
      { action: "timeToLive", lease: lease.id },
      { kind: "etcd.lease.timeToLive", id: lease.id, keys: false },
      held,
    );
  }

  private grant(process: number, held: OwnLease[], ctx: Ctx): void {
    const { ttlMinSeconds, ttlMaxSeconds } = this.own;
    const ttlSeconds = ttlMinSeconds + ctx.randomInt("time to live", ttlMaxSeconds - ttlMinSeconds + 1);
    this.call(process, ctx, { action: "grant", lease: 0 }, { kind: "etcd.lease.grant", id: 0, ttlSeconds }, held);
  }

  private call(
    process: number,
    ctx: Ctx,
    what: Pick<Called, "action" | "lease"> & { readonly key?: string },
    request: EtcdRequest,
    held: OwnLease[],
  ): void {
    const call = this.name(process, ctx);
    const { action, lease, key = "" } = what;
    ctx.record({ kind: "lease.called", call, action, lease, key });
    const writes = action !== "timeToLive";
    this.ask<EtcdResponse>(ctx, this.member(ctx), request, writes, (outcome, later) => {
      const response = outcome.type === "done" ? outcome.response : undefined;
      const { id = 0, ttlSeconds = 0 } = response?.kind === "etcd.lease.response" ? (response as LeaseResponse) : {};
      const detail = outcome.type === "done" ? "" : outcome.detail;
      later.record({ kind: "lease.returned", call, outcome: outcome.type, lease: action === "grant" ? id : lease, ttlSeconds, detail });
      if (action === "grant" && outcome.type === "done")
        held.push({ id, renewed: later.random("renewed") < 0.5, keys: 0, late: this.isAwaited });
      if (action === "timeToLive" && ttlSeconds > 0) this.hasLooked(process, later);
      const isGone = outcome.type === "done" ? response!.kind === "etcd.lease.response" && ttlSeconds < 0 : /lease not found/.test(detail);
      const at = held.findIndex((one) => one.id === lease);
      if ((isGone || action === "revoke") && at >= 0) held.splice(at, 1);
      if (this.working) this.pause(process, later);
    });
  }
}
