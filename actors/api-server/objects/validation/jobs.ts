import { parseCron } from "../../../../protocol/kinds/cron-schedule";
import type { CronJob, Job, JobSpec } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import { wrongWithDomainPrefixedPath } from "../../../../protocol/kinds/names";
import { timeZone } from "../../../../protocol/kinds/time-zone";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkPodFailurePolicy, checkSuccessPolicy } from "./job-policies";
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

const parallelismMax = 100_000;
const completionsMax = 100_000;

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
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    findings.required(`${at}.backoffLimitPerIndex`, "when maxFailedIndexes is specified");
  if (spec.managedBy !== undefined) {
    if (spec.managedBy.length > 63) findings.tooLong(`${at}.managedBy`, 63);
    findings.invalidFor(`${at}.managedBy`, spec.managedBy, wrongWithDomainPrefixedPath(spec.managedBy));
  }
  if (spec.completionMode === "Indexed") checkIndexed(spec, at, findings);
  else {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"] as const)
      if (spec[field] !== undefined) findings.invalid(`${at}.${field}`, spec[field], "requires indexed completion mode");
    if (spec.successPolicy) findings.invalid(`${at}.successPolicy`, spec.successPolicy, "requires indexed completion mode");
  }
  if (spec.podFailurePolicy) checkPodFailurePolicy(spec, `${at}.podFailurePolicy`, findings);
  if (spec.successPolicy && spec.completionMode === "Indexed") checkSuccessPolicy(spec, `${at}.successPolicy`, findings);
  if (spec.podReplacementPolicy !== undefined) {
    const possible = spec.podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
    if (!possible.includes(spec.podReplacementPolicy))
      findings.notSupported(`${at}.podReplacementPolicy`, spec.podReplacementPolicy, possible);
  }
  checkPodTemplate(spec.template, `${at}.template`, findings);
  const policy = spec.template?.spec?.restartPolicy;
  // "Always" is the default, so whoever has it has mostly said nothing.
  if (policy === "Always") findings.required(`${at}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"');
  else if (policy !== undefined && policy !== "OnFailure" && policy !== "Never")
    findings.notSupported(`${at}.template.spec.restartPolicy`, policy, ["OnFailure", "Never"]);
  else if (spec.podFailurePolicy && policy !== "Never")
    findings.invalid(`${at}.template.spec.restartPolicy`, policy ?? "", 'only "Never" is supported when podFailurePolicy is specified');
}

function checkIndexed(spec: JobSpec, at: string, findings: Findings): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  if (completions === undefined) findings.required(`${at}.completions`, "when completion mode is Indexed");
  if (parallelism > parallelismMax)
    findings.invalid(`${at}.parallelism`, parallelism, `must be less than or equal to ${parallelismMax} when completion mode is Indexed`);
  if (completions === undefined) return;
  if (failed !== undefined && failed > completions)
    findings.invalid(`${at}.maxFailedIndexes`, failed, `must be less than or equal to ${completions}`);
  if (spec.backoffLimitPerIndex === undefined || completions <= completionsMax) return;
  if (failed === undefined) findings.required(`${at}.maxFailedIndexes`, `must be specified when completions is above ${completionsMax}`);
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

/** What is wrong with the name of a time zone: it must be one of the IANA's. */
function wrongWithTimeZone(name: string): readonly string[] {
  if (name === "") return ["timeZone must be nil or non-empty string"];
  if (name.toLowerCase() === "local") return ["timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"];
  return timeZone(name) ? [] : [`unknown time zone ${name}`];
}

export function checkCronJob({ spec }: CronJob, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if (!spec.schedule) findings.required("spec.schedule");
  else {
    const parsed = parseCron(spec.schedule.replace(/^(CRON_)?TZ=\S+\s+/, ""));
    if (!parsed.ok) findings.invalid("spec.schedule", spec.schedule, parsed.reason);
    if (spec.timeZone !== undefined && spec.schedule.includes("TZ"))
      findings.invalid("spec.schedule", spec.schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
  if (spec.timeZone !== undefined) findings.invalidFor("spec.timeZone", spec.timeZone, wrongWithTimeZone(spec.timeZone));
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

/** A time zone inside of the schedule was never meant to work; those who have one may keep it. */
export function checkCronJobCreate({ spec }: CronJob, findings: Findings): void {
  if (spec?.timeZone === undefined && spec?.schedule?.includes("TZ"))
    findings.invalid("spec.schedule", spec.schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
}

export function checkCronJobUpdate(stored: CronJob, updated: CronJob, findings: Findings): void {
  if (!stored.spec?.schedule?.includes("TZ")) checkCronJobCreate(updated, findings);
}
