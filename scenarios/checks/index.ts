import { acknowledgedWrites } from "./acknowledged-writes";
import type { Check } from "./check";
import { convergence } from "./convergence";
import { deploymentBounds } from "./deployment-bounds";
import { disruptionBudget } from "./disruption-budget";
import { endpointsReady } from "./endpoints-ready";
import { linearizability } from "./linearizability";
import { noOrphans } from "./no-orphans";
import { noPanics } from "./no-panics";
import { nodeCapacity } from "./node-capacity";
import { oneActingLeader } from "./one-acting-leader";
import { podBoundOnce } from "./pod-bound-once";
import { raftCommitted } from "./raft/committed";
import { raftCommittedIsDurable } from "./raft/committed-is-durable";
import { raftElectionSafety } from "./raft/election-safety";
import { raftElectionSafetyInv } from "./raft/election-safety-inv";
import { raftInvariants } from "./raft/invariants";
import { raftLeaderCompleteness } from "./raft/leader-completeness";
import { raftLogInv } from "./raft/log-inv";
import { raftLogMatching } from "./raft/log-matching";
import { raftMoreThanOneLeader } from "./raft/more-than-one-leader";
import { raftMoreUpToDateCorrect } from "./raft/more-up-to-date-correct";
import { raftQuorumLog } from "./raft/quorum-log";
import { raftVoteDurable } from "./raft/vote-durable";
import { serializableReads } from "./serializable-reads";
import { serviceAvailability } from "./service-availability";
import { storeAgreement } from "./store-agreement";
import { watchAtomic } from "./watch/atomic";
import { watchBookmarkable } from "./watch/bookmarkable";
import { watchFilter } from "./watch/filter";
import { watchOrdered } from "./watch/ordered";
import { watchPreviousValue } from "./watch/previous-value";
import { watchReliable } from "./watch/reliable";
import { watchResumable } from "./watch/resumable";
import { watchUnique } from "./watch/unique";

/** Every check, from the log upwards to what users notice. */
export const checks: readonly Check[] = [
  noPanics,
  raftElectionSafety,
  raftLogMatching,
  raftCommitted,
  raftVoteDurable,
  raftInvariants,
  raftLogInv,
  raftMoreThanOneLeader,
  raftElectionSafetyInv,
  raftQuorumLog,
  raftMoreUpToDateCorrect,
  raftLeaderCompleteness,
  raftCommittedIsDurable,
  storeAgreement,
  acknowledgedWrites,
  linearizability,
  serializableReads,
  watchOrdered,
  watchUnique,
  watchReliable,
  watchAtomic,
  watchResumable,
  watchBookmarkable,
  watchPreviousValue,
  watchFilter,
  oneActingLeader,
  podBoundOnce,
  nodeCapacity,
  deploymentBounds,
  disruptionBudget,
  endpointsReady,
  noOrphans,
  serviceAvailability,
  convergence,
];

export function checkNamed(name: string): Check | undefined {
  return checks.find((check) => check.name === name);
}
