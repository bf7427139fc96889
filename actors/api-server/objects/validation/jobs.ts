import type { CronJob, Job, JobSpec } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import { semanticallyEqual } from "../equality";
import { wrongWithSchedule } from "./cron-schedule";
import type { Findings } from "./field-error";
import { checkTemplateMetadata } from "./metadata";
import { checkNonNegative } from "./numbers";
import { checkPodTemplate } from "./pod-spec";
import { checkLabelSelector, hasKnownOperators } from "./selectors";

/** batch/v1. */

export function checkJob({ spec }: Job, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkJobSpec(spec, "spec", findings);
  if (spec.selector === undefined) return findings.required("spec.selector");
  checkLabelSelector(spec.selector, "spec.selector", findings);
  if (hasKnownOperators(spec.selector) && !matchesLabelSelector(spec.selector, spec.template?.metadata?.labels))
    findings.invalid(
      "spec.template.metadata.labels",
      spec.template?.metadata?.labels ?? null,
      "`selector` does not match template `labels`",
    );
}

function checkJobSpec(spec: JobSpec, at: string, findings: Findings): void {
  for (const field of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const)
    checkNonNegative(spec[field], `${at}.${field}`, findings);
  if (spec.completionMode === "Indexed") {
    if (spec.completions === undefined) findings.required(`${at}.completions`, "when completion mode is Indexed");
    if ((spec.parallelism ?? 0) > 100_000)
      findings.invalid(`${at}.parallelism`, spec.parallelism, "must be less than or equal to 100000 when completion mode is Indexed");
  } else if (spec.backoffLimitPerIndex !== undefined)
    findings.invalid(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, "requires indexed completion mode");
  checkPodTemplate(spec.template, `${at}.template`, findings);
  const policy = spec.template?.spec?.restartPolicy;
  if (policy === "Always") findings.required(`${at}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"');
  else if (policy !== undefined && policy !== "OnFailure" && policy !== "Never")
    findings.notSupported(`${at}.template.spec.restartPolicy`, policy, ["OnFailure", "Never"]);
  if (spec.podFailurePolicy && policy !== "Never")
    findings.invalid(`${at}.template.spec.restartPolicy`, policy ?? "", 'only "Never" is supported when podFailurePolicy is specified');
}

/** Of a Job the number of Pods at a time, deadlines, suspension and retries may change; while it is suspended and not begun, where its Pods run. */
export function checkJobUpdate(stored: Job, updated: Job, findings: Findings): void {
  const before = stored.spec;
  const after = updated.spec;
  if (!before || !after) return;
  if (
    !semanticallyEqual(before.completions, after.completions) &&
    !(before.completionMode === "Indexed" && after.completions === after.parallelism)
  )
    findings.invalid("spec.completions", after.completions ?? null, "field is immutable");
  for (const field of ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] as const)
    if (!semanticallyEqual(before[field], after[field])) findings.invalid(`spec.${field}`, after[field] ?? null, "field is immutable");
  const notBegun = before.suspend === true && stored.status?.startTime === undefined;
  const comparable = notBegun
    ? { ...after.template, metadata: before.template?.metadata, spec: withDirectivesOf(before, after) }
    : after.template;
  if (!semanticallyEqual(before.template, comparable)) findings.invalid("spec.template", after.template, "field is immutable");
}

function withDirectivesOf(before: JobSpec, after: JobSpec): unknown {
  const from = before.template?.spec;
  return {
    ...after.template?.spec,
    nodeSelector: from?.nodeSelector,
    tolerations: from?.tolerations,
    affinity: from?.affinity,
    schedulingGates: from?.schedulingGates,
  };
}

export function checkCronJob({ spec }: CronJob, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if (!spec.schedule) findings.required("spec.schedule");
  else {
    if (spec.timeZone !== undefined && /TZ/.test(spec.schedule))
      findings.invalid("spec.schedule", spec.schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
    const wrong = wrongWithSchedule(spec.schedule);
    if (wrong) findings.invalid("spec.schedule", spec.schedule, wrong);
  }
  if (spec.timeZone === "") findings.invalid("spec.timeZone", "", "timeZone must be nil or non-empty string");
  for (const field of ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const)
    checkNonNegative(spec[field], `spec.${field}`, findings);
  const { jobTemplate } = spec;
  checkTemplateMetadata(jobTemplate?.metadata, "spec.jobTemplate.metadata", findings);
  if (!jobTemplate?.spec) return;
  checkJobSpec(jobTemplate.spec, "spec.jobTemplate.spec", findings);
  if (jobTemplate.spec.selector !== undefined)
    findings.invalid("spec.jobTemplate.spec.selector", jobTemplate.spec.selector, "`selector` will be auto-generated");
  if (jobTemplate.spec.manualSelector === true) findings.notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]);
}
