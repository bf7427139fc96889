import type {
  AutoscalingV2CrossVersionObjectReference,
  AutoscalingV2HorizontalPodAutoscalerSpec,
  AutoscalingV2MetricSpec,
  MetricIdentifier,
  MetricTarget,
} from "../../../../protocol/kinds/generated";
import { wrongWithPathSegment } from "../../../../protocol/kinds/names";
import { parseQuantity } from "../../../../protocol/kinds/quantity";
import type { Findings } from "./field-error";
import { checkLabelSelector } from "./selectors";

/** By what an autoscaler goes, and how fast. */

/** Each metric has a source of its type and one target value that fits it. */
export function checkMetrics(spec: AutoscalingV2HorizontalPodAutoscalerSpec, findings: Findings): void {
  spec.metrics?.forEach((metric, index) => {
    checkMetric(metric, `spec.metrics[${index}]`, findings);
  });
  for (const direction of ["scaleUp", "scaleDown"] as const) {
    const rules = spec.behavior?.[direction];
    if (!rules) continue;
    const at = `spec.behavior.${direction}`;
    const window = rules.stabilizationWindowSeconds;
    if (window !== undefined && window < 0)
      findings.invalid(`${at}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero");
    if (window !== undefined && window > 3600)
      findings.invalid(`${at}.stabilizationWindowSeconds`, window, "must be less than or equal to 3600");
    if ((rules.policies ?? []).length === 0) findings.required(`${at}.policies`, "must specify at least one Policy");
    rules.policies?.forEach((policy, index) => {
      if (!(policy.value > 0)) findings.invalid(`${at}.policies[${index}].value`, policy.value ?? 0, "must be greater than zero");
      if (!(policy.periodSeconds > 0))
        findings.invalid(`${at}.policies[${index}].periodSeconds`, policy.periodSeconds ?? 0, "must be greater than zero");
      else if (policy.periodSeconds > 1800)
        findings.invalid(`${at}.policies[${index}].periodSeconds`, policy.periodSeconds, "must be less than or equal to 1800");
    });
    if (rules.tolerance !== undefined && parseQuantity(rules.tolerance).nanos < 0n)
      findings.invalid(`${at}.tolerance`, rules.tolerance, "must be greater or equal to zero");
  }
}

const metricSources: ReadonlyMap<string, keyof AutoscalingV2MetricSpec> = new Map([
  ["Resource", "resource"],
  ["ContainerResource", "containerResource"],
  ["Pods", "pods"],
  ["Object", "object"],
  ["External", "external"],
]);

function checkMetric(metric: AutoscalingV2MetricSpec, at: string, findings: Findings): void {
  const source = metricSources.get(metric.type);
  if (!metric.type) findings.required(`${at}.type`, "must specify a metric source type");
  if (!source) return findings.notSupported(`${at}.type`, metric.type ?? "", [...metricSources.keys()].sort());
  checkSource(metric, `${at}.${source}`, findings);
  if (metric[source] === undefined) findings.required(`${at}.${source}`, "must populate information for the given metric source");
  for (const other of metricSources.values())
    if (other !== source && metric[other] !== undefined) findings.forbidden(`${at}.${other}`, "must populate the given metric source only");
}

function checkSource(metric: AutoscalingV2MetricSpec, at: string, findings: Findings): void {
  const { object, external, pods, resource, containerResource } = metric;
  switch (metric.type) {
    case "Object":
      if (!object) return;
      checkReference(object.describedObject, `${at}.describedObject`, findings);
      checkIdentifier(object.metric, `${at}.metric`, findings);
      checkTarget(object.target, `${at}.target`, findings);
      if (object.target?.value === undefined && object.target?.averageValue === undefined)
        findings.required(`${at}.target.averageValue`, "must set either a target value or averageValue");
      return;
    case "External":
      if (!external) return;
      checkIdentifier(external.metric, `${at}.metric`, findings);
      checkTarget(external.target, `${at}.target`, findings);
      if (external.target?.value === undefined && external.target?.averageValue === undefined)
        findings.required(`${at}.target.averageValue`, "must set either a target value for metric or a per-pod target");
      if (external.target?.value !== undefined && external.target.averageValue !== undefined)
        findings.forbidden(`${at}.target.value`, "may not set both a target value for metric and a per-pod target");
      return;
    case "Pods":
      if (!pods) return;
      checkIdentifier(pods.metric, `${at}.metric`, findings);
      checkTarget(pods.target, `${at}.target`, findings);
      if (pods.target?.averageValue === undefined)
        findings.required(`${at}.target.averageValue`, "must specify a positive target averageValue");
      return;
    case "Resource":
    case "ContainerResource": {
      const content = metric.type === "Resource" ? resource : containerResource;
      if (!content) return;
      if (!content.name) findings.required(`${at}.name`, "must specify a resource name");
      if (containerResource && metric.type === "ContainerResource" && !containerResource.container)
        findings.required(`${at}.container`, "must specify a container");
      checkTarget(content.target, `${at}.target`, findings);
      const { averageUtilization, averageValue } = content.target ?? {};
      if (averageUtilization === undefined && averageValue === undefined)
        findings.required(`${at}.target.averageUtilization`, "must set either a target raw value or a target utilization");
      if (averageUtilization !== undefined && averageValue !== undefined)
        findings.forbidden(`${at}.target.averageValue`, "may not set both a target raw value and a target utilization");
    }
  }
}

function checkReference(reference: AutoscalingV2CrossVersionObjectReference | undefined, at: string, findings: Findings): void {
  for (const field of ["kind", "name"] as const)
    if (!reference?.[field]) findings.required(`${at}.${field}`);
    else findings.invalidFor(`${at}.${field}`, reference[field], wrongWithPathSegment(reference[field]));
}

function checkIdentifier(metric: MetricIdentifier | undefined, at: string, findings: Findings): void {
  if (!metric?.name) findings.required(`${at}.name`, "must specify a metric name");
  else findings.invalidFor(`${at}.name`, metric.name, wrongWithPathSegment(metric.name));
  checkLabelSelector(metric?.selector, `${at}.selector`, findings);
}

function checkTarget(target: MetricTarget | undefined, at: string, findings: Findings): void {
  const type = target?.type ?? "";
  if (type === "") findings.required(`${at}.type`, "must specify a metric target type");
  if (type !== "Utilization" && type !== "Value" && type !== "AverageValue")
    findings.invalid(`${at}.type`, type, "must be either Utilization, Value, or AverageValue");
  for (const field of ["value", "averageValue"] as const)
    if (target?.[field] !== undefined && parseQuantity(target[field]).nanos <= 0n)
      findings.invalid(`${at}.${field}`, target[field], "must be positive");
  if (target?.averageUtilization !== undefined && target.averageUtilization < 1)
    findings.invalid(`${at}.averageUtilization`, target.averageUtilization, "must be greater than 0");
}
