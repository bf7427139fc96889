import type { AppArmorProfile, LabelSelector, PodSpec, PodTemplateSpec, SeccompProfile } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { isIPv4, isIPv6 } from "./addresses";
import { checkContainers } from "./containers";
import type { Findings } from "./field-error";
import { checkLabels, checkTemplateMetadata } from "./metadata";
import { checkNonNegative, checkRange } from "./numbers";
import { checkResources } from "./resources";
import { checkAffinity, checkSpreading, checkTolerations } from "./scheduling";
import { checkLabelSelector, hasKnownOperators, isEmptySelector } from "./selectors";
import { checkVolumes } from "./volumes";

/** The specification of Pods, in a Pod or in a template. */

export function checkPodSpec(spec: PodSpec, at: string, findings: Findings): void {
  checkVolumes(spec, at, findings);
  checkContainers(spec, at, findings);
  checkResources(spec.resources, `${at}.resources`, findings);
  checkNonNegative(spec.terminationGracePeriodSeconds, `${at}.terminationGracePeriodSeconds`, findings);
  checkRange(spec.activeDeadlineSeconds, 1, 2 ** 31 - 1, `${at}.activeDeadlineSeconds`, findings);
  checkLabels(spec.nodeSelector, `${at}.nodeSelector`, findings);
  checkTolerations(spec.tolerations, `${at}.tolerations`, findings);
  checkAffinity(spec.affinity, `${at}.affinity`, findings);
  checkSpreading(spec, `${at}.topologySpreadConstraints`, findings);
  checkDns(spec, at, findings);
  checkNames(spec, at, findings);
  checkSecurity(spec, at, findings);
  checkClaims(spec, at, findings);
}

