import { type CronSchedule, lastTime, nextTime, parseCron } from "../../protocol/kinds/cron-schedule";
import type { CronJob, CronJobStatus, Job, ObjectReference } from "../../protocol/kinds/generated";
import {
  controllerOf,
  controllerReference,
  isBeingDeleted,
  keyOf,
  objectKey,
  type Stored,
  timeMs,
  timestamp,
} from "../../protocol/kinds/object";
import { localTimestamp, type TimeZone, timeZone, utc } from "../../protocol/kinds/time-zone";
import {
  type Controller,
  count,
  create,
  cronJobs,
  event,
  index,
  jobs,
  nothingToDo,
  type Plan,
  parallel,
  remove,
  type Step,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, controllerIndex } from "./claim";
import { conditionOf } from "./condition";
import { jobCreated } from "./figures";
import { isFinished } from "./job";

/** A little after the minute, so that a clock that is behind does not find nothing to do. */
const lagMs = 100;
const missedMax = 100;

type Cron = Stored<CronJob>;

/** Starts Jobs by the clock. Source: "CronJob" in the documentation. */
export const cronJobController: Controller = {
  name: "cronjob",
  watches: [watch(cronJobs, (cron) => [keyOf(cron)]), watch(jobs, keysOfJob)],
  indexes: [index(jobs, byController, controllerIndex)],
  reconcile(key, view, { nowMs }) {
    const cron = view.of(cronJobs).get(key);
    return cron?.spec ? reconcileCronJob(cron, view, nowMs) : nothingToDo;
  },
};

function keysOfJob(job: Stored<Job>): readonly string[] {
  const controller = controllerOf(job);
  return controller?.kind === "CronJob" ? [objectKey(job.metadata.namespace, controller.name)] : [];
}

function reconcileCronJob(cron: Cron, view: View, nowMs: number): Plan {
  const owned = view.of(jobs).byIndex(byController, cron.metadata.uid);
  const seen = settleActive(cron, owned);
  const cleaning = surplusHistory(cron, owned).map((job) =>
    remove(
      jobs,
      job,
      { propagationPolicy: "Background" },
      { after: (result) => (result.ok ? [event(cron, "Normal", "SuccessfulDelete", `Deleted job ${job.metadata.name}`)] : []) },
    ),
  );
  const tidy: readonly Step[] = [...seen.events, ...(cleaning.length > 0 ? [parallel(cleaning)] : [])];
  const settled = (status: CronJobStatus): readonly Step[] =>
    isSame(status, cron.status ?? {}) ? [] : [updateStatus(cronJobs, { ...cron, status })];
  if (isBeingDeleted(cron) || cron.spec!.suspend) return { steps: [...tidy, ...settled(seen.status)] };

  const schedule = scheduleOf(cron);
  if (typeof schedule === "string")
    return { steps: [...tidy, event(cron, "Warning", "InvalidSchedule", schedule), ...settled(seen.status)] };
  const zone = zoneOf(cron);
  if (!zone) {
    const unknown = `invalid timeZone: ${JSON.stringify(cron.spec!.timeZone)}: unknown time zone ${cron.spec!.timeZone}`;
    return { steps: [...tidy, event(cron, "Warning", "UnknownTimeZone", unknown), ...settled(seen.status)] };
  }
  const next = nextTime(schedule, nowMs, zone);
  const again = next === undefined ? {} : { requeueAfterMs: next - nowMs + lagMs };
  const due = dueTime(cron, schedule, zone, nowMs);
  if (!due) return { steps: [...tidy, ...settled(seen.status)], ...again };
  return { steps: [...tidy, ...start(cron, seen, due, nowMs, settled)], ...again };
}

/** The schedule, or what is wrong with it. */
function scheduleOf({ spec }: Cron): CronSchedule | string {
  const { schedule } = spec!;
  const parsed = parseCron(schedule);
  return parsed.ok ? parsed.schedule : `unparseable schedule: ${schedule} : ${parsed.reason}`;
}

/** The clock that the schedule is read by: that of the controllers, which is UTC, where the CronJob names none. */
const zoneOf = ({ spec }: Cron) => (spec?.timeZone === undefined ? utc : timeZone(spec.timeZone));

interface Active {
  readonly status: CronJobStatus;
  readonly jobs: readonly Stored<Job>[];
  readonly events: readonly Step[];
}

/** The list of active Jobs without those that have ended or are gone, and when one last succeeded. */
function settleActive(cron: Cron, owned: readonly Stored<Job>[]): Active {
  const byUid = new Map(owned.map((job) => [job.metadata.uid, job]));
  const listed = cron.status?.active ?? [];
  const events: Step[] = [];
  let lastSuccess = timeMs(cron.status?.lastSuccessfulTime) ?? 0;
  const running: Stored<Job>[] = [];
  for (const reference of listed) {
    const job = byUid.get(reference.uid ?? "");
    if (!job) events.push(event(cron, "Normal", "MissingJob", `Active job went missing: ${reference.name}`));
    else if (!isFinished(job)) running.push(job);
    else {
      const condition = conditionOf(job.status?.conditions, "Complete")?.status === "True" ? "Complete" : "Failed";
      events.push(event(cron, "Normal", "SawCompletedJob", `Saw completed job: ${job.metadata.name}, condition: ${condition}`));
    }
  }
  for (const job of owned)
    if (conditionOf(job.status?.conditions, "Complete")?.status === "True")
      lastSuccess = Math.max(lastSuccess, timeMs(job.status?.completionTime) ?? 0);
  const { active: _, lastSuccessfulTime: __, ...rest } = cron.status ?? {};
  const status = {
    ...rest,
    ...(running.length > 0 ? { active: running.map(referenceTo) } : {}),
    ...(lastSuccess > 0 ? { lastSuccessfulTime: timestamp(lastSuccess) } : {}),
  };
  return { status, jobs: running, events };
}

