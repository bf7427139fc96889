import type { Job, JobStatus, StatefulSet } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Family, Measure } from "../client";
import { exponentialBuckets } from "../metrics/registry";
import { conditionOf } from "./condition";

/**
 * What controllers count beside their queues, under kube-controller-manager's names. Compared with the metrics.go of kubernetes' pkg/controller/job, cronjob and
 * nodelifecycle, by its list of stable metrics.
 */
const syncLabels = ["completion_mode", "result", "action"];
const jobSyncs: Family = { name: "job_controller_job_syncs_total", help: "Rounds of work on a Job.", labels: syncLabels };
const jobSyncDurations: Family = {
  name: "job_controller_job_sync_duration_seconds",
  help: "How long a round of work on a Job took.",
  labels: syncLabels,
  bounds: exponentialBuckets(0.004, 2, 15),
};
const jobsFinished: Family = {
  name: "job_controller_jobs_finished_total",
  help: "Jobs that are over.",
  labels: ["completion_mode", "result", "reason"],
};
const jobPodsFinished: Family = {
  name: "job_controller_job_pods_finished_total",
  help: "Pods of Jobs that are over and counted.",
  labels: ["completion_mode", "result"],
};
const creationSkew: Family = {
  name: "cronjob_controller_job_creation_skew_duration_seconds",
  help: "From the time for which a Job was planned to its creation.",
  labels: [],
  bounds: exponentialBuckets(1, 2, 10),
};
const evictions: Family = { name: "node_collector_evictions_total", help: "Nodes that were to be emptied, by zone.", labels: ["zone"] };

const setLabels = ["statefulset_namespace", "statefulset_name", "pod_management_policy"];
const maxUnavailable: Family = {
  ...{ name: "statefulset_controller_statefulset_max_unavailable", labels: setLabels, isGauge: true },
  help: "Pods of a StatefulSet that a rolling update may have unavailable.",
};
const unavailableReplicas: Family = {
  ...{ name: "statefulset_controller_statefulset_unavailable_replicas", labels: setLabels, isGauge: true },
  help: "Pods of a StatefulSet that are missing or not available.",
};

/** What a round of work on a Job did for the most part. */
export type JobAction = "reconciling" | "tracking" | "pods_created" | "pods_deleted";

const modeOf = ({ spec }: Job) => spec?.completionMode ?? "NonIndexed";

export function jobSynced(job: Job, action: JobAction, ok: boolean, tookMs: number): readonly Measure[] {
  const labels = [modeOf(job), ok ? "success" : "error", action];
  return [
    { family: jobSyncs, labels, value: 1 },
    { family: jobSyncDurations, labels, value: tookMs / 1000 },
  ];
}

/** What there is to count about a Job whose status is now that one. */
export function jobCounted(job: Job, status: JobStatus): readonly Measure[] {
  const mode = modeOf(job);
  const measures: Measure[] = [];
  for (const result of ["succeeded", "failed"] as const) {
    const value = (status[result] ?? 0) - (job.status?.[result] ?? 0);
    if (value > 0) measures.push({ family: jobPodsFinished, labels: [mode, result], value });
  }
  const ends = [
    ["Complete", "succeeded"],
    ["Failed", "failed"],
  ] as const;
  for (const [type, result] of ends) {
    const now = conditionOf(status.conditions, type);
    if (now?.status === "True" && conditionOf(job.status?.conditions, type)?.status !== "True")
      measures.push({ family: jobsFinished, labels: [mode, result, now.reason ?? ""], value: 1 });
  }
  return measures;
}

/** How a StatefulSet stands. */
export function statefulSetCounted(
  { metadata, spec }: Stored<StatefulSet>,
  mostUnavailable: number,
  unavailable: number,
): readonly Measure[] {
  const labels = [metadata.namespace ?? "", metadata.name, spec?.podManagementPolicy ?? "OrderedReady"];
  return [
    { family: maxUnavailable, labels, value: mostUnavailable },
    { family: unavailableReplicas, labels, value: unavailable },
  ];
}

/** A StatefulSet, "namespace/name", is not there any more. */
export function statefulSetGone(key: string): readonly Measure[] {
  const lines = ["OrderedReady", "Parallel"].map((policy) => [...key.split("/"), policy]);
  return lines.flatMap((labels) =>
    [maxUnavailable, unavailableReplicas].map((family): Measure => ({ family, labels, value: 0, isGone: true })),
  );
}

/** A CronJob's Job was made so late. */
export function jobCreated(plannedMs: number, nowMs: number): Measure {
  return { family: creationSkew, labels: [], value: Math.max(0, nowMs - plannedMs) / 1000 };
}

/** A node of that zone is to be emptied. */
export function nodeEvicted(zone: string): Measure {
  return { family: evictions, labels: [zone], value: 1 };
}
