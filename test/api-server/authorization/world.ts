import { authenticated, type User } from "../../../actors/api-server/authentication/user";
import type { Attributes } from "../../../actors/api-server/authorization/attributes";
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from "../../../actors/api-server/authorization/default-roles";
import type { RbacObjects } from "../../../actors/api-server/authorization/rbac";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../protocol/kinds/generated";

interface Extra {
  readonly clusterRoles?: readonly ClusterRole[];
  readonly clusterRoleBindings?: readonly ClusterRoleBinding[];
  readonly roles?: readonly Role[];
  readonly roleBindings?: readonly RoleBinding[];
}

/** The RBAC objects of a new cluster, and some more. */
export function rbacWorld(extra: Extra = {}): RbacObjects {
  const clusterRoles = [...defaultClusterRoles, ...(extra.clusterRoles ?? [])];
  const roles = [...defaultRoles, ...(extra.roles ?? [])];
  const clusterRoleBindings = [...defaultClusterRoleBindings, ...(extra.clusterRoleBindings ?? [])];
  const roleBindings = [...defaultRoleBindings, ...(extra.roleBindings ?? [])];
  return {
    clusterRole: (name) => clusterRoles.find((r) => r.metadata?.name === name),
    clusterRoles: () => clusterRoles,
    role: (namespace, name) => roles.find((r) => r.metadata?.namespace === namespace && r.metadata.name === name),
    clusterRoleBindings: () => clusterRoleBindings,
    roleBindings: (namespace) => roleBindings.filter((b) => b.metadata?.namespace === namespace),
  };
}

/** A RoleBinding in namespace shop; the role is "Role/name" or "ClusterRole/name", the subject "User/jane" or "ServiceAccount/web". */
export function binding(role: string, subject: string, namespace = "shop"): RoleBinding {
  const [kind = "", name = ""] = role.split("/");
  const [subjectKind = "", subjectName = ""] = subject.split("/");
  return { metadata: { name: "b", namespace }, roleRef: { kind, name }, subjects: [{ kind: subjectKind, name: subjectName }] };
}

export const user = (name: string, ...groups: string[]): User => authenticated(name, groups);

/** "get pods", "get pods/log", "create deployments.apps", "get pods:web-1" (one object), in a namespace ("" for none); or "get /readyz". */
export function want(text: string, namespace = "shop"): Attributes {
  const [verb = "", what = ""] = text.split(" ");
  const none = { group: "", version: "", resource: "", subresource: "", namespace: "", name: "", path: "" };
  if (what.startsWith("/")) return { ...none, verb, isResource: false, path: what };
  const [, resource = "", subresource = "", group = "", name = ""] = /^([^./:]+)(?:\/([^.:]+))?(?:\.([^:]+))?(?::(.*))?$/.exec(what) ?? [];
  return { ...none, verb, isResource: true, group, version: "v1", resource, subresource, namespace, name };
}
