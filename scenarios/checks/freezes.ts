import type { HistoryEvent } from "../history";

/** Which hosts are frozen (the fault `pause`), and since when. Several pauses of one host may overlap. */
export class Freezes {
  private readonly frozen = new Map<string, { readonly sinceUs: number; count: number }>();

  isFrozen(host: string): boolean {
    return this.frozen.has(host);
  }

  /** The hosts that wake up with this event. */
  see(event: HistoryEvent): readonly { readonly host: string; readonly sinceUs: number }[] {
    if (event.type !== "fault" || event.fault !== "pause") return [];
    return event.targets.flatMap((host) => {
      const freeze = this.frozen.get(host);
      if (event.phase === "began") {
        if (freeze) freeze.count++;
        else this.frozen.set(host, { sinceUs: event.atUs, count: 1 });
        return [];
      }
      if (!freeze || --freeze.count > 0) return [];
      this.frozen.delete(host);
      return [{ host, sinceUs: freeze.sinceUs }];
    });
  }
}
