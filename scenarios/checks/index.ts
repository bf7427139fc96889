import { acknowledgedWrites } from "./acknowledged-writes";
import { apiWatchBookmarks } from "./api-watch/bookmarks";
import { apiWatchComplete } from "./api-watch/complete";
import { apiWatchOrdered } from "./api-watch/ordered";
import { apiWatchPrompt } from "./api-watch/prompt";
import { boundToLivingNode } from "./bound-to-living-node";
import type { Check } from "./check";
import { claimsInUse } from "./claims-in-use";
import { clientNeverBack } from "./client-never-back";
import { convergence } from "./convergence";
import { daemonsetPods } from "./daemonset-pods";
import { deploymentBounds } from "./deployment-bounds";
import { disruptionBudget } from "./disruption-budget";
import { endpointsReady } from "./endpoints-ready";
import { etcdAvailability } from "./etcd-availability";
import { evictionStorm } from "./eviction-storm";
import { jobCompletions } from "./job-completions";
import { leaseLife } from "./lease-life";
import { legitimateLoss } from "./legitimate-loss";
import { linearizability } from "./linearizability";
import { memberChanges } from "./member-changes";
import { namespaceDeletion } from "./namespace-deletion";
import { noOrphans } from "./no-orphans";
import { noPanics } from "./no-panics";
import { noStrayContainers } from "./no-stray-containers";
import { nodeCapacity } from "./node-capacity";
import { oneActingLeader } from "./one-acting-leader";
import { oneContainerInstance } from "./one-container-instance";
import { oneLivePod } from "./one-live-pod";
import { podBoundOnce } from "./pod-bound-once";
import { preceded } from "./preceded";
import { preemption } from "./preemption";
import { progress } from "./progress";
import { raftAppliedDurable } from "./raft/applied-durable";
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
import { raftStableLeader } from "./raft/stable-leader";
import { raftVoteDurable } from "./raft/vote-durable";
import { referenceUpdates } from "./reference-updates";
import { replicaBounds } from "./replica-bounds";
import { revisionHash } from "./revision-hash";
import { rolloutAvailability } from "./rollout-availability";
import { sameAsReference } from "./same-as-reference";
import { scaleDownOrder } from "./scale-down-order";
import { serializableReads } from "./serializable-reads";
import { serviceAvailability } from "./service-availability";
import { serviceRecovery } from "./service-recovery";
import { steadyState } from "./steady-state";
import { storeAgreement } from "./store-agreement";
import { bankTotal } from "./txn/bank-total";
import { counterBounds } from "./txn/counter-bounds";
import { electionSafety } from "./txn/election-safety";
import { listAppend } from "./txn/list-append";
import { lockExclusion } from "./txn/lock-exclusion";
import { setFull } from "./txn/set-full";
import { watchAtomic } from "./watch/atomic";
import { watchBookmarkable } from "./watch/bookmarkable";
import { watchFilter } from "./watch/filter";
import { watchIsCreate } from "./watch/is-create";
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
  raftAppliedDurable,
  raftStableLeader,
  memberChanges,
  storeAgreement,
  revisionHash,
  acknowledgedWrites,
  legitimateLoss,
  linearizability,
  serializableReads,
  setFull,
  listAppend,
  counterBounds,
  bankTotal,
  leaseLife,
  lockExclusion,
  electionSafety,
  etcdAvailability,
  watchOrdered,
  watchUnique,
  watchReliable,
  watchAtomic,
  watchResumable,
  watchBookmarkable,
  watchPreviousValue,
  watchIsCreate,
  watchFilter,
  apiWatchOrdered,
  apiWatchComplete,
  apiWatchBookmarks,
  apiWatchPrompt,
  clientNeverBack,
  oneActingLeader,
  podBoundOnce,
  boundToLivingNode,
  nodeCapacity,
  oneLivePod,
  claimsInUse,
  oneContainerInstance,
  preemption,
  replicaBounds,
  daemonsetPods,
  jobCompletions,
  deploymentBounds,
  rolloutAvailability,
  scaleDownOrder,
  disruptionBudget,
  evictionStorm,
  endpointsReady,
  noOrphans,
  noStrayContainers,
  namespaceDeletion,
  serviceAvailability,
  serviceRecovery,
  steadyState,
  preceded,
  progress,
  convergence,
  sameAsReference,
  referenceUpdates,
];

export function checkNamed(name: string): Check | undefined {
  return checks.find((check) => check.name === name);
}
