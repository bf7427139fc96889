import { checkOf, type Invariant } from "./invariant";

/** Entries of a term come from its leader alone, so nobody has more of them than the leader. */
export const electionSafetyInv: Invariant = {
  name: "ElectionSafetyInv",
  claim: "No member's log has an entry of a leader's term that lies behind the leader's own last one.",
  judge({ members }, moved) {
    for (const leader of members.values()) {
      if (leader.role !== "leader" || moved.memory.lastTerm !== leader.term || moved === leader) continue;
      const own = leader.memory.lastTerm === leader.term ? leader.memory.lastIndex : 0;
      if (moved.memory.lastIndex > own)
        return `${moved.name} has entry ${moved.memory.lastIndex} of term ${leader.term}, and ${leader.name}, which leads it, only ${own}`;
    }
    return undefined;
  },
};

export const raftElectionSafetyInv = checkOf("raft-election-safety-inv", electionSafetyInv);
