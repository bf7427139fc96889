import type { Job, JobCondition, JobStatus, Pod } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, keyOf, objectKey, type Stored, timeMs, timestamp } from "../../protocol/kinds/object";
import {
  attempt,
  type Controller,
  count as counted,
  event,
  index,
  jobs,
  nothingToDo,
  type Plan,
  parallel,
  pods,
  type Step,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, claim, controllerIndex } from "./claim";
import { conditionOf, withCondition } from "./condition";
import { type JobAction, jobCounted, jobSynced } from "./figures";
import { type Count, countPods, hasFailed, isTracked, trackingFinalizer } from "./job-counting";
import { failuresOf, type IndexFailures, indexFailures } from "./job-index-failures";
import { formatIndexes, indexOf, pendingIndexes, succeededIndexes } from "./job-indexes";
import { createPod, deletePod, releaseOrphans, releasePod, trackedOf } from "./job-pods";
import { failureVerdict, fulfilledRule } from "./job-policies";
import { isPodActive, isPodReady, isPodTerminal } from "./pod-state";
import { deletionOrder } from "./replicaset-deletion-order";

/** More pods are not made or deleted in one go. */
const podsPerSyncMax = 500;
/** How soon to look again when the cache of pods lags behind that of Jobs. */
const behindMs = 1000;
const backoffMs = 10_000;
const backoffMaxMs = 600_000;

/** Failures without a success between them, and when the last was. */
interface Memory {
  readonly failures: number;
  readonly lastMs: number;
  /** The uids of pods among them whose failure the Job ignores. */
  readonly ignored: readonly string[];
}

/** Runs the pods of a Job to completion. Source: "Jobs" in the documentation. */
export const jobController: Controller = {
  name: "job",
  watches: [watch(jobs, (job) => [keyOf(job)]), watch(pods, keysOfPod)],
  indexes: [index(pods, byController, controllerIndex), index(pods, trackedOf, (pod) => (isTracked(pod) ? jobKeysOf(pod) : []))],
  reconcile(key, view, { nowMs }, memory) {
    const job = view.of(jobs).get(key);
    if (!job?.spec) return { steps: releaseOrphans(key, view), memory: null };
    return isOurs(job) ? reconcileJob(job, view, nowMs, memory as Memory | undefined) : nothingToDo;
  },
};

function jobKeysOf(pod: Stored<Pod>): readonly string[] {
  const controller = controllerOf(pod);
  return controller?.kind === "Job" ? [objectKey(pod.metadata.namespace, controller.name)] : [];
}

