import { checkOf, type Invariant } from "./invariant";

/** No two members lead in one term at one time. */
export const moreThanOneLeaderInv: Invariant = {
  name: "MoreThanOneLeaderInv",
  claim: "At no time do two members lead in the same term.",
  judge({ members }, moved) {
    if (moved.role !== "leader") return undefined;
    for (const other of members.values())
      if (other !== moved && other.role === "leader" && other.term === moved.term)
        return `${other.name} and ${moved.name} both lead in term ${moved.term}`;
    return undefined;
  },
};

export const raftMoreThanOneLeader = checkOf("raft-more-than-one-leader", moreThanOneLeaderInv);
