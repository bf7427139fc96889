/** One lease, as the log makes it: the same on every member. When it runs out is the leader's business (expiry.ts). */
export interface Lease {
  readonly id: number;
  readonly grantedTtlSeconds: number;
  /** The last checkpoint of what is left; 0 where there is none, that is: all of it. */
  remainingTtlSeconds: number;
  readonly keys: Set<string>;
}

/** Who holds which keys on a lease. */
export class Leases {
  readonly all = new Map<number, Lease>();

  get(id: number): Lease | undefined {
    return this.all.get(id);
  }

  grant(id: number, grantedTtlSeconds: number, remainingTtlSeconds = 0): Lease {
    const lease: Lease = { id, grantedTtlSeconds, remainingTtlSeconds, keys: new Set() };
    this.all.set(id, lease);
    return lease;
  }

  /** A key moves from one lease to another; 0 for none. */
  move(key: string, before: number, after: number): void {
    if (before === after) return;
    this.all.get(before)?.keys.delete(key);
    this.all.get(after)?.keys.add(key);
  }

  /** Ids in ascending order. */
  list(): readonly number[] {
    return [...this.all.keys()].sort((a, b) => a - b);
  }
}
