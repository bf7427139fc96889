import type {
  AutoscalingV2HorizontalPodAutoscalerSpec,
  AutoscalingV2MetricSpec,
  CSIDriver,
  EventsV1Event,
  IPAddress,
  ServiceAccount,
  ServiceCIDR,
  VolumeAttachment,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { isIPv4, isIPv6, isNetwork } from "./addresses";
import type { Findings } from "./field-error";

/** Smaller kinds of the cluster: addresses, storage drivers, the events of the newer group, metrics of autoscalers. */

export function checkServiceAccount(account: ServiceAccount, findings: Findings): void {
  account.imagePullSecrets?.forEach(({ name }, index) => {
    if (name) findings.invalidFor(`imagePullSecrets[${index}].name`, name, wrongWithDns1123Subdomain(name));
  });
}

export function checkIpAddress(address: IPAddress, findings: Findings): void {
  const name = address.metadata?.name ?? "";
  if (!isIPv4(name) && !isIPv6(name))
    findings.invalid("metadata.name", name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  const parent = address.spec?.parentRef;
  if (!parent) return findings.required("spec.parentRef");
  if (!parent.resource) findings.required("spec.parentRef.resource");
  if (!parent.name) findings.required("spec.parentRef.name");
}

export function checkServiceCidr({ spec }: ServiceCIDR, findings: Findings): void {
  const networks = spec?.cidrs ?? [];
  if (networks.length === 0) findings.required("spec.cidrs", "at least one CIDR required");
  if (networks.length > 2) findings.invalid("spec", spec, "may only hold up to 2 values");
  networks.forEach((network, index) => {
    if (!isNetwork(network))
      findings.invalid(`spec.cidrs[${index}]`, network, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  });
}

export function checkCsiDriver(driver: CSIDriver, findings: Findings): void {
  const name = driver.metadata?.name ?? "";
  if (name.length > 63) findings.tooLong("metadata.name", 63);
  driver.spec?.volumeLifecycleModes?.forEach((mode, index) => {
    if (mode !== "Persistent" && mode !== "Ephemeral")
      findings.notSupported(`spec.volumeLifecycleModes[${index}]`, mode, ["Persistent", "Ephemeral"]);
  });
}

export function checkCsiDriverUpdate(stored: CSIDriver, updated: CSIDriver, findings: Findings): void {
  for (const field of ["attachRequired", "volumeLifecycleModes"] as const)
    if (!semanticallyEqual(stored.spec?.[field], updated.spec?.[field]))
      findings.invalid(`spec.${field}`, updated.spec?.[field] ?? null, "field is immutable");
}

export function checkVolumeAttachment({ spec }: VolumeAttachment, findings: Findings): void {
  if (!spec?.attacher) findings.required("spec.attacher");
  else findings.invalidFor("spec.attacher", spec.attacher, wrongWithDns1123Subdomain(spec.attacher.toLowerCase()));
  if (!spec?.nodeName) findings.required("spec.nodeName");
  const { persistentVolumeName: name, inlineVolumeSpec } = spec?.source ?? {};
  if (name === undefined && inlineVolumeSpec === undefined)
    findings.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  if (name !== undefined && inlineVolumeSpec !== undefined)
    findings.forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
}

export function checkEventsEvent(event: EventsV1Event, findings: Findings): void {
  if (event.eventTime === undefined) findings.required("eventTime");
  if (!event.reportingController) findings.required("reportingController");
  else findings.invalidFor("reportingController", event.reportingController, wrongWithQualifiedName(event.reportingController));
  for (const [field, most] of [
    ["reportingInstance", 128],
    ["action", 128],
    ["reason", 128],
    ["note", 1024],
  ] as const) {
    const text = event[field] ?? "";
    if (text === "" && field !== "note") findings.required(field);
    if (Buffer.byteLength(text) > most) findings.invalid(field, "", `can have at most ${most} characters`);
  }
  if (event.type !== "Normal" && event.type !== "Warning")
    findings.invalid("type", event.type ?? "", `has invalid value: ${event.type ?? ""}`);
}

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
  if (!source) return findings.notSupported(`${at}.type`, metric.type ?? "", [...metricSources.keys()].sort());
  for (const other of metricSources.values())
    if (other !== source && metric[other] !== undefined) findings.forbidden(`${at}.${other}`, "must populate the given metric source only");
  const content = metric[source];
  if (content === undefined || typeof content === "string")
    return findings.required(`${at}.${source}`, `must populate information for the given metric source`);
  const { target } = content;
  const given = [target?.averageUtilization, target?.averageValue, target?.value].filter((value) => value !== undefined);
  if (given.length === 0) findings.required(`${at}.${source}.target`, "must set either a target raw value or a target utilization");
  if (target?.averageUtilization !== undefined && target.averageUtilization < 1)
    findings.invalid(`${at}.${source}.target.averageUtilization`, target.averageUtilization, "must be greater than 0");
}
