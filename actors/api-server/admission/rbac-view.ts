import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../protocol/kinds/generated";
import type { RbacObjects } from "../authorization/rbac";
import type { ClusterView } from "./admission";

const group = "rbac.authorization.k8s.io";

/** The RBAC objects that a plug-in sees. */
export function rbacIn(cluster: ClusterView): RbacObjects {
  const all = <T>(plural: string) => cluster.list(group, "v1", plural) as unknown as readonly T[];
  return {
    clusterRole: (name) => cluster.get(group, "v1", "clusterroles", "", name) as ClusterRole | undefined,
    clusterRoles: () => all<ClusterRole>("clusterroles"),
    role: (namespace, name) => cluster.get(group, "v1", "roles", namespace, name) as Role | undefined,
    clusterRoleBindings: () => all<ClusterRoleBinding>("clusterrolebindings"),
    roleBindings: (namespace) => all<RoleBinding>("rolebindings").filter(({ metadata }) => metadata?.namespace === namespace),
  };
}
