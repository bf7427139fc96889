import type { Affinity, PodAffinityTerm, PodSpec, Toleration, TopologySpreadConstraint } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithLabelValue, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkLabelSelector, checkNodeSelector, checkNodeSelectorTerm } from "./selectors";

/** Where a Pod may and would like to run: affinity, tolerations, spreading. */

export function checkTolerations(tolerations: readonly Toleration[] | undefined, at: string, findings: Findings): void {
  tolerations?.forEach((toleration, index) => {
    const here = `${at}[${index}]`;
    if (toleration.key) findings.invalidFor(`${here}.key`, toleration.key, wrongWithQualifiedName(toleration.key));
    else if (toleration.operator !== "Exists")
      findings.invalid(
        `${here}.operator`,
        toleration.operator ?? "",
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    if (toleration.tolerationSeconds !== undefined && toleration.effect !== "NoExecute")
      findings.invalid(`${here}.effect`, toleration.effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
    switch (toleration.operator) {
      case undefined:
      case "":
      case "Equal":
        if (wrongWithLabelValue(toleration.value ?? "").length > 0)
          findings.invalid(`${here}.operator`, toleration.value, wrongWithLabelValue(toleration.value ?? "").join(";"));
        break;
      case "Exists":
        if (toleration.value) findings.invalid(`${here}.operator`, toleration.value, "value must be empty when `operator` is 'Exists'");
        break;
      case "Gt":
      case "Lt":
        if (!/^(0|-?[1-9]\d*)$/.test(toleration.value ?? ""))
          findings.invalid(`${here}.value`, toleration.value ?? "", "value must be a valid integer");
        break;
      default:
        findings.notSupported(`${here}.operator`, toleration.operator, ["Equal", "Exists"]);
    }
  });
}

export function checkAffinity(affinity: Affinity | undefined, at: string, findings: Findings): void {
  const node = affinity?.nodeAffinity;
  if (node?.requiredDuringSchedulingIgnoredDuringExecution)
    checkNodeSelector(
      node.requiredDuringSchedulingIgnoredDuringExecution,
      `${at}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`,
      findings,
    );
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
    const here = `${at}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    checkWeight(term.weight, here, findings);
    checkNodeSelectorTerm(term.preference ?? {}, `${here}.preference`, findings, true);
  });
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
      checkPodTerm(term, `${at}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, findings);
    });
    affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((weighted, index) => {
      const here = `${at}.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      checkWeight(weighted.weight, here, findings);
      if (weighted.podAffinityTerm) checkPodTerm(weighted.podAffinityTerm, `${here}.podAffinityTerm`, findings);
    });
  }
}

function checkWeight(weight: number | undefined, at: string, findings: Findings): void {
  if (weight === undefined || weight < 1 || weight > 100) findings.invalid(`${at}.weight`, weight ?? 0, "must be in the range 1-100");
}

function checkPodTerm(term: PodAffinityTerm, at: string, findings: Findings): void {
  checkLabelSelector(term.labelSelector, `${at}.labelSelector`, findings);
  checkLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`, findings);
  for (const namespace of term.namespaces ?? []) findings.invalidFor(`${at}.namespace`, namespace, wrongWithDns1123Label(namespace));
  checkTermKeys(term, at, findings);
  if (!term.topologyKey) findings.required(`${at}.topologyKey`, "can not be empty");
  findings.invalidFor(`${at}.topologyKey`, term.topologyKey ?? "", wrongWithQualifiedName(term.topologyKey ?? ""));
}

/** Keys whose values are taken from the Pod itself: they go with a selector, and one key is either to match or not to match. */
function checkTermKeys(term: PodAffinityTerm, at: string, findings: Findings): void {
  for (const list of ["matchLabelKeys", "mismatchLabelKeys"] as const) {
    const keys = term[list] ?? [];
    if (keys.length > 0 && term.labelSelector === undefined)
      findings.forbidden(`${at}.${list}`, "must not be specified when labelSelector is not set");
    else
      keys.forEach((key, index) => {
        findings.invalidFor(`${at}.${list}[${index}]`, key, wrongWithQualifiedName(key));
      });
  }
  const seen = new Set(Object.keys(term.labelSelector?.matchLabels ?? {}));
  for (const { key } of term.labelSelector?.matchExpressions ?? []) {
    const index = term.matchLabelKeys?.indexOf(key) ?? -1;
    if (index >= 0 && seen.has(key)) findings.invalid(`${at}[${index}]`, key, "exists in both matchLabelKeys and labelSelector");
    seen.add(key);
  }
  term.matchLabelKeys?.forEach((key, index) => {
    if (term.mismatchLabelKeys?.includes(key))
      findings.invalid(`${at}.matchLabelKeys[${index}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys");
  });
}

export function checkSpreading(spec: PodSpec, at: string, findings: Findings): void {
  const constraints = spec.topologySpreadConstraints ?? [];
  constraints.forEach((constraint, index) => {
    const here = `${at}[${index}]`;
    const { topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (!(constraint.maxSkew > 0)) findings.invalid(`${here}.maxSkew`, constraint.maxSkew ?? 0, "must be greater than zero");
    if (!topologyKey) findings.required(`${here}.topologyKey`, "can not be empty");
    if (whenUnsatisfiable !== "DoNotSchedule" && whenUnsatisfiable !== "ScheduleAnyway")
      findings.notSupported(`${here}.whenUnsatisfiable`, whenUnsatisfiable ?? "", ["DoNotSchedule", "ScheduleAnyway"]);
    // What comes again later is said of the first.
    if (constraints.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable))
      findings.duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    if (minDomains !== undefined) {
      if (minDomains <= 0) findings.invalid(`${here}.minDomains`, minDomains, "must be greater than zero");
      if (whenUnsatisfiable !== "DoNotSchedule")
        findings.invalid(
          `${here}.minDomains`,
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
        );
    }
    for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = constraint[field];
      if (policy !== undefined && policy !== "Honor" && policy !== "Ignore")
        findings.notSupported(`${here}.${field}`, policy, ["Honor", "Ignore"]);
    }
    checkSpreadKeys(constraint, `${here}.matchLabelKeys`, findings);
    checkLabelSelector(constraint.labelSelector, `${here}.labelSelector`, findings);
  });
}

function checkSpreadKeys({ matchLabelKeys = [], labelSelector }: TopologySpreadConstraint, at: string, findings: Findings): void {
  if (matchLabelKeys.length === 0) return;
  if (labelSelector === undefined) findings.forbidden(at, "must not be specified when labelSelector is not set");
  matchLabelKeys.forEach((key, index) => {
    findings.invalidFor(`${at}[${index}]`, key, wrongWithQualifiedName(key));
    const selected =
      Object.hasOwn(labelSelector?.matchLabels ?? {}, key) || labelSelector?.matchExpressions?.some((one) => one.key === key);
    if (selected) findings.invalid(`${at}[${index}]`, key, "exists in both matchLabelKeys and labelSelector");
  });
}
