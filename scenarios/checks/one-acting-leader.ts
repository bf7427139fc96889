import type { Check } from "./check";
import { factOf } from "./raft-history";

/** Nobody takes over a Lease while its holder still acts on it. */
export const oneActingLeader: Check = {
  name: "one-acting-leader",
  claim: "Of the candidates for a leader election Lease at most one believes that it leads, at any time.",
  source: "client-go leaderelection: the renew deadline ends before the lease does",
  params: {},
  required: [],
  begin() {
    const acting = new Map<string, { readonly holder: string; readonly actor: string }>();
    let terms = 0;
    return {
      see(event) {
        if (event.type === "life" && !event.alive)
          for (const [lease, leader] of acting) if (leader.actor === event.actor) acting.delete(lease);
        if (event.type !== "fact") return undefined;
        const elected = factOf(event, "leader.elected");
        if (elected) {
          terms++;
          const lease = String(elected.lease);
          const other = acting.get(lease);
          acting.set(lease, { holder: String(elected.holder), actor: event.actor });
          if (other && other.actor !== event.actor) return `${String(elected.holder)} leads ${lease}, while ${other.holder} still does`;
        }
        const lost = factOf(event, "leader.lost");
        if (lost && acting.get(String(lost.lease))?.actor === event.actor) acting.delete(String(lost.lease));
        return undefined;
      },
      end: () => ({ detail: `${terms} times a leader took a Lease`, reached: terms }),
    };
  },
};
