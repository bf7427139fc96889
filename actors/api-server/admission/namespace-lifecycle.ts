import type { Namespace } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { failure, forbidden, notFound } from "../../../protocol/status";
import { type Admission, isOf, type Plugin } from "./admission";

/** Nothing is created in a namespace that is not there or is being deleted, and the three that everything stands on stay. */
export const namespaceLifecycle: Plugin = {
  name: "NamespaceLifecycle",
  needs: ({ operation, kind, namespace }) =>
    operation === "CREATE" && kind.namespaced ? [{ group: "", version: "v1", plural: "namespaces", namespace: "", name: namespace }] : [],
  mutate(admission) {
    return refusal(admission) ?? admission.object;
  },
};

const immortal: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

function refusal(admission: Admission) {
  const { operation, kind, namespace, name, cluster } = admission;
  const subject = { group: kind.group, resource: kind.plural, name };
  if (operation === "DELETE" && isOf(admission, "", "namespaces") && immortal.has(name))
    return forbidden(subject, "this namespace may not be deleted");
  if (operation !== "CREATE" || !kind.namespaced) return undefined;
  const found = cluster.get("", "v1", "namespaces", "", namespace) as Stored<Namespace> | undefined;
  if (!found) return notFound({ group: "", resource: "namespaces", name: namespace });
  if (found.metadata.deletionTimestamp === undefined && found.status?.phase !== "Terminating") return undefined;
  const refused = forbidden(subject, `unable to create new content in namespace ${namespace} because it is being terminated`);
  return failure("Forbidden", refused.message, {
    subject,
    causes: [{ reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" }],
  });
}
