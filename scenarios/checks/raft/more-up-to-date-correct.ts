import { checkOf, type Invariant } from "./invariant";
import type { MemberModel } from "./model";

/** The comparison by which votes are given (section 5.4.1) is right. */
export const moreUpToDateCorrectInv: Invariant = {
  name: "MoreUpToDateCorrectInv",
  claim: "A log that is at least as up to date as another holds everything that the other's member knows to be committed.",
  judge({ members }, moved) {
    for (const other of members.values()) {
      const wrong = lacks(moved, other) ?? lacks(other, moved);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  },
};

function lacks(one: MemberModel, other: MemberModel): string | undefined {
  if (one === other || one.memory.match >= other.commit || !one.memory.isAtLeastUpToDate(other.memory)) return undefined;
  const { lastIndex, lastTerm } = one.memory;
  return `the log of ${one.name} ends with entry ${lastIndex} of term ${lastTerm}, so ${other.name} would vote for it, but it lacks entry ${one.memory.match + 1}, and ${other.name} knows that it is committed`;
}

export const raftMoreUpToDateCorrect = checkOf("raft-more-up-to-date-correct", moreUpToDateCorrectInv);
