import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacV1Subject,
  Role,
  RoleBinding,
  RoleRef,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkLabelSelector } from "./selectors";

/** rbac.authorization.k8s.io/v1. */

const rbacGroup = "rbac.authorization.k8s.io";

export function checkRole(role: Role, findings: Findings): void {
  checkRules(role.rules, true, findings);
}

export function checkClusterRole(role: ClusterRole, findings: Findings): void {
  checkRules(role.rules, false, findings);
  if (!role.aggregationRule) return;
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    findings.required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil");
  selectors.forEach((selector, index) => {
    checkLabelSelector(selector, `aggregationRule.clusterRoleSelectors[${index}]`, findings);
  });
}

function checkRules(rules: readonly PolicyRule[] | undefined, namespaced: boolean, findings: Findings): void {
  rules?.forEach((rule, index) => {
    const at = `rules[${index}]`;
    if ((rule.verbs ?? []).length === 0) findings.required(`${at}.verbs`, "verbs must contain at least one value");
    if ((rule.nonResourceURLs ?? []).length > 0) {
      if (namespaced) findings.invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, "namespaced rules cannot apply to non-resource URLs");
      if ([rule.apiGroups, rule.resources, rule.resourceNames].some((list) => (list ?? []).length > 0))
        findings.invalid(
          `${at}.nonResourceURLs`,
          rule.nonResourceURLs,
          "rules cannot apply to both regular resources and non-resource URLs",
        );
      return;
    }
    if ((rule.apiGroups ?? []).length === 0) findings.required(`${at}.apiGroups`, "resource rules must supply at least one api group");
    if ((rule.resources ?? []).length === 0) findings.required(`${at}.resources`, "resource rules must supply at least one resource");
  });
}

export function checkRoleBinding(binding: RoleBinding, findings: Findings): void {
  checkRoleRef(binding.roleRef, ["Role", "ClusterRole"], findings);
  checkSubjects(binding.subjects, true, findings);
}

export function checkClusterRoleBinding(binding: ClusterRoleBinding, findings: Findings): void {
  checkRoleRef(binding.roleRef, ["ClusterRole"], findings);
  checkSubjects(binding.subjects, false, findings);
}

function checkRoleRef(reference: RoleRef | undefined, kinds: readonly string[], findings: Findings): void {
  if (reference?.apiGroup !== rbacGroup) findings.notSupported("roleRef.apiGroup", reference?.apiGroup ?? "", [rbacGroup]);
  if (!kinds.includes(reference?.kind ?? "")) findings.notSupported("roleRef.kind", reference?.kind ?? "", kinds);
  if (!reference?.name) findings.required("roleRef.name");
}

function checkSubjects(subjects: readonly RbacV1Subject[] | undefined, namespaced: boolean, findings: Findings): void {
  subjects?.forEach((subject, index) => {
    const at = `subjects[${index}]`;
    if (!subject.name) findings.required(`${at}.name`);
    switch (subject.kind) {
      case "ServiceAccount":
        if (subject.name) findings.invalidFor(`${at}.name`, subject.name, wrongWithDns1123Subdomain(subject.name));
        if (subject.apiGroup) findings.notSupported(`${at}.apiGroup`, subject.apiGroup, [""]);
        if (!namespaced && !subject.namespace) findings.required(`${at}.namespace`);
        break;
      case "User":
      case "Group":
        if (subject.apiGroup !== rbacGroup) findings.notSupported(`${at}.apiGroup`, subject.apiGroup ?? "", [rbacGroup]);
        break;
      default:
        findings.notSupported(`${at}.kind`, subject.kind ?? "", ["ServiceAccount", "User", "Group"]);
    }
  });
}

/** A binding never changes what it binds to: it is deleted and made anew, since that is another privilege. */
export function checkBindingUpdate(stored: RoleBinding, updated: RoleBinding, findings: Findings): void {
  if (!semanticallyEqual(stored.roleRef, updated.roleRef)) findings.invalid("roleRef", updated.roleRef ?? null, "cannot change roleRef");
}
