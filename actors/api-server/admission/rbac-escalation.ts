import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../protocol/kinds/generated";
import { forbidden } from "../../../protocol/status";
import { bindingEscalation, roleEscalation } from "../authorization/escalation";
import type { Admission, Plugin } from "./admission";
import { rbacIn } from "./rbac-view";

/** Nobody hands out by a role or a binding what they do not hold themselves. In Kubernetes the registry of RBAC objects sees to it. */
export const rbacEscalation: Plugin = {
  name: "RBACEscalation",
  needs({ operation, kind, namespace, object }) {
    if (operation === "DELETE" || kind.group !== group || !kind.kind.endsWith("Binding")) return [];
    const { roleRef } = object as unknown as RoleBinding;
    const isClusterRole = roleRef?.kind === "ClusterRole";
    if (!roleRef?.name) return [];
    return [
      {
        group,
        version: "v1",
        plural: isClusterRole ? "clusterroles" : "roles",
        namespace: isClusterRole ? "" : namespace,
        name: roleRef.name,
      },
    ];
  },
  validate(admission) {
    const { operation, kind, name } = admission;
    if (operation === "DELETE" || kind.group !== group) return undefined;
    const why = kind.kind.endsWith("Binding") ? boundTooMuch(admission) : grantsTooMuch(admission);
    return why === undefined ? undefined : forbidden({ group, resource: kind.plural, name }, why);
  },
};

const group = "rbac.authorization.k8s.io";

function grantsTooMuch({ object, user, namespace, cluster }: Admission): string | undefined {
  return roleEscalation(user, object as unknown as Role | ClusterRole, namespace, rbacIn(cluster));
}

function boundTooMuch({ object, user, namespace, cluster }: Admission): string | undefined {
  return bindingEscalation(user, object as unknown as RoleBinding | ClusterRoleBinding, namespace, rbacIn(cluster));
}
