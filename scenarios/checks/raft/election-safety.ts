import type { Check } from "../check";
import { factOf } from "./history";

/** At most one leader is elected in a term, because no member votes for two candidates in one. */
export const raftElectionSafety: Check = {
  name: "raft-election-safety",
  claim: "A term has at most one leader, and a member votes for at most one candidate in it, across its crashes.",
  source: "Raft (extended version), figure 3, Election Safety; section 5.2",
  params: {},
  required: [],
  begin() {
    const leaders = new Map<number, string>();
    const votes = new Map<string, string>();
    return {
      see(event) {
        if (event.type !== "fact") return undefined;
        const led = factOf(event, "raft.leader");
        if (led) {
          const term = led.term as number;
          const other = leaders.get(term);
          leaders.set(term, event.actor);
          if (other !== undefined && other !== event.actor) return `term ${term} has two leaders: ${other} and ${event.actor}`;
        }
        const voted = factOf(event, "raft.voted");
        if (voted) {
          const ballot = `${event.actor} in term ${String(voted.term)}`;
          const candidate = String(voted.candidate);
          const other = votes.get(ballot);
          votes.set(ballot, candidate);
          if (candidate !== "" && other !== undefined && other !== "" && other !== candidate)
            return `${ballot} voted for ${other} and for ${candidate}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${leaders.size} terms with a leader, ${votes.size} votes`, reached: leaders.size }),
    };
  },
};
