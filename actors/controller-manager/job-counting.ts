import type { Job, JobStatus, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { formatIndexes, indexOf, parseIndexes } from "./job-indexes";

/**
 * Counts each ended pod once, whatever fails between. A pod carries a finalizer until it is counted; its uid is first written into the status as uncounted,
 * then the finalizer is taken off, then the count goes up and the uid out of the list, in one write (kubernetes/kubernetes#105200, #130103).
 */

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

/** How many uids the status takes at once. */
const uncountedMax = 500;

export interface Count {
  /** With those that are not counted yet. */
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  /** The counting part of the status to write. */
  readonly status: Pick<JobStatus, "succeeded" | "failed" | "completedIndexes" | "uncountedTerminatedPods">;
  /** Pods whose finalizers may go once that status is written. */
  readonly release: readonly Stored<Pod>[];
  /** Pods that have failed and were not known to have, those that do not count among them. */
  readonly newlyFailed: readonly Stored<Pod>[];
  /** Whether everything that has ended is counted. */
  readonly isSettled: boolean;
}

export const isTracked = (pod: Pod) => pod.metadata?.finalizers?.includes(trackingFinalizer) ?? false;

/** A pod on its way out will not succeed any more, unless only failed ones are to be replaced. */
export function hasFailed(pod: Stored<Pod>, job: Job): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (job.spec?.podReplacementPolicy === "Failed" || job.spec?.podFailurePolicy !== undefined) return false;
  return isBeingDeleted(pod) && pod.status?.phase !== "Succeeded";
}

/** `isKept` says of a failed pod that it is to be counted later, `isIgnored` that its failure does not count at all. */
export function countPods(
  job: Stored<Job>,
  pods: readonly Stored<Pod>[],
  isKept: (pod: Stored<Pod>) => boolean = () => false,
  isIgnored: (pod: Stored<Pod>) => boolean = () => false,
): Count {
  const status = job.status ?? {};
  const isIndexed = job.spec?.completionMode === "Indexed";
  const held = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid, pod]));
  const uncounted = { succeeded: status.uncountedTerminatedPods?.succeeded ?? [], failed: status.uncountedTerminatedPods?.failed ?? [] };
  // A finalizer that is off has done its work: the uid becomes a number.
  const counted = (uids: readonly string[]) => uids.filter((uid) => !held.has(uid)).length;
  const succeededBefore = (status.succeeded ?? 0) + (isIndexed ? 0 : counted(uncounted.succeeded));
  const failedBefore = (status.failed ?? 0) + counted(uncounted.failed);
  const succeeded = uncounted.succeeded.filter((uid) => held.has(uid));
  const failed = uncounted.failed.filter((uid) => held.has(uid));
  const known = new Set([...succeeded, ...failed]);

  const indexes = new Set(parseIndexes(status.completedIndexes, job.spec?.completions ?? 0));
  const newlyFailed: Stored<Pod>[] = [];
  const release = [...known].map((uid) => held.get(uid)!);
  let waiting = 0;
  for (const pod of held.values()) {
    if (known.has(pod.metadata.uid)) continue;
    const isSuccess = pod.status?.phase === "Succeeded";
    if (!isSuccess && (!hasFailed(pod, job) || isKept(pod))) continue;
    if (succeeded.length + failed.length >= uncountedMax) {
      waiting += 1;
      continue;
    }
    release.push(pod);
    if (!isSuccess) {
      if (!isIgnored(pod)) failed.push(pod.metadata.uid);
      newlyFailed.push(pod);
    } else if (!isIndexed) succeeded.push(pod.metadata.uid);
    else {
      const index = indexOf(pod);
      if (index !== undefined && index < (job.spec?.completions ?? 0)) indexes.add(index);
    }
  }
  const nonEmpty = { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
  const succeededTotal = isIndexed ? indexes.size : succeededBefore + succeeded.length;
  return {
    succeeded: succeededTotal,
    failed: failedBefore + failed.length,
    completedIndexes: indexes,
    status: {
      ...((isIndexed ? indexes.size : succeededBefore) > 0 ? { succeeded: isIndexed ? indexes.size : succeededBefore } : {}),
      ...(failedBefore > 0 ? { failed: failedBefore } : {}),
      ...(indexes.size > 0 ? { completedIndexes: formatIndexes(indexes) } : {}),
      uncountedTerminatedPods: nonEmpty,
    },
    release,
    newlyFailed,
    isSettled: release.length === 0 && waiting === 0 && succeeded.length + failed.length === 0,
  };
}
