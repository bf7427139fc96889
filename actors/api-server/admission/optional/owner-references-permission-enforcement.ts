import type { OwnerReference } from "../../../../protocol/kinds/generated";
import { groupVersionOf, kindOf } from "../../../../protocol/kinds/registry";
import { forbidden } from "../../../../protocol/status";
import { authorize } from "../../authorization/rbac";
import type { Admission, Plugin } from "../admission";
import { rbacIn } from "../rbac-view";

/**
 * Whoever changes whom an object belongs to must be allowed to delete it, since the garbage collector would; whoever lets it block the deletion of
 * its owner must be allowed to change the finalizers of that. Source: "Admission Control", OwnerReferencesPermissionEnforcement.
 */
export const ownerReferencesPermissionEnforcement: Plugin = {
  name: "OwnerReferencesPermissionEnforcement",
  validate(admission) {
    const { operation, kind, subresource, object, old, namespace, name } = admission;
    if (operation === "DELETE" || subresource === "status") return undefined;
    const after = object.metadata.ownerReferences ?? [];
    const before = old?.metadata.ownerReferences ?? [];
    if (JSON.stringify(after) === JSON.stringify(before)) return undefined;
    const subject = { group: kind.group, resource: kind.plural, name };
    const place = { group: kind.group, version: kind.version, resource: kind.plural, namespace, name };
    if (old && !may(admission, { ...place, verb: "delete" }))
      return forbidden(subject, "cannot set an ownerRef on a resource you can't delete: no RBAC policy matched");
    for (const owner of after) {
      const blockedBefore = before.some((other) => other.uid === owner.uid && other.blockOwnerDeletion === true);
      if (owner.blockOwnerDeletion !== true || blockedBefore || mayFinalize(admission, owner)) continue;
      return forbidden(
        subject,
        "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: no RBAC policy matched",
      );
    }
    return undefined;
  },
};

interface Asked {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

function may({ user, cluster }: Admission, asked: Asked): boolean {
  return authorize(user, { ...{ path: "", isResource: true, subresource: "" }, ...asked }, rbacIn(cluster)).allowed;
}

/** A kind that is not known is an owner that nobody can be asked about: it is let pass, as the garbage collector will find out. */
function mayFinalize(admission: Admission, owner: OwnerReference): boolean {
  const kind = kindOf(owner.apiVersion, owner.kind);
  if (!kind) return true;
  const { group, version } = groupVersionOf(owner.apiVersion);
  const namespace = kind.namespaced ? admission.namespace : "";
  return may(admission, {
    ...{ verb: "update", group, version, resource: kind.plural },
    namespace,
    name: owner.name,
    subresource: "finalizers",
  });
}
