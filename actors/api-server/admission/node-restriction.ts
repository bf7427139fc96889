import type { Pod } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { forbidden } from "../../../protocol/status";
import type { Admission, Plugin } from "./admission";

/** A kubelet may write to its own Node and Lease, and to Pods that are bound to it; nothing of another node's. */
export const nodeRestriction: Plugin = {
  name: "NodeRestriction",
  mutate(admission) {
    const why = refusal(admission);
    return why === undefined
      ? admission.object
      : forbidden({ group: admission.kind.group, resource: admission.kind.plural, name: admission.name }, why);
  },
};

const prefix = "system:node:";

function refusal({ user, kind, subresource, operation, namespace, name, object, old }: Admission): string | undefined {
  if (!user.groups.includes("system:nodes") || !user.name.startsWith(prefix)) return undefined;
  const node = user.name.slice(prefix.length);
  const resource = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
  switch (resource) {
    case "nodes":
      return name === node ? undefined : `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
    case "leases.coordination.k8s.io":
      if (namespace !== "kube-node-lease") return `can only access leases in the "kube-node-lease" system namespace`;
      return name === node ? undefined : `can only access node lease with the same name as the requesting node`;
    case "pods": {
      if (operation === "CREATE" && subresource === "") {
        const mirror = object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined;
        if (!mirror)
          return `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`;
      }
      const bound = ((old ?? object) as ApiObject & Pod).spec?.nodeName;
      if (subresource === "eviction" || bound === node) return undefined;
      return `node ${JSON.stringify(node)} can only act on pods with spec.nodeName set to itself`;
    }
    default:
      return undefined;
  }
}
