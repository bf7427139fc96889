import { checkOf, type Invariant } from "./invariant";

/** A leader has everything that was committed in the terms before its own, whenever that becomes known. */
export const leaderCompletenessInv: Invariant = {
  name: "LeaderCompletenessInv",
  claim: "An entry that is committed is in the log of every leader of a later term than its own.",
  judge({ members, committed }) {
    for (const { role, name, term, memory, owes } of members.values())
      if (role === "leader" && memory.match < owes)
        return `${name} leads term ${term} without entry ${memory.match + 1} of term ${committed.termAt(memory.match + 1)}, which is committed`;
    return undefined;
  },
};

export const raftLeaderCompleteness = checkOf("raft-leader-completeness", leaderCompletenessInv);
