import type { ClientResult } from "./client-results";

/** From a request to a Service that failed to the next that succeeded. */
export interface Outage {
  readonly service: string;
  readonly fromUs: number;
  /** -1 where none succeeded any more. */
  readonly toUs: number;
  readonly failed: number;
}

/** So many are kept for each Service; of a longer list the longest. */
const keptMax = 500;

/** Gathers each Service's outages as its clients saw them. */
export class Outages {
  private readonly open = new Map<string, { fromUs: number; failed: number }>();
  private readonly closed = new Map<string, Outage[]>();

  see({ service, ok, latencyUs }: ClientResult, atUs: number): void {
    const open = this.open.get(service);
    if (!ok) {
      // A request that failed had been sent earlier, and nobody was served since.
      if (open) open.failed++;
      else this.open.set(service, { fromUs: atUs - latencyUs, failed: 1 });
    } else if (open) {
      this.open.delete(service);
      this.keep({ service, fromUs: open.fromUs, toUs: atUs, failed: open.failed });
    }
  }

  /** By the time at which they began, of all Services. */
  all(): readonly Outage[] {
    const still = [...this.open].map(([service, { fromUs, failed }]): Outage => ({ service, fromUs, toUs: -1, failed }));
    return [...[...this.closed.values()].flat(), ...still].sort((a, b) => a.fromUs - b.fromUs);
  }

  private keep(outage: Outage): void {
    const own = this.closed.get(outage.service) ?? [];
    this.closed.set(outage.service, own);
    own.push(outage);
    if (own.length < 2 * keptMax) return;
    own.sort((a, b) => b.toUs - b.fromUs - (a.toUs - a.fromUs));
    own.length = keptMax;
  }
}
