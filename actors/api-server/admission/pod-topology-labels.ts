import type { Binding, Node, Pod } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import type { Admission, Plugin } from "./admission";

const copied = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/**
 * A Pod learns from its labels in which zone and region its node is: they are put on the Binding, from which the Pod takes them, or on a Pod that
 * is created with a node. What the Pod says of them itself stays. Source: "Admission Control", PodTopologyLabels.
 */
export const podTopologyLabels: Plugin = {
  name: "PodTopologyLabels",
  mutate(admission) {
    const { object } = admission;
    const node = nodeOf(admission);
    if (node === undefined) return object;
    const found = admission.cluster.get("", "v1", "nodes", "", node) as Stored<Node> | undefined;
    const labels = Object.entries(found?.metadata.labels ?? {}).filter(([key]) => copied.includes(key));
    if (labels.length === 0) return object;
    return { ...object, metadata: { ...object.metadata, labels: { ...Object.fromEntries(labels), ...object.metadata.labels } } };
  },
};

function nodeOf({ operation, kind, subresource, object }: Admission): string | undefined {
  if (operation !== "CREATE" || kind.group !== "" || kind.plural !== "pods") return undefined;
  if (subresource === "") return (object as ApiObject & Pod).spec?.nodeName || undefined;
  if (subresource !== "binding") return undefined;
  const { target } = object as unknown as Binding;
  // Whoever binds through a client-go scheduler leaves nothing out but the kind's group and version.
  return target?.kind === "Node" ? target.name : undefined;
}
