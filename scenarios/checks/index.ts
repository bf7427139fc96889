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
import { raftCommitted } from "./raft-committed";
import { raftElectionSafety } from "./raft-election-safety";
import { raftLogMatching } from "./raft-log-matching";
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
