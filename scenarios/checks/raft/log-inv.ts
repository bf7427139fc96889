import { checkOf, type Invariant } from "./invariant";

/** Committed entries never conflict between members. */
export const logInv: Invariant = {
  name: "LogInv",
  claim: "What two members know to be committed never conflicts: one is the beginning of the other.",
  judge({ conflict, committed }) {
    if (!conflict) return undefined;
    const { index, term, member } = conflict;
    return `${member} holds entry ${index} of term ${term} for committed, and another member the one of term ${committed.termAt(index)}`;
  },
};

export const raftLogInv = checkOf("raft-log-inv", logInv);
