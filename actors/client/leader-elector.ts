import type { Lease } from "../../protocol/kinds/generated";
import { microTimestamp, type Stored } from "../../protocol/kinds/object";
import { isNotFound } from "../../protocol/status";
import type { Context } from "../../runtime/actor";
import type { ApiClient, Result } from "./api-client";
import { leases } from "./resource";

export interface LeaderElectorOptions<S> {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this incarnation: a holder that comes back from a crash is another holder. */
  readonly identity: string;
  readonly knobs?: Readonly<Record<string, number>>;
  readonly onElected: (ctx: Context<S>) => undefined;
  /** Stop acting at once. The elector stands for election again by itself. */
  readonly onLost: (ctx: Context<S>) => undefined;
}

/** How long an acquired Lease is honoured, how long a holder goes on without having renewed it, and the time between tries; in ms. */
export interface LeaderElectionTimes {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** From the knobs leader-elect-lease-duration, -renew-deadline and -retry-period, in milliseconds: 15, 10 and 2 s unless told. */
export function leaderElectionTimes(knobs: Readonly<Record<string, number>> = {}): LeaderElectionTimes {
  const times = {
    leaseDurationMs: knobs["leader-elect-lease-duration"] ?? 15_000,
    renewDeadlineMs: knobs["leader-elect-renew-deadline"] ?? 10_000,
    retryPeriodMs: knobs["leader-elect-retry-period"] ?? 2_000,
  };
  if (times.leaseDurationMs <= times.renewDeadlineMs)
    throw new Error("leader-elect-lease-duration must be longer than leader-elect-renew-deadline");
  if (times.renewDeadlineMs <= 1.2 * times.retryPeriodMs)
    throw new Error("leader-elect-renew-deadline must be longer than leader-elect-retry-period × 1.2");
  return times;
}

/** What is known of the Lease: its last reading, and when (monotonic ms) its record was first seen in this form. */
export interface Observed {
  readonly lease: Stored<Lease> | undefined;
  readonly sinceMs: number;
}

export type ElectionMove =
  | { readonly type: "create"; readonly lease: Lease }
  | { readonly type: "update"; readonly lease: Stored<Lease> }
  /** Somebody else holds it, and what we saw last has not run out yet. */
  | { readonly type: "wait" };

/**
 * What a candidate does about a Lease it has just read. Whether another's lease has run out is judged by our own monotonic clock from when we first saw
 * this record, never by the times written in it: clocks of hosts differ (client-go's leaderelection package states the same).
 */
export function electionMove(
  observed: Observed,
  identity: string,
  times: LeaderElectionTimes,
  monotonicMs: number,
  wallMs: number,
): ElectionMove {
  const nowText = microTimestamp(wallMs);
  const seconds = Math.ceil(times.leaseDurationMs / 1000);
  const { lease } = observed;
  if (!lease) {
    const spec = { holderIdentity: identity, leaseDurationSeconds: seconds, acquireTime: nowText, renewTime: nowText, leaseTransitions: 0 };
    return { type: "create", lease: { spec } };
  }
  const spec = lease.spec ?? {};
  if (spec.holderIdentity === identity)
    return { type: "update", lease: { ...lease, spec: { ...spec, leaseDurationSeconds: seconds, renewTime: nowText } } };
  if (spec.holderIdentity && monotonicMs < observed.sinceMs + times.leaseDurationMs) return { type: "wait" };
  const taken = { ...spec, holderIdentity: identity, leaseDurationSeconds: seconds, acquireTime: nowText, renewTime: nowText };
  return { type: "update", lease: { ...lease, spec: { ...taken, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 } } };
}

/**
 * Elects one holder through a Lease. A holder that has not renewed within the renew deadline, counted from when it sent the last renewal that succeeded,
 * stops acting; the others wait the longer lease duration from when they saw that renewal, so the two never act at once (kubernetes/kubernetes#23731, #67651).
 */
export class LeaderElector<S> {
  private readonly client: ApiClient<S>;
  private readonly times: LeaderElectionTimes;
  private readonly tick: string;
  private readonly deadline: string;
  private observed: Observed = { lease: undefined, sinceMs: 0 };
  private acting = false;

