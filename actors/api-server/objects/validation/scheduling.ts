import type { Affinity, PodAffinityTerm, PodSpec, Toleration } from "../../../../protocol/kinds/generated";
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
        findings.invalidFor(`${here}.operator`, toleration.value ?? "", wrongWithLabelValue(toleration.value ?? ""));
        break;
      case "Exists":
        if (toleration.value) findings.invalid(`${here}.operator`, toleration.value, "value must be empty when `operator` is 'Exists'");
        break;
      case "Gt":
      case "Lt":
        if (!/^(0|-?[1-9]\d*)$/.test(toleration.value ?? ""))
          findings.invalid(`${here}.value`, toleration.value ?? "", "value must be a valid integer");
        break;
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
    checkNodeSelectorTerm(term.preference ?? {}, `${here}.preference`, findings);
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
  if (!term.topologyKey) findings.required(`${at}.topologyKey`, "can not be empty");
  else findings.invalidFor(`${at}.topologyKey`, term.topologyKey, wrongWithQualifiedName(term.topologyKey));
}

export function checkSpreading(spec: PodSpec, at: string, findings: Findings): void {
  const seen = new Set<string>();
  spec.topologySpreadConstraints?.forEach((constraint, index) => {
    const here = `${at}[${index}]`;
    if (!(constraint.maxSkew > 0)) findings.invalid(`${here}.maxSkew`, constraint.maxSkew ?? 0, "must be greater than zero");
    if (!constraint.topologyKey) findings.required(`${here}.topologyKey`, "can not be empty");
    else findings.invalidFor(`${here}.topologyKey`, constraint.topologyKey, wrongWithQualifiedName(constraint.topologyKey));
    const pair = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
    if (seen.has(pair)) findings.duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, pair);
    seen.add(pair);
    if (constraint.minDomains !== undefined) {
      if (constraint.minDomains <= 0) findings.invalid(`${here}.minDomains`, constraint.minDomains, "must be greater than zero");
      if (constraint.whenUnsatisfiable !== "DoNotSchedule")
        findings.invalid(
          `${here}.minDomains`,
          constraint.minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${constraint.whenUnsatisfiable}`,
        );
    }
    checkLabelSelector(constraint.labelSelector, `${here}.labelSelector`, findings);
  });
}
