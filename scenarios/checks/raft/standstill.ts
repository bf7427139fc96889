import type { HistoryEvent } from "../../history";
import { Freezes } from "../freezes";
import { entriesOf, factOf } from "./history";

/** What takes less long than this is the way of every entry. */
const noteworthyUs = 500_000;

interface Leader {
  readonly actor: string;
  readonly host: string;
  appended: number;
  persisted: number;
  committed: number;
}

/**
 * When what was asked for could not be done: an entry waited for the leader's own disk (a leader writes one batch at a time) or for a quorum, or the leader's host
 * or an API server's was frozen, with all that was on its way through it; or there was no leader. Deadlines for what somebody must have done, or heard, do not run in that time.
 * A log to which nobody has anything to add does not stand still.
 */
export class Standstill {
  private readonly spans: { readonly fromUs: number; readonly untilUs: number }[] = [];
  private leader: Leader | undefined;
  /** Since when there is an entry that is not through, counted anew whenever one is. */
  private waitingSinceUs: number | undefined;
  private committedUs: number | undefined;
  private readonly freezes = new Freezes();
  private readonly apiServerHosts = new Set<string>();

  see(event: HistoryEvent): void {
    for (const { host, sinceUs } of this.freezes.see(event))
      if (host === this.leader?.host || this.apiServerHosts.has(host)) this.note(sinceUs, event.atUs);
    if (event.type !== "fact") return;
    const { actor, host, atUs } = event;
    if (actor.startsWith("apiserver/")) this.apiServerHosts.add(host);
    if (factOf(event, "raft.leader")) {
      // Between two leaders nothing is committed.
      if (this.committedUs !== undefined) this.note(this.committedUs, atUs);
      this.leader = { actor, host, appended: 0, persisted: 0, committed: 0 };
      this.waitingSinceUs = undefined;
    }
    const committed = factOf(event, "raft.committed");
    if (committed) this.committedUs = atUs;
    const { leader } = this;
    if (leader?.actor !== actor) return;
    const through = throughOf(leader);
    const appended = factOf(event, "raft.appended");
    const persisted = factOf(event, "raft.persisted");
    if (appended) leader.appended = (appended.runs as readonly (readonly number[])[]).at(-1)![1]!;
    if (persisted) leader.persisted = entriesOf(persisted).at(-1)?.[0] ?? leader.persisted;
    if (committed) leader.committed = entriesOf(committed).at(-1)?.[0] ?? leader.committed;
    const now = throughOf(leader);
    if (now > through && this.waitingSinceUs !== undefined) this.note(this.waitingSinceUs, atUs);
    if (now >= leader.appended) this.waitingSinceUs = undefined;
    else if (now > through || this.waitingSinceUs === undefined) this.waitingSinceUs = atUs;
  }

  /** How much of the time between the two the log stood still. */
  withinUs(fromUs: number, untilUs: number): number {
    let sum = 0;
    let endUs = fromUs;
    for (const span of this.spans) {
      const beginUs = Math.max(span.fromUs, endUs);
      const stopUs = Math.min(span.untilUs, untilUs);
      if (stopUs <= beginUs) continue;
      sum += stopUs - beginUs;
      endUs = stopUs;
    }
    return sum;
  }

  /** How long ago that was, the time not counted in which the log stood still. */
  sinceUs(fromUs: number, nowUs: number): number {
    return nowUs - fromUs - this.withinUs(fromUs, nowUs);
  }

  private note(fromUs: number, untilUs: number): void {
    if (untilUs - fromUs <= noteworthyUs) return;
    this.spans.push({ fromUs, untilUs });
    this.spans.sort((a, b) => a.fromUs - b.fromUs);
  }
}

/** Up to here the entries are committed, and on the leader's disk, where they are applied. */
function throughOf({ persisted, committed }: Leader): number {
  return Math.min(persisted, committed);
}
