import type { HistoryEvent } from "../history";

/**
 * Since when each host, and each actor on it, has been left in peace: up, and the target of no fault. What is promised only to those who are well is
 * judged by this.
 */
export class Undisturbed {
  private readonly faults = new Map<string, Set<string>>();
  private readonly downHosts = new Set<string>();
  private readonly deadActors = new Set<string>();
  private readonly sinceUs = new Map<string, number>();

  see(event: HistoryEvent): void {
    switch (event.type) {
      case "fault":
        for (const target of event.targets) {
          const steps = this.faults.get(target) ?? new Set();
          this.faults.set(target, steps);
          if (event.phase === "began") steps.add(String(event.step));
          else steps.delete(String(event.step));
          this.sinceUs.set(target, event.atUs);
        }
        return;
      case "host":
        if (event.up) this.downHosts.delete(event.host);
        else this.downHosts.add(event.host);
        this.sinceUs.set(event.host, event.atUs);
        return;
      case "life":
        if (event.alive) this.deadActors.delete(event.actor);
        else this.deadActors.add(event.actor);
        this.sinceUs.set(event.actor, event.atUs);
        return;
    }
  }

  /** For how long an actor and its host have been undisturbed; undefined while they are not. */
  forUs(actor: string, host: string, nowUs: number): number | undefined {
    if (this.downHosts.has(host) || this.deadActors.has(actor)) return undefined;
    for (const name of [actor, host]) if ((this.faults.get(name)?.size ?? 0) > 0) return undefined;
    return this.unchangedForUs(actor, host, nowUs);
  }

  /** For how long they have been as well or as ill as they are. */
  unchangedForUs(actor: string, host: string, nowUs: number): number {
    return nowUs - Math.max(this.sinceUs.get(actor) ?? 0, this.sinceUs.get(host) ?? 0);
  }
}
