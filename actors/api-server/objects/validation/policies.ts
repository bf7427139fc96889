import type {
  AutoscalingV1HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscaler,
  Lease,
  PodDisruptionBudget,
  PriorityClass,
  RuntimeClass,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithPathSegment } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkLabels } from "./metadata";
import { checkMetrics } from "./metrics";
import { checkCountOrPercent, checkPositive } from "./numbers";
import { checkResources } from "./resources";
import { checkTolerations } from "./scheduling";
import { checkLabelSelector } from "./selectors";

/** Disruption budgets, autoscalers, leases, and classes of priority and runtime. */

export function checkPodDisruptionBudget({ spec }: PodDisruptionBudget, findings: Findings): void {
  if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    findings.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
  checkCountOrPercent(spec?.minAvailable, "spec.minAvailable", findings, 100);
  checkCountOrPercent(spec?.maxUnavailable, "spec.maxUnavailable", findings, 100);
  checkLabelSelector(spec?.selector, "spec.selector", findings);
  const policy = spec?.unhealthyPodEvictionPolicy;
  if (policy !== undefined && policy !== "AlwaysAllow" && policy !== "IfHealthyBudget")
    findings.notSupported("spec.unhealthyPodEvictionPolicy", policy, ["AlwaysAllow", "IfHealthyBudget"]);
}

type Autoscaler = AutoscalingV1HorizontalPodAutoscaler | AutoscalingV2HorizontalPodAutoscaler;

export function checkAutoscaler({ spec }: Autoscaler, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if (spec.minReplicas !== undefined && spec.minReplicas < 1)
    findings.invalid("spec.minReplicas", spec.minReplicas, "must be greater than or equal to 1");
  const most = spec.maxReplicas ?? 0;
  if (most < 1) findings.invalid("spec.maxReplicas", most, "must be greater than 0");
  if (spec.minReplicas !== undefined && most < spec.minReplicas)
    findings.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`");
  for (const field of ["kind", "name"] as const) {
    const value = spec.scaleTargetRef?.[field];
    if (!value) findings.required(`spec.scaleTargetRef.${field}`);
    else findings.invalidFor(`spec.scaleTargetRef.${field}`, value, wrongWithPathSegment(value));
  }
  checkMetrics(spec, findings);
}

export function checkLease({ spec }: Lease, findings: Findings): void {
  checkPositive(spec?.leaseDurationSeconds, "spec.leaseDurationSeconds", findings);
  if (spec?.leaseTransitions !== undefined && spec.leaseTransitions < 0)
    findings.invalid("spec.leaseTransitions", spec.leaseTransitions, "must be greater than or equal to 0");
}

const systemPriorities: ReadonlyMap<string, number> = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

export function checkPriorityClass(priority: PriorityClass, findings: Findings): void {
  const name = priority.metadata?.name ?? "";
  if (name.startsWith("system-")) {
    if (systemPriorities.get(name) !== priority.value)
      findings.forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only");
  } else if ((priority.value ?? 0) > 1_000_000_000)
    findings.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
}

export function checkPriorityClassUpdate(stored: PriorityClass, updated: PriorityClass, findings: Findings): void {
  if (stored.value !== updated.value) findings.forbidden("value", "may not be changed in an update.");
  if (stored.preemptionPolicy !== updated.preemptionPolicy)
    findings.invalid("preemptionPolicy", updated.preemptionPolicy ?? null, "field is immutable");
}

export function checkRuntimeClass(runtime: RuntimeClass, findings: Findings): void {
  findings.invalidFor("handler", runtime.handler ?? "", wrongWithDns1123Label(runtime.handler ?? ""));
  const fixed = runtime.overhead?.podFixed;
  checkResources(fixed && { limits: fixed }, "overhead.podFixed", findings);
  checkLabels(runtime.scheduling?.nodeSelector, "scheduling.nodeSelector", findings);
  checkTolerations(runtime.scheduling?.tolerations, "scheduling.tolerations", findings);
}

export function checkRuntimeClassUpdate(stored: RuntimeClass, updated: RuntimeClass, findings: Findings): void {
  if (stored.handler !== updated.handler) findings.invalid("handler", updated.handler, "field is immutable");
}
