import { checkOf, type Invariant } from "./invariant";

/** No election can pass over what is committed. */
export const quorumLogInv: Invariant = {
  name: "QuorumLogInv",
  claim: "Every quorum has a member whose log holds all that is committed.",
  judge(model) {
    const { last } = model.committed;
    const without = model.quorumWithout(last, ({ memory }) => memory);
    return without && `${without.join(" and ")} are a quorum, and none of them has all committed entries up to ${last}`;
  },
};

export const raftQuorumLog = checkOf("raft-quorum-log", quorumLogInv);