function keysOfPod(pod: Stored<Pod>, view: View): readonly string[] {
  if (controllerOf(pod)) return jobKeysOf(pod);
  return view
    .of(jobs)
    .byIndex("namespace", pod.metadata.namespace ?? "")
    .filter((job) => matchesLabelSelector(job.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

/** A Job may be left to another controller. */
const isOurs = ({ spec }: Job) => spec?.managedBy === undefined || spec.managedBy === "kubernetes.io/job-controller";

/** What a Job was decided to be: going on, put off, or about to end one way or the other. */
type Course =
  | { readonly type: "running" | "suspended" }
  | { readonly type: "complete" | "failed"; readonly reason: string; readonly message: string };

function reconcileJob(job: Stored<Job>, view: View, nowMs: number, memory: Memory | undefined): Plan {
  const spec = job.spec!;
  const { owned, steps: claims } = claim(
    view,
    job,
    jobs,
    pods,
    spec.selector ?? { matchLabels: { "batch.kubernetes.io/controller-uid": job.metadata.uid } },
    undefined,
    trackingFinalizer,
  );
  if (isFinished(job)) return { steps: owned.filter(isTracked).map(releasePod), memory: null };

  // Uids in the status may be of pods that this cache has not heard of yet; to take those for gone would count them twice.
  const { uncountedTerminatedPods: uncounted } = job.status ?? {};
  const isBehind =
    view.seen(pods) < Number(job.metadata.resourceVersion) &&
    ((uncounted?.succeeded?.length ?? 0) > 0 || (uncounted?.failed?.length ?? 0) > 0);
  if (isBehind) return { steps: [], requeueAfterMs: behindMs };
  const isIgnored = (pod: Stored<Pod>) => failureVerdict(spec.podFailurePolicy, pod)?.action === "Ignore";
  const failures = indexFailures(job, owned, succeededIndexes(job, owned));
  const all = countPods(job, owned, undefined, isIgnored);
  const active = owned.filter(isPodActive);
  const course = courseOf(job, all, failures, owned, nowMs);
  const isKept = (pod: Stored<Pod>) => course.type === "running" && failures?.last.get(indexOf(pod) ?? -1) === pod;
  const count = failures ? countPods(job, owned, isKept, isIgnored) : all;
  const remembered = rememberFailures(count, isIgnored, job, memory, nowMs);
  const { steps, waitMs } = isBeingDeleted(job)
    ? { steps: [], waitMs: undefined }
    : manage(job, course, count, failures, active, owned, remembered, nowMs);
  const status = statusOf(job, course, count, failures, owned, nowMs);
  const written = isSame(status, job.status ?? {})
    ? []
    : [
        updateStatus(
          jobs,
          { ...job, status },
          { after: (result) => (result.ok ? [...announce(job, status), ...jobCounted(job, status).map((each) => counted(each))] : []) },
        ),
      ];
  const record = attempt([...claims, ...steps], () => [
    ...written,
    ...(count.release.length > 0 ? [parallel(count.release.map(releasePod))] : []),
  ]);
  const deadlineMs =
    course.type === "running" && spec.activeDeadlineSeconds !== undefined
      ? (timeMs(status.startTime) ?? nowMs) + spec.activeDeadlineSeconds * 1000 - nowMs
      : undefined;
  const againMs = Math.min(waitMs ?? Number.POSITIVE_INFINITY, deadlineMs ?? Number.POSITIVE_INFINITY);
  const ended = (ok: boolean, tookMs: number) => jobSynced(job, actionOf(steps, count.release.length > 0), ok, tookMs);
  return {
    steps: [record],
    memory: remembered,
    ended,
    ...(againMs < Number.POSITIVE_INFINITY ? { requeueAfterMs: Math.max(1, againMs) } : {}),
  };
}

/** What the figures say that a round does: making and deleting pods come before counting those that are over. */
function actionOf(steps: readonly Step[], counts: boolean): JobAction {
  const does = (what: Step["do"]): boolean =>
    steps.some((step) => step.do === what || (step.do === "parallel" && step.steps.some((inner) => inner.do === what)));
  return does("create") ? "pods_created" : does("delete") ? "pods_deleted" : counts ? "tracking" : "reconciling";
}

export function isFinished(job: Job): boolean {
  return ["Complete", "Failed"].some((type) => conditionOf(job.status?.conditions, type)?.status === "True");
}

function courseOf(
  job: Stored<Job>,
  count: Count,
  failures: IndexFailures | undefined,
  owned: readonly Stored<Pod>[],
  nowMs: number,
): Course {
  const { completions, suspend, backoffLimit = 6, activeDeadlineSeconds, template, podFailurePolicy, successPolicy } = job.spec!;
  const active = owned.filter(isPodActive);
  const decided = job.status?.conditions?.find(
    ({ type, status }) => status === "True" && (type === "FailureTarget" || type === "SuccessCriteriaMet"),
  );
  if (decided)
    return { type: decided.type === "FailureTarget" ? "failed" : "complete", reason: decided.reason ?? "", message: decided.message ?? "" };
  const fatal = podFailurePolicy
    ? owned
        .filter((pod) => hasFailed(pod, job))
        .map((pod) => failureVerdict(podFailurePolicy, pod))
        .find((verdict) => verdict?.action === "FailJob")
    : undefined;
  if (fatal) return { type: "failed", reason: "PodFailurePolicy", message: fatal.message };
  const restarts = template.spec?.restartPolicy === "OnFailure" ? active.reduce((sum, pod) => sum + restartsOf(pod), 0) : 0;
  if (count.failed > backoffLimit || (restarts > 0 && restarts >= backoffLimit))
    return { type: "failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  const startedMs = timeMs(job.status?.startTime);
  if (!suspend && activeDeadlineSeconds !== undefined && startedMs !== undefined && nowMs - startedMs >= activeDeadlineSeconds * 1000)
    return { type: "failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  const givenUp = failures?.failed.size ?? 0;
  if (job.spec!.maxFailedIndexes !== undefined && givenUp > job.spec!.maxFailedIndexes)
    return {
      type: "failed",
      reason: "MaxFailedIndexesExceeded",
      message: "Job has exceeded the specified maximal number of failed indexes",
    };
  if (givenUp > 0 && givenUp + count.completedIndexes.size >= completions!)
    return { type: "failed", reason: "FailedIndexes", message: "Job has failed indexes" };
  const rule = fulfilledRule(successPolicy, job, count.completedIndexes);
  if (rule !== undefined) return { type: "complete", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  const isDone = completions === undefined ? count.succeeded > 0 && active.length === 0 : count.succeeded >= completions;
  if (isDone) return { type: "complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
  return { type: suspend ? "suspended" : "running" };
}

const restartsOf = (pod: Pod) => (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + (status.restartCount ?? 0), 0);

interface Management {
  readonly steps: readonly Step[];
  /** How long until pods may be made again. */
  readonly waitMs: number | undefined;
}

function manage(
  job: Stored<Job>,
  course: Course,
  count: Count,
  failures: IndexFailures | undefined,
  active: readonly Stored<Pod>[],
  owned: readonly Stored<Pod>[],
  memory: Memory,
  nowMs: number,
): Management {
  if (course.type !== "running")
    return { steps: active.length > 0 ? [parallel(active.map((pod) => deletePod(job, pod)))] : [], waitMs: undefined };
  const { parallelism = 1, completions, completionMode, podReplacementPolicy, podFailurePolicy } = job.spec!;
  const onlyFailed = podReplacementPolicy === "Failed" || podFailurePolicy !== undefined;
  const terminating = onlyFailed ? owned.filter((pod) => isBeingDeleted(pod) && !isPodTerminal(pod)) : [];
  const wanted =
    completions === undefined ? (count.succeeded > 0 ? active.length : parallelism) : Math.min(completions - count.succeeded, parallelism);
  if (active.length > wanted) {
    const surplus = deletionOrder(active, active, nowMs).slice(0, active.length - wanted);
    return { steps: [parallel(surplus.slice(0, podsPerSyncMax).map((pod) => deletePod(job, pod)))], waitMs: undefined };
  }
  const missing = Math.min(wanted - active.length - terminating.length, podsPerSyncMax);
  if (missing <= 0) return { steps: [], waitMs: undefined };
  const waitMs = failures || memory.failures === 0 ? 0 : memory.lastMs + backOffMs(memory.failures) - nowMs;
  if (waitMs > 0) return { steps: [], waitMs };
  if (completionMode !== "Indexed") {
    const creations = Array.from({ length: missing }, () => createPod(job, undefined));
    return { steps: [parallel(creations, true)], waitMs: undefined };
  }
  const taken = new Set([...active, ...terminating].map((pod) => indexOf(pod)).filter((at) => at !== undefined));
  const over = failures ? new Set([...count.completedIndexes, ...failures.failed]) : count.completedIndexes;
  const indexes = pendingIndexes(completions ?? 0, over, taken, missing);
  const waits = indexes.map((at) => indexWaitMs(failures?.last.get(at), nowMs));
  const due = indexes.filter((_, at) => waits[at]! <= 0);
  const creations = due.map((at) => createPod(job, at, failures?.last.get(at)));
  const later = waits.filter((ms) => ms > 0);
  return {
    steps: creations.length > 0 ? [parallel(creations, true)] : [],
    waitMs: later.length > 0 ? Math.min(...later) : undefined,
  };
}

const backOffMs = (failures: number) => Math.min(backoffMs * 2 ** Math.min(failures - 1, 20), backoffMaxMs);

/** How long until an index whose last pod failed may have another. */
function indexWaitMs(last: Stored<Pod> | undefined, nowMs: number): number {
  return last === undefined ? 0 : (endedMs(last) ?? nowMs) + backOffMs(failuresOf(last)) - nowMs;
}

function rememberFailures(
  count: Count,
  isIgnored: (pod: Stored<Pod>) => boolean,
  job: Job,
  memory: Memory | undefined,
  nowMs: number,
): Memory {
  const before = memory ?? { failures: 0, lastMs: 0, ignored: [] };
  const hasSucceeded = count.succeeded > (job.status?.succeeded ?? 0) + (job.status?.uncountedTerminatedPods?.succeeded?.length ?? 0);
  // What does not count stands in no status, so that it has to be remembered until its finalizer is off.
  const ignored = count.newlyFailed.filter(isIgnored).map(({ metadata }) => metadata.uid);
  const failed = count.newlyFailed.filter(({ metadata }) => !before.ignored.includes(metadata.uid));
  if (hasSucceeded && failed.length === 0) return { failures: 0, lastMs: 0, ignored };
  if (failed.length === 0) return { ...before, ignored };
  const ends = failed.map((pod) => endedMs(pod) ?? nowMs);
  return { failures: (hasSucceeded ? 0 : before.failures) + failed.length, lastMs: Math.max(before.lastMs, ...ends), ignored };
}

/** When the last container of a pod ended, or when the pod began to be deleted. */
function endedMs(pod: Stored<Pod>): number | undefined {
  const ends = (pod.status?.containerStatuses ?? [])
    .map(({ state }) => timeMs(state?.terminated?.finishedAt))
    .filter((at) => at !== undefined);
  return ends.length > 0 ? Math.max(...ends) : timeMs(pod.metadata.deletionTimestamp);
}

function statusOf(
  job: Stored<Job>,
  course: Course,
  count: Count,
  failures: IndexFailures | undefined,
  owned: readonly Stored<Pod>[],
  nowMs: number,
): JobStatus {
  const active = owned.filter(isPodActive);
  const terminating = owned.filter((pod) => isBeingDeleted(pod) && !isPodTerminal(pod)).length;
  const { completedIndexes: _, succeeded: __, failed: ___, ...before } = job.status ?? {};
  const isOver = active.length === 0 && terminating === 0 && count.isSettled;
  let conditions: readonly JobCondition[] = before.conditions ?? [];
  const enter = (type: string, status: "True" | "False", reason: string, message: string) => {
    const stamp = conditionOf(conditions, type)?.lastProbeTime ?? timestamp(nowMs);
    conditions = withCondition(conditions, { type, status, reason, message, lastProbeTime: stamp }, nowMs);
  };
  if (course.type === "complete" || course.type === "failed") {
    enter(course.type === "complete" ? "SuccessCriteriaMet" : "FailureTarget", "True", course.reason, course.message);
    if (isOver) enter(course.type === "complete" ? "Complete" : "Failed", "True", course.reason, course.message);
  } else if (course.type === "suspended") enter("Suspended", "True", "JobSuspended", "Job suspended");
  else if (conditionOf(conditions, "Suspended")?.status === "True") enter("Suspended", "False", "JobResumed", "Job resumed");
  const wasSuspended = conditionOf(before.conditions, "Suspended")?.status === "True";
  const startTime = course.type === "suspended" ? undefined : ((wasSuspended ? undefined : before.startTime) ?? timestamp(nowMs));
  const { startTime: ____, active: _____, ready: ______, conditions: _______, ...kept } = before;
  return {
    ...kept,
    ...count.status,
    ...(failures ? { failedIndexes: formatIndexes(failures.failed) } : {}),
    ...(active.length > 0 ? { active: active.length } : {}),
    ready: active.filter(isPodReady).length,
    terminating,
    ...(startTime ? { startTime } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(course.type === "complete" && isOver ? { completionTime: before.completionTime ?? timestamp(nowMs) } : {}),
  };
}

/** The events that go with conditions that are new. */
function announce(job: Stored<Job>, status: JobStatus): readonly Step[] {
  const isNew = (type: string, value = "True") =>
    conditionOf(status.conditions, type)?.status === value && conditionOf(job.status?.conditions, type)?.status !== value;
  const steps: Step[] = [];
  if (isNew("Complete")) steps.push(event(job, "Normal", "Completed", "Job completed"));
  const failure = conditionOf(status.conditions, "FailureTarget");
  if (isNew("FailureTarget")) steps.push(event(job, "Warning", failure!.reason ?? "", failure!.message ?? ""));
  if (isNew("Suspended")) steps.push(event(job, "Normal", "Suspended", "Job suspended"));
  if (conditionOf(job.status?.conditions, "Suspended") && isNew("Suspended", "False"))
    steps.push(event(job, "Normal", "Resumed", "Job resumed"));
  return steps;
}
