import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject, Role, RoleBinding } from "../../../protocol/kinds/generated";

/** How the default policy is written down: words with spaces between them instead of lists (sorted, as real servers write them), "core" for the group without a name. */

/** `rule("core apps", "pods pods/log", "get list")`, optionally about some objects by name. */
export function rule(groups: string, resources: string, verbs: string, names?: string): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === "core" ? "" : group)),
    resources: words(resources),
    ...(names === undefined ? {} : { resourceNames: words(names) }),
  };
}

/** A rule about what is not a resource. */
export function urls(paths: string, verbs = "get"): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths) };
}

function words(text: string): readonly string[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .sort();
}

export const read = "get list watch";
export const write = "create delete deletecollection patch update";
export const readWrite = `${read} ${write}`;
export const writeEvents = rule("core events.k8s.io", "events", "create patch update");

const apiGroup = "rbac.authorization.k8s.io";
const apiVersion = `${apiGroup}/v1`;

/** Default objects carry these, so that a newer version may add to them what they lack, and users can tell them from their own. */
const mark = {
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults" },
};

export type AggregateTo = "admin" | "edit" | "view";

/** A ClusterRole; with `aggregateTo` its rules become part of that role too. */
export function clusterRole(name: string, rules: readonly PolicyRule[], aggregateTo?: AggregateTo): ClusterRole {
  const labels = aggregateTo === undefined ? mark.labels : { ...mark.labels, [aggregationLabel(aggregateTo)]: "true" };
  return { apiVersion, kind: "ClusterRole", metadata: { name, annotations: mark.annotations, labels }, rules };
}

/** A ClusterRole whose rules are those of the ClusterRoles that say so. `rules` are what that comes to in the default policy. */
export function aggregatedClusterRole(name: AggregateTo, rules: readonly PolicyRule[], aggregateTo?: AggregateTo): ClusterRole {
  const clusterRoleSelectors = [{ matchLabels: { [aggregationLabel(name)]: "true" } }];
  return { ...clusterRole(name, rules, aggregateTo), aggregationRule: { clusterRoleSelectors } };
}

function aggregationLabel(to: AggregateTo): string {
  return `${apiGroup}/aggregate-to-${to}`;
}

/** A Role. */
export function role(namespace: string, name: string, rules: readonly PolicyRule[]): Role {
  return { apiVersion, kind: "Role", metadata: { name, namespace, ...mark }, rules };
}

/** A ClusterRoleBinding of the ClusterRole of this name. */
export function bind(name: string, subjects: readonly RbacV1Subject[]): ClusterRoleBinding {
  return {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: { name, ...mark },
    roleRef: { apiGroup, kind: "ClusterRole", name },
    subjects,
  };
}

/** A RoleBinding of a Role in the same namespace. */
export function bindRole(namespace: string, name: string, roleName: string, subjects: readonly RbacV1Subject[]): RoleBinding {
  const roleRef = { apiGroup, kind: "Role", name: roleName };
  return { apiVersion, kind: "RoleBinding", metadata: { name, namespace, ...mark }, roleRef, subjects };
}

export const user = (name: string): RbacV1Subject => ({ apiGroup, kind: "User", name });
export const group = (name: string): RbacV1Subject => ({ apiGroup, kind: "Group", name });
export const serviceAccount = (namespace: string, name: string): RbacV1Subject => ({ kind: "ServiceAccount", namespace, name });