/** Claims on devices: each by its own name, made from a template or there already; containers may use only these. */
function checkClaims(spec: PodSpec, at: string, findings: Findings): void {
  const names = new Set<string>();
  spec.resourceClaims?.forEach((claim, index) => {
    const here = `${at}.resourceClaims[${index}]`;
    findings.invalidFor(`${here}.name`, claim.name ?? "", wrongWithDns1123Label(claim.name ?? ""));
    if (names.has(claim.name)) findings.duplicate(`${here}.name`, claim.name);
    names.add(claim.name);
    if ((claim.resourceClaimName === undefined) === (claim.resourceClaimTemplateName === undefined))
      findings.invalid(here, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
  });
  for (const list of ["containers", "initContainers"] as const)
    spec[list]?.forEach((container, index) => {
      container.resources?.claims?.forEach(({ name }, place) => {
        if (name && !names.has(name)) findings.notFound(`${at}.${list}[${index}].resources.claims[${place}].name`, name);
      });
    });
}

function checkSecurity(spec: PodSpec, at: string, findings: Findings): void {
  const holders: readonly (readonly [
    string,
    { readonly seccompProfile?: SeccompProfile; readonly appArmorProfile?: AppArmorProfile } | undefined,
  ])[] = [
    [`${at}.securityContext`, spec.securityContext],
    ...(["containers", "initContainers"] as const).flatMap((list) =>
      (spec[list] ?? []).map((container, index) => [`${at}.${list}[${index}].securityContext`, container.securityContext] as const),
    ),
  ];
  for (const [here, context] of holders)
    for (const field of ["seccompProfile", "appArmorProfile"] as const) {
      const profile = context?.[field];
      if (!profile) continue;
      if (profile.type === "Localhost" && !profile.localhostProfile)
        findings.required(`${here}.${field}.localhostProfile`, "must be set when type is Localhost");
      if (profile.type !== "Localhost" && profile.localhostProfile !== undefined)
        findings.invalid(`${here}.${field}.localhostProfile`, profile.localhostProfile, "can only be set when type is Localhost");
    }
  const sysctls = new Set<string>();
  spec.securityContext?.sysctls?.forEach(({ name }, index) => {
    if (!name) findings.required(`${at}.securityContext.sysctls[${index}].name`);
    else if (sysctls.has(name)) findings.duplicate(`${at}.securityContext.sysctls[${index}].name`, name);
    sysctls.add(name);
  });
  for (const field of ["runAsUser", "runAsGroup", "fsGroup"] as const)
    checkRange(spec.securityContext?.[field], 0, 2 ** 31 - 1, `${at}.securityContext.${field}`, findings);
  if (spec.hostPID === true && spec.shareProcessNamespace === true)
    findings.invalid(`${at}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled");
}

function checkDns(spec: PodSpec, at: string, findings: Findings): void {
  const nameservers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === "None" && spec.dnsConfig === undefined)
    findings.required(`${at}.dnsConfig`, "must provide `dnsConfig` when `dnsPolicy` is None");
  else if (spec.dnsPolicy === "None" && nameservers.length === 0)
    findings.required(`${at}.dnsConfig.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  if (nameservers.length > 3) findings.invalid(`${at}.dnsConfig.nameservers`, nameservers, "must not have more than 3 nameservers");
  spec.hostAliases?.forEach((alias, index) => {
    if (!alias.ip) findings.required(`${at}.hostAliases[${index}].ip`);
    else if (!isIPv4(alias.ip) && !isIPv6(alias.ip))
      findings.invalid(`${at}.hostAliases[${index}].ip`, alias.ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    for (const name of alias.hostnames ?? [])
      findings.invalidFor(`${at}.hostAliases[${index}].hostnames`, name, wrongWithDns1123Subdomain(name));
  });
}

function checkNames(spec: PodSpec, at: string, findings: Findings): void {
  const subdomains = ["nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"] as const;
  for (const field of subdomains)
    if (spec[field]) findings.invalidFor(`${at}.${field}`, spec[field], wrongWithDns1123Subdomain(spec[field]!));
  for (const field of ["hostname", "subdomain"] as const)
    if (spec[field]) findings.invalidFor(`${at}.${field}`, spec[field], wrongWithDns1123Label(spec[field]!));
  if (spec.schedulerName) findings.invalidFor(`${at}.schedulerName`, spec.schedulerName, wrongWithQualifiedName(spec.schedulerName));
  spec.readinessGates?.forEach((gate, index) => {
    findings.invalidFor(
      `${at}.readinessGates[${index}].conditionType`,
      gate.conditionType,
      wrongWithQualifiedName(gate.conditionType ?? ""),
    );
  });
  const gates = new Set<string>();
  spec.schedulingGates?.forEach((gate, index) => {
    findings.invalidFor(`${at}.schedulingGates[${index}]`, gate.name, wrongWithQualifiedName(gate.name ?? ""));
    if (gates.has(gate.name)) findings.duplicate(`${at}.schedulingGates[${index}]`, gate.name);
    gates.add(gate.name);
  });
}

/** A template of Pods: labels, annotations and specification. */
export function checkPodTemplate(template: PodTemplateSpec | undefined, at: string, findings: Findings): void {
  checkTemplateMetadata(template?.metadata, `${at}.metadata`, findings);
  checkPodSpec(template?.spec ?? { containers: [] }, `${at}.spec`, findings);
  if ((template?.spec?.ephemeralContainers ?? []).length > 0)
    findings.forbidden(`${at}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
}

/** What every workload demands of its selector and template: a selector that is not empty, which selects the template's labels. */
export function checkSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  at: string,
  emptyMessage: string,
  findings: Findings,
): void {
  const labels = template?.metadata?.labels;
  if (selector === undefined) {
    findings.required(`${at}.selector`);
    // No selector selects nothing, so nothing that a template says can match it.
    findings.invalid(`${at}.template.metadata.labels`, labels ?? null, "`selector` does not match template `labels`");
  } else {
    checkLabelSelector(selector, `${at}.selector`, findings);
    if (isEmptySelector(selector)) findings.invalid(`${at}.selector`, selector, emptyMessage);
    else if (hasKnownOperators(selector) && !matchesLabelSelector(selector, labels))
      findings.invalid(`${at}.template.metadata.labels`, labels ?? null, "`selector` does not match template `labels`");
  }
  checkPodTemplate(template, `${at}.template`, findings);
}

/** Pods of a controller that keeps them running can only be restarted always, and have no deadline. */
export function checkRunsForever(template: PodTemplateSpec | undefined, at: string, findings: Findings): void {
  const policy = template?.spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") findings.notSupported(`${at}.template.spec.restartPolicy`, policy, ["Always"]);
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    findings.forbidden(`${at}.template.spec.activeDeadlineSeconds`, "activeDeadlineSeconds in ReplicaSet is not Supported");
}
