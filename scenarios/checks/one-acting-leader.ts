import type { Check } from "./check";
import { Freezes } from "./freezes";
import { factOf } from "./raft/history";

interface Leader {
  readonly holder: string;
  readonly actor: string;
  readonly host: string;
}

/** A leader that was frozen and wakes up deposed has this long to notice. */
const noticeUs = 1_000_000;

/** Nobody takes over a Lease while its holder still acts on it. */
export const oneActingLeader: Check = {
  name: "one-acting-leader",
  claim:
    "Of the candidates for a leader election Lease at most one acts as the leader, at any time; one that was frozen notices as soon as it wakes up.",
  source: "client-go leaderelection: the renew deadline ends before the lease does",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    const acting = new Map<string, Leader>();
    const freezes = new Freezes();
    /** Leaders that lost their Lease while they were frozen, and until when they may not know it (Infinity while they are frozen). */
    const deposed = new Map<string, Leader & { readonly lease: string; untilUs: number }>();
    let terms = 0;

    const gaveUp = (lease: string, actor: string) => {
      deposed.delete(`${lease} ${actor}`);
      if (acting.get(lease)?.actor === actor) acting.delete(lease);
    };
    return {
      see(event) {
        for (const late of deposed.values())
          if (event.atUs > late.untilUs) return `${late.holder} woke up and goes on leading ${late.lease}, which another has taken`;
        for (const { host } of freezes.see(event))
          for (const leader of deposed.values()) if (leader.host === host) leader.untilUs = event.atUs + noticeUs;
        // One that is frozen anew before it has noticed has its time when it wakes up again.
        for (const leader of deposed.values()) if (freezes.isFrozen(leader.host)) leader.untilUs = Number.POSITIVE_INFINITY;
        if (event.type === "life" && !event.alive) for (const lease of [...acting.keys()]) gaveUp(lease, event.actor);
        if (event.type !== "fact") return undefined;
        const lost = factOf(event, "leader.lost");
        if (lost) gaveUp(String(lost.lease), event.actor);
        const elected = factOf(event, "leader.elected");
        if (!elected) return undefined;
        terms++;
        const lease = String(elected.lease);
        const other = acting.get(lease);
        acting.set(lease, { holder: String(elected.holder), actor: event.actor, host: event.host });
        if (!other || other.actor === event.actor) return undefined;
        if (!freezes.isFrozen(other.host)) return `${String(elected.holder)} leads ${lease}, while ${other.holder} still does`;
        deposed.set(`${lease} ${other.actor}`, { ...other, lease, untilUs: Number.POSITIVE_INFINITY });
        return undefined;
      },
      end: () => ({ detail: `${terms} times a leader took a Lease`, reached: terms }),
    };
  },
};
