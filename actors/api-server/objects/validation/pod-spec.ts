import type { LabelSelector, PodSpec, PodTemplateSpec } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from "../../../../protocol/kinds/quantity";
import { checkContainers } from "./containers";
import { checkDns, checkHostAliases } from "./dns";
import type { Findings } from "./field-error";
import { checkAnnotations, checkLabels } from "./metadata";
import { checkRange, isLess } from "./numbers";
import { checkResources } from "./resources";
import { checkAffinity, checkSpreading, checkTolerations } from "./scheduling";
import { checkOs, checkPodSecurity } from "./security";
import { checkLabelSelector, hasKnownOperators, isEmptySelector } from "./selectors";
import { checkVolumes } from "./volumes";

/** The specification of Pods, in a Pod or in a template. */

export function checkPodSpec(spec: PodSpec, at: string, findings: Findings, podName?: string): void {
  checkVolumes(spec, podName, at, findings);
  checkContainers(spec, at, findings);
  checkPodResources(spec, at, findings);
  checkRange(spec.activeDeadlineSeconds, 1, 2 ** 31 - 1, `${at}.activeDeadlineSeconds`, findings);
  checkLabels(spec.nodeSelector, `${at}.nodeSelector`, findings);
  checkTolerations(spec.tolerations, `${at}.tolerations`, findings);
  checkAffinity(spec.affinity, `${at}.affinity`, findings);
  checkSpreading(spec, `${at}.topologySpreadConstraints`, findings);
  checkDns(spec, at, findings);
  checkHostAliases(spec, at, findings);
  checkNames(spec, at, findings);
  checkPodSecurity(spec, at, findings);
  checkClaims(spec, at, findings);
  checkResources(spec.overhead && { limits: spec.overhead }, `${at}.overhead`, findings);
  checkOs(spec, at, findings);
}

/** Claims on devices: each by its own name, made from a template or there already. */
function checkClaims(spec: PodSpec, at: string, findings: Findings): void {
  const names = new Set<string>();
  spec.resourceClaims?.forEach((claim, index) => {
    const here = `${at}.resourceClaims[${index}]`;
    if (!claim.name) findings.required(`${here}.name`);
    else if (names.has(claim.name)) findings.duplicate(`${here}.name`, claim.name);
    else findings.invalidFor(`${here}.name`, claim.name, wrongWithDns1123Label(claim.name));
    names.add(claim.name);
    const { resourceClaimName, resourceClaimTemplateName } = claim;
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      findings.invalid(here, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      findings.invalid(here, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    for (const field of ["resourceClaimName", "resourceClaimTemplateName"] as const)
      if (claim[field] !== undefined) findings.invalidFor(`${here}.${field}`, claim[field], wrongWithDns1123Subdomain(claim[field]));
  });
}

/** Amounts for a Pod as a whole hold what its containers ask for. */
function checkPodResources(spec: PodSpec, at: string, findings: Findings): void {
  const { resources } = spec;
  if (!resources) return;
  const here = `${at}.resources`;
  if (resources.claims !== undefined) findings.forbidden(`${here}.claims`, "claims cannot be set for Resources at pod-level");
  checkResources({ requests: resources.requests, limits: resources.limits }, here, findings, { ofPod: true });
  const totals = containerRequests(spec);
  for (const [name, total] of totals) {
    const whole = resources.requests?.[name] ?? "0";
    if (compareQuantity(total, parseQuantity(whole)) > 0)
      findings.invalid(
        `${here}.requests[${name}]`,
        canonicalQuantity(whole) ?? whole,
        `must be greater than or equal to aggregate container requests of ${formatQuantity(total)}`,
      );
  }
  spec.containers?.forEach((container, index) => {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = resources.limits?.[name];
      if (whole !== undefined && isLess(whole, limit))
        findings.invalid(
          `${here}.containers[${index}][${name}].limits`,
          canonicalQuantity(limit) ?? limit,
          `must be less than or equal to pod limits of ${canonicalQuantity(whole) ?? whole}`,
        );
    }
  });
}

/** What the containers ask for together, or an init container alone where that is more; of what a Pod can ask for as a whole. */
function containerRequests(spec: PodSpec): ReadonlyMap<string, Quantity> {
  const total = new Map<string, Quantity>();
  const counted = (name: string) => name === "cpu" || name === "memory" || name.startsWith("hugepages-");
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const { resources } of [...(spec.containers ?? []), ...sidecars])
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      const before = total.get(name);
      if (counted(name)) total.set(name, before ? addQuantity(before, parseQuantity(amount)) : parseQuantity(amount));
    }
  for (const { resources, restartPolicy } of spec.initContainers ?? [])
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      const before = total.get(name);
      const own = parseQuantity(amount);
      if (restartPolicy !== "Always" && counted(name) && (!before || compareQuantity(own, before) > 0)) total.set(name, own);
    }
  return total;
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

const annotationOfCost = "controller.kubernetes.io/pod-deletion-cost";

/** Annotations that mean something to Kubernetes have to be readable. */
export function checkPodAnnotations(annotations: Readonly<Record<string, string>> | undefined, at: string, findings: Findings): void {
  const cost = annotations?.[annotationOfCost];
  if (cost === undefined) return;
  const isNumber = /^(0|-?[1-9]\d*)$/.test(cost) && Math.abs(Number(cost)) <= 2 ** 31 - 1;
  if (!isNumber) findings.invalid(`${at}[${annotationOfCost}]`, cost, "must be a 32bit integer");
}

/** A template of Pods: labels, annotations and specification. */
export function checkPodTemplate(template: PodTemplateSpec | undefined, at: string, findings: Findings): void {
  // Real servers leave "metadata" out of these paths.
  checkLabels(template?.metadata?.labels, `${at}.labels`, findings);
  checkAnnotations(template?.metadata?.annotations, `${at}.annotations`, findings);
  checkPodAnnotations(template?.metadata?.annotations, `${at}.annotations`, findings);
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
export function checkRunsForever(template: PodTemplateSpec | undefined, at: string, findings: Findings, kind = "ReplicaSet"): void {
  const policy = template?.spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") findings.notSupported(`${at}.template.spec.restartPolicy`, policy, ["Always"]);
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    findings.forbidden(`${at}.template.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`);
}