function referenceTo(job: Stored<Job>): ObjectReference {
  const { namespace, name, uid, resourceVersion } = job.metadata;
  return { apiVersion: job.apiVersion, kind: job.kind, ...(namespace ? { namespace } : {}), name, uid, resourceVersion };
}

/** Ended Jobs beyond the limits of successes and failures, the oldest first. */
function surplusHistory(cron: Cron, owned: readonly Stored<Job>[]): readonly Stored<Job>[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec!;
  const started = (job: Stored<Job>) => timeMs(job.status?.startTime) ?? 0;
  const ended = (type: string) =>
    owned
      .filter((job) => conditionOf(job.status?.conditions, type)?.status === "True" && !isBeingDeleted(job))
      .sort((a, b) => started(a) - started(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
  const beyond = (list: readonly Stored<Job>[], limit: number) => list.slice(0, Math.max(0, list.length - limit));
  return [...beyond(ended("Complete"), successfulJobsHistoryLimit), ...beyond(ended("Failed"), failedJobsHistoryLimit)];
}

interface Due {
  readonly atMs: number;
  /** Whether startingDeadlineSeconds has passed since. */
  readonly isTooLate: boolean;
  /** Whether more than a hundred times went by without a Job. */
  readonly manyMissed: boolean;
}

/** The last time that came since the last Job was started, if any. */
function dueTime(cron: Cron, schedule: CronSchedule, zone: TimeZone, nowMs: number): Due | undefined {
  const { startingDeadlineSeconds } = cron.spec!;
  const sinceMs = timeMs(cron.status?.lastScheduleTime) ?? timeMs(cron.metadata.creationTimestamp) ?? nowMs;
  const atMs = lastTime(schedule, nowMs, sinceMs, zone);
  if (atMs === undefined) return undefined;
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000;
  let missed = 0;
  const fromMs = deadlineMs === undefined ? sinceMs : Math.max(sinceMs, nowMs - deadlineMs);
  for (let at = nextTime(schedule, fromMs, zone); at !== undefined && at <= nowMs && missed <= missedMax; at = nextTime(schedule, at, zone))
    missed += 1;
  return { atMs, isTooLate: deadlineMs !== undefined && atMs + deadlineMs < nowMs, manyMissed: missed > missedMax };
}

function start(
  cron: Cron,
  { status, jobs: running }: Active,
  due: Due,
  nowMs: number,
  settled: (status: CronJobStatus) => readonly Step[],
): readonly Step[] {
  const steps: Step[] = [];
  if (due.manyMissed)
    steps.push(
      event(
        cron,
        "Warning",
        "TooManyMissedTimes",
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
      ),
    );
  if (due.isTooLate)
    return [
      ...steps,
      event(cron, "Warning", "MissSchedule", `Missed scheduled time to start a job: ${timestamp(due.atMs)}`),
      ...settled(status),
    ];
  if (cron.spec!.concurrencyPolicy === "Forbid" && running.length > 0)
    return [
      ...steps,
      event(cron, "Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid"),
      ...settled(status),
    ];
  const isReplacing = cron.spec!.concurrencyPolicy === "Replace";
  if (isReplacing)
    for (const job of running)
      steps.push(
        remove(
          jobs,
          job,
          { propagationPolicy: "Background" },
          { after: (result) => (result.ok ? [event(cron, "Normal", "SuccessfulDelete", `Deleted job ${job.metadata.name}`)] : []) },
        ),
      );
  const others = isReplacing ? [] : (status.active ?? []);
  const made = jobFor(cron, due.atMs);
  const creating = create(jobs, made, {
    ignore: ["AlreadyExists"],
    after: (result) => {
      const { active: _, ...rest } = status;
      const lastScheduleTime = timestamp(due.atMs);
      // The name says the minute: a Job of this name is the one that was to be started.
      if (!result.ok)
        return result.status.reason === "AlreadyExists"
          ? settled({ ...status, lastScheduleTime })
          : [event(cron, "Warning", "FailedCreate", `Error creating job: ${result.status.message}`)];
      return [
        event(cron, "Normal", "SuccessfulCreate", `Created job ${result.object.metadata.name}`),
        count(jobCreated(due.atMs, nowMs)),
        ...settled({ ...rest, active: [...others, referenceTo(result.object)], lastScheduleTime }),
      ];
    },
  });
  return [...steps, creating];
}

/** Named after the minute it is for, so that it is started once. */
function jobFor(cron: Cron, atMs: number): Job & { readonly metadata: { readonly name: string } } {
  const { metadata, spec } = cron.spec!.jobTemplate;
  return {
    metadata: {
      name: `${cron.metadata.name}-${Math.floor(atMs / 60_000)}`,
      namespace: cron.metadata.namespace ?? "",
      labels: metadata?.labels ?? {},
      annotations: {
        ...metadata?.annotations,
        "batch.kubernetes.io/cronjob-scheduled-timestamp": localTimestamp(zoneOf(cron) ?? utc, atMs),
      },
      ownerReferences: [controllerReference(cron as Stored)],
    },
    ...(spec ? { spec } : {}),
  };
}
