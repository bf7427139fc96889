import type { Job, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { hasFailed, isTracked } from "./job-counting";
import { indexOf, parseIndexes } from "./job-indexes";
import { failureVerdict } from "./job-policies";
import { isPodActive } from "./pod-state";

/** Failures that are counted for each index of its own: backoffLimitPerIndex. Source: "Jobs" in the documentation, backoff limit per index. */

export const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
export const ignoredCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

export interface IndexFailures {
  /** The indexes that are given up. */
  readonly failed: ReadonlySet<number>;
  /**
   * The last failed pod of each index that is to have another: it is kept, uncounted, until its successor exists, because it alone knows how often the
   * index has failed.
   */
  readonly last: ReadonlyMap<number, Stored<Pod>>;
}

/** Undefined for a Job without backoffLimitPerIndex. */
export function indexFailures(job: Stored<Job>, owned: readonly Stored<Pod>[], succeeded: ReadonlySet<number>): IndexFailures | undefined {
  const { backoffLimitPerIndex: limit, completions = 0, completionMode } = job.spec ?? {};
  if (limit === undefined || completionMode !== "Indexed") return undefined;
  const failed = new Set(parseIndexes(job.status?.failedIndexes, completions));
  const last = new Map<number, Stored<Pod>>();
  const busy = new Set<number>();
  for (const pod of owned) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions) continue;
    if (isPodActive(pod)) busy.add(index);
    if (!hasFailed(pod, job)) continue;
    const action = failureVerdict(job.spec?.podFailurePolicy, pod)?.action;
    if (action === "FailIndex" || (action !== "Ignore" && countOf(pod, failureCountAnnotation) >= limit)) failed.add(index);
    const before = last.get(index);
    if (isTracked(pod) && (before === undefined || failuresOf(before) < failuresOf(pod))) last.set(index, pod);
  }
  for (const index of [...last.keys()]) if (failed.has(index) || succeeded.has(index) || busy.has(index)) last.delete(index);
  return { failed, last };
}

/** The annotations of the pod that takes the place of `last`, or is the first at its index. */
export function failureCounts(job: Stored<Job>, last: Stored<Pod> | undefined): Readonly<Record<string, string>> {
  const isIgnored = last !== undefined && failureVerdict(job.spec?.podFailurePolicy, last)?.action === "Ignore";
  const failures = last === undefined ? 0 : countOf(last, failureCountAnnotation) + (isIgnored ? 0 : 1);
  const ignored = last === undefined ? 0 : countOf(last, ignoredCountAnnotation) + (isIgnored ? 1 : 0);
  return { [failureCountAnnotation]: String(failures), ...(ignored > 0 ? { [ignoredCountAnnotation]: String(ignored) } : {}) };
}

/** How often the index has failed once this pod has, whether that counts or not. */
export const failuresOf = (pod: Pod) => countOf(pod, failureCountAnnotation) + countOf(pod, ignoredCountAnnotation) + 1;

function countOf(pod: Pod, annotation: string): number {
  const text = pod.metadata?.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}
