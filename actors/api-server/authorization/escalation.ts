import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from "../../../protocol/kinds/generated";
import type { User } from "../authentication/user";
import { authorize, type RbacObjects, rulesOf, rulesOfRole } from "./rbac";
import { notCovered } from "./rules";

/**
 * Nobody may hand out more than they have. These checks are made when RBAC objects are written, after the write itself was authorized;
 * each answers why it must not be, or undefined.
 */

const rbacGroup = "rbac.authorization.k8s.io";

/** A Role or ClusterRole may be written by those who hold all its rules already, or may "escalate" it. `namespace` is "" for ClusterRoles. */
export function roleEscalation(user: User, role: Role | ClusterRole, namespace: string, objects: RbacObjects): string | undefined {
  const resource = namespace === "" ? "clusterroles" : "roles";
  if (may(user, "escalate", resource, namespace, role.metadata?.name ?? "", objects)) return undefined;
  const selects = "aggregationRule" in role && (role.aggregationRule?.clusterRoleSelectors ?? []).length > 0;
  // What an aggregation rule will select is not known when it is written: it could be anything.
  const wanted = selects ? [everything, everyUrl, ...(role.rules ?? [])] : (role.rules ?? []);
  return gained(user, wanted, namespace, objects);
}

/** A binding may be written by those who hold all rules of the role they bind, or may "bind" it. `namespace` is "" for ClusterRoleBindings. */
export function bindingEscalation(
  user: User,
  binding: RoleBinding | ClusterRoleBinding,
  namespace: string,
  objects: RbacObjects,
): string | undefined {
  const { kind, name } = binding.roleRef;
  const isClusterRole = kind === "ClusterRole";
  if (may(user, "bind", isClusterRole ? "clusterroles" : "roles", namespace, name, objects)) return undefined;
  const rules = rulesOfRole(binding.roleRef, namespace, objects);
  if (rules === undefined) return `${kind.toLowerCase()}.${rbacGroup} ${JSON.stringify(name)} not found`;
  return gained(user, rules, namespace, objects);
}

const everything: PolicyRule = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
const everyUrl: PolicyRule = { verbs: ["*"], nonResourceURLs: ["*"] };

function may(user: User, verb: string, resource: string, namespace: string, name: string, objects: RbacObjects): boolean {
  const attributes = { isResource: true, group: rbacGroup, version: "v1", subresource: "", path: "" };
  return authorize(user, { ...attributes, verb, resource, namespace, name }, objects).allowed;
}

function gained(user: User, wanted: readonly PolicyRule[], namespace: string, objects: RbacObjects): string | undefined {
  const missing = notCovered(rulesOf(user, namespace, objects).rules, wanted);
  if (missing.length === 0) return undefined;
  const list = missing.map(compact).sort().join("\n");
  return `user ${JSON.stringify(user.name)} (groups=${quoted(user.groups, " ")}) is attempting to grant RBAC permissions not currently held:\n${list}`;
}

const quoted = (texts: readonly string[], between: string) => `[${texts.map((text) => JSON.stringify(text)).join(between)}]`;

/** A rule as error messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
function compact({ apiGroups, nonResourceURLs, resourceNames, resources, verbs }: PolicyRule): string {
  const fields = {
    APIGroups: apiGroups,
    Resources: resources,
    NonResourceURLs: nonResourceURLs,
    ResourceNames: resourceNames,
    Verbs: verbs,
  };
  const shown = Object.entries(fields).flatMap(([name, values]) => (values?.length ? [`${name}:${quoted(values, ", ")}`] : []));
  return `{${shown.join(", ")}}`;
}
