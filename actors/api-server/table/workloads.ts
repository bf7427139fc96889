import { humanDuration } from "../../../protocol/kinds/duration";
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from "../../../protocol/kinds/generated";
import { humanAge } from "./age";
import { age, integer, name, type Printer, text, wide } from "./column";
import { containerColumns, labelsText, none, selectorText } from "./phrases";

export const deploymentPrinter: Printer<Deployment> = {
  columns: [
    name(),
    text("Ready", "Pods that are ready, of those wanted.", (d) => `${d.status?.readyReplicas ?? 0}/${d.spec?.replicas ?? 1}`),
    integer("Up-to-date", "Pods made from the current template.", (d) => d.status?.updatedReplicas ?? 0),
    integer("Available", "Pods that have been ready for long enough.", (d) => d.status?.availableReplicas ?? 0),
    age(),
    ...containerColumns<Deployment>((d) => d.spec?.template.spec?.containers),
    wide(text("Selector", "Labels by which the Deployment knows its Pods.", (d) => selectorText(d.spec?.selector))),
  ],
};

export const replicaSetPrinter: Printer<ReplicaSet> = {
  columns: [
    name(),
    integer("Desired", "Pods wanted.", (r) => r.spec?.replicas ?? 1),
    integer("Current", "Pods that exist.", (r) => r.status?.replicas ?? 0),
    integer("Ready", "Pods that are ready.", (r) => r.status?.readyReplicas ?? 0),
    age(),
    ...containerColumns<ReplicaSet>((r) => r.spec?.template?.spec?.containers),
    wide(text("Selector", "Labels by which the ReplicaSet knows its Pods.", (r) => selectorText(r.spec?.selector))),
  ],
};

export const replicationControllerPrinter: Printer<ReplicationController> = {
  columns: [
    name(),
    integer("Desired", "Pods wanted.", (r) => r.spec?.replicas ?? 1),
    integer("Current", "Pods that exist.", (r) => r.status?.replicas ?? 0),
    integer("Ready", "Pods that are ready.", (r) => r.status?.readyReplicas ?? 0),
    age(),
    ...containerColumns<ReplicationController>((r) => r.spec?.template?.spec?.containers),
    wide(text("Selector", "Labels by which the controller knows its Pods.", (r) => labelsText(r.spec?.selector))),
  ],
};

export const statefulSetPrinter: Printer<StatefulSet> = {
  columns: [
    name(),
    text("Ready", "Pods that are ready, of those wanted.", (s) => `${s.status?.readyReplicas ?? 0}/${s.spec?.replicas ?? 1}`),
    age(),
    ...containerColumns<StatefulSet>((s) => s.spec?.template.spec?.containers),
  ],
};

export const daemonSetPrinter: Printer<DaemonSet> = {
  columns: [
    name(),
    integer("Desired", "Nodes that should run the Pod.", (d) => d.status?.desiredNumberScheduled ?? 0),
    integer("Current", "Nodes that run the Pod and should.", (d) => d.status?.currentNumberScheduled ?? 0),
    integer("Ready", "Nodes whose Pod is ready.", (d) => d.status?.numberReady ?? 0),
    integer("Up-to-date", "Nodes whose Pod is made from the current template.", (d) => d.status?.updatedNumberScheduled ?? 0),
    integer("Available", "Nodes whose Pod has been ready for long enough.", (d) => d.status?.numberAvailable ?? 0),
    text("Node Selector", "Labels a node must have to run the Pod.", (d) => labelsText(d.spec?.template.spec?.nodeSelector)),
    age(),
    ...containerColumns<DaemonSet>((d) => d.spec?.template.spec?.containers),
    wide(text("Selector", "Labels by which the DaemonSet knows its Pods.", (d) => selectorText(d.spec?.selector))),
  ],
};

export const jobPrinter: Printer<Job> = {
  columns: [
    name(),
    text("Status", "Whether the Job runs, waits or has ended.", jobStatus),
    text("Completions", "Pods that have succeeded, of those that have to.", jobCompletions),
    text("Duration", "Time from the Job's start to its end, or until now.", (job, nowMs) => {
      const { startTime, completionTime } = job.status ?? {};
      if (startTime === undefined) return "";
      return humanDuration((completionTime === undefined ? nowMs : Date.parse(completionTime)) - Date.parse(startTime));
    }),
    age(),
    ...containerColumns<Job>((j) => j.spec?.template.spec?.containers),
    wide(text("Selector", "Labels by which the Job knows its Pods.", (j) => selectorText(j.spec?.selector))),
  ],
};

/** The conditions that name the state of a Job that has not ended, the strongest first. */
const jobStates = ["Suspended", "FailureTarget", "SuccessCriteriaMet"] as const;

function jobStatus(job: Job): string {
  const holds = (type: string) => (job.status?.conditions ?? []).some((c) => c.type === type && c.status === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (job.metadata?.deletionTimestamp !== undefined) return "Terminating";
  return jobStates.find(holds) ?? "Running";
}

function jobCompletions(job: Job): string {
  const succeeded = job.status?.succeeded ?? 0;
  const { completions, parallelism = 0 } = job.spec ?? {};
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

export const cronJobPrinter: Printer<CronJob> = {
  columns: [
    name(),
    text("Schedule", "When Jobs are started, in cron's syntax.", (c) => c.spec?.schedule ?? ""),
    text("Timezone", "The time zone the schedule is read in.", (c) => c.spec?.timeZone ?? none),
    text("Suspend", "Whether no further Jobs are started.", (c) => boolText(c.spec?.suspend)),
    integer("Active", "Jobs that are running.", (c) => c.status?.active?.length ?? 0),
    text("Last Schedule", "Time since a Job was last started.", (c, nowMs) =>
      c.status?.lastScheduleTime === undefined ? none : humanAge(c.status.lastScheduleTime, nowMs),
    ),
    age(),
    ...containerColumns<CronJob>((c) => c.spec?.jobTemplate.spec?.template.spec?.containers),
    wide(text("Selector", "Labels by which a Job knows its Pods.", (c) => selectorText(c.spec?.jobTemplate.spec?.selector))),
  ],
};

export const controllerRevisionPrinter: Printer<ControllerRevision> = {
  columns: [
    name(),
    text("Controller", "The workload whose former template this is.", (revision) => {
      const owner = revision.metadata?.ownerReferences?.find((o) => o.controller === true);
      if (owner === undefined) return none;
      const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    }),
    integer("Revision", "The number of this revision; higher is newer.", (r) => r.revision),
    age(),
  ],
};

export const podTemplatePrinter: Printer<PodTemplate> = {
  columns: [
    name(),
    text("Containers", "Names of the template's containers.", (t) => (t.template?.spec?.containers ?? []).map((c) => c.name).join(",")),
    text("Images", "Images of the template's containers.", (t) => (t.template?.spec?.containers ?? []).map((c) => c.image ?? "").join(",")),
    text("Pod Labels", "Labels that Pods made from the template get.", (t) => labelsText(t.template?.metadata?.labels)),
  ],
};

function boolText(value: boolean | undefined): string {
  return value === undefined ? "<unset>" : value ? "True" : "False";
}
