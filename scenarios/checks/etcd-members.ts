import type { HistoryEvent } from "../history";
import { Undisturbed } from "./undisturbed";

/** The members of etcd that have made themselves heard, and which of them are undisturbed. Meant for clusters whose members do not change. */
export class EtcdMembers {
  private readonly hostOf = new Map<string, string>();
  private readonly undisturbed = new Undisturbed();

  see(event: HistoryEvent): void {
    this.undisturbed.see(event);
    if (event.type === "fact" && event.actor.startsWith("etcd/")) this.hostOf.set(event.actor, event.host);
  }

  /** Whether this member and enough others for a majority have been undisturbed for so long. */
  isWellPlaced(member: string, forUs: number, nowUs: number): boolean {
    const well = [...this.hostOf].filter(([actor, host]) => (this.undisturbed.forUs(actor, host, nowUs) ?? -1) >= forUs);
    return well.length > this.hostOf.size / 2 && well.some(([actor]) => actor === member);
  }

  /** Whether in addition nothing has happened to any member for so long: the majority has had time to do without the others. */
  isSettled(member: string, forUs: number, nowUs: number): boolean {
    const unchanged = [...this.hostOf].every(([actor, host]) => this.undisturbed.unchangedForUs(actor, host, nowUs) >= forUs);
    return unchanged && this.isWellPlaced(member, forUs, nowUs);
  }
}
