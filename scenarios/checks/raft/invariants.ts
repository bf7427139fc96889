import type { Check } from "../check";
import { committedIsDurableInv } from "./committed-is-durable";
import { electionSafetyInv } from "./election-safety-inv";
import { invariantCheck } from "./invariant";
import { leaderCompletenessInv } from "./leader-completeness";
import { logInv } from "./log-inv";
import { raftLogMatching } from "./log-matching";
import { moreThanOneLeaderInv } from "./more-than-one-leader";
import { moreUpToDateCorrectInv } from "./more-up-to-date-correct";
import { quorumLogInv } from "./quorum-log";

const overOneModel = invariantCheck("", "", [
  logInv,
  moreThanOneLeaderInv,
  electionSafetyInv,
  quorumLogInv,
  moreUpToDateCorrectInv,
  leaderCompletenessInv,
  committedIsDurableInv,
]);

/** All eight together, over one model: what a scenario names that does not study one of them. */
export const raftInvariants: Check = {
  name: "raft-invariants",
  claim: "All invariants of the specification of etcd's Raft hold after each step of each member; each is also a check by itself.",
  source: `LogMatchingInv, ${overOneModel.source}`,
  params: {},
  required: [],
  begin(params) {
    const model = overOneModel.begin(params);
    const matching = raftLogMatching.begin(params);
    return {
      see(event) {
        const wrong = matching.see(event);
        return wrong === undefined ? model.see(event) : `LogMatchingInv: ${wrong}`;
      },
      end: (final) => model.end(final),
    };
  },
};
