import type { Lease, Leases } from "./leases";

export interface Checkpoint {
  readonly id: number;
  readonly remainingTtlSeconds: number;
}

/**
 * The leader's clocks for leases. They start anew with each leader, from the last checkpoint or else the full time: a lease may live
 * longer than granted through a change of leader, never shorter.
 */
export class LeaseExpiry {
  private readonly dueMs = new Map<number, number>();

  /** What is left is counted from `nowMs`; `extendMs` is what a new leader adds for the time in which nobody could renew. */
  constructor(leases: Leases, nowMs: number, extendMs: number) {
    for (const lease of leases.all.values()) this.dueMs.set(lease.id, nowMs + remainingMs(lease) + extendMs);
  }

  /** A lease was granted or renewed: its full time begins. */
  restart(lease: Lease, nowMs: number): void {
    this.dueMs.set(lease.id, nowMs + lease.grantedTtlSeconds * 1000);
  }

  forget(id: number): void {
    this.dueMs.delete(id);
  }

  /** Whole seconds that are left, 0 when it has run out and only the revocation is under way. */
  remainingSeconds(id: number, nowMs: number): number {
    return Math.max(0, Math.ceil(((this.dueMs.get(id) ?? nowMs) - nowMs) / 1000));
  }

  hasRunOut(id: number, nowMs: number): boolean {
    return (this.dueMs.get(id) ?? nowMs) <= nowMs;
  }

  /** Leases to revoke now, the longest overdue first. */
  expired(nowMs: number): readonly number[] {
    const due = [...this.dueMs].filter(([, at]) => at <= nowMs);
    return due.sort((a, b) => a[1] - b[1] || a[0] - b[0]).map(([id]) => id);
  }

  nextDueMs(): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.dueMs.values()) if (at < next) next = at;
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** What is left of each lease that lives longer than one checkpoint interval, to be put into the log. */
  checkpoints(leases: Leases, intervalMs: number, nowMs: number): readonly Checkpoint[] {
    return leases.list().flatMap((id) => {
      const remainingTtlSeconds = this.remainingSeconds(id, nowMs);
      const worthIt = leases.get(id)!.grantedTtlSeconds * 1000 > intervalMs && remainingTtlSeconds > 0;
      return worthIt ? [{ id, remainingTtlSeconds }] : [];
    });
  }
}

function remainingMs(lease: Lease): number {
  return (lease.remainingTtlSeconds || lease.grantedTtlSeconds) * 1000;
}