  constructor(
    client: ApiClient<S>,
    private readonly options: LeaderElectorOptions<S>,
  ) {
    this.times = leaderElectionTimes(options.knobs);
    // Two tries must fit into the renew deadline, or one silent server costs the leadership.
    this.client = client.withDeadline(this.times.renewDeadlineMs / 2);
    client.figures.leads.set(options.name, () => this.acting);
    this.tick = client.timers.claim(`elector/${options.name}/tick`, (ctx) => this.attempt(ctx));
    this.deadline = client.timers.claim(`elector/${options.name}/deadline`, (ctx) => this.lose(ctx));
  }

  get isLeader(): boolean {
    return this.acting;
  }

  /** Who holds the Lease as far as is known, "" when nobody. */
  get holder(): string {
    return this.observed.lease?.spec?.holderIdentity ?? "";
  }

  /** The Lease as it was last read or written. */
  get lease(): Stored<Lease> | undefined {
    return this.observed.lease;
  }

  start(ctx: Context<S>): void {
    this.attempt(ctx);
  }

  private attempt(ctx: Context<S>): undefined {
    // A holder writes on what it wrote last; only if that is refused does it read again.
    if (this.acting && this.holder === this.options.identity) {
      this.move(ctx);
      return undefined;
    }
    const { namespace, name } = this.options;
    this.client.get(ctx, leases, { namespace, name }, (_state, result, later) => {
      if (!result.ok && !isNotFound(result.status)) return this.again(later);
      this.observe(result.ok ? result.object : undefined, later);
      if (this.acting && this.holder !== this.options.identity) this.lose(later);
      return this.move(later);
    });
    return undefined;
  }

  private move(ctx: Context<S>): undefined {
    const { identity, namespace, name } = this.options;
    const sentMs = ctx.monotonicUs() / 1000;
    const move = electionMove(this.observed, identity, this.times, sentMs, ctx.wallUs() / 1000);
    const onWritten = (_state: S, result: Result<Stored<Lease>>, later: Context<S>): undefined => {
      if (result.ok) this.held(result.object, sentMs, later);
      else if (!result.unknown) this.observed = { lease: undefined, sinceMs: this.observed.sinceMs };
      return this.again(later);
    };
    if (move.type === "update") this.client.update(ctx, leases, move.lease, onWritten);
    else if (move.type === "create")
      this.client.create(ctx, leases, namespace, { metadata: { namespace, name }, ...move.lease }, onWritten);
    else this.again(ctx);
    return undefined;
  }

  /** Candidates are spread, a holder keeps its rhythm. */
  private again(ctx: Context<S>): undefined {
    const { retryPeriodMs } = this.times;
    ctx.setTimer(this.tick, this.acting ? retryPeriodMs : retryPeriodMs * (1 + 1.2 * ctx.random("elector.jitter")));
    return undefined;
  }

  private held(lease: Stored<Lease>, sentMs: number, ctx: Context<S>): void {
    this.observe(lease, ctx);
    const leftMs = sentMs + this.times.renewDeadlineMs - ctx.monotonicUs() / 1000;
    if (leftMs <= 0) return;
    ctx.setTimer(this.deadline, leftMs);
    if (this.acting) return;
    this.acting = true;
    ctx.record({ kind: "leader.elected", lease: this.options.name, holder: this.options.identity });
    ctx.log("info", "became leader", { lease: this.options.name });
    this.options.onElected(ctx);
  }

  private lose(ctx: Context<S>): undefined {
    ctx.cancelTimer(this.deadline);
    if (!this.acting) return undefined;
    this.acting = false;
    ctx.record({ kind: "leader.lost", lease: this.options.name, holder: this.options.identity });
    ctx.log("warn", "lost leadership", { lease: this.options.name });
    this.options.onLost(ctx);
    return undefined;
  }

  private observe(lease: Stored<Lease> | undefined, ctx: Context<S>): void {
    const before = this.observed.lease?.metadata;
    if (before?.uid === lease?.metadata.uid && before?.resourceVersion === lease?.metadata.resourceVersion) return;
    this.observed = { lease, sinceMs: ctx.monotonicUs() / 1000 };
  }
}
