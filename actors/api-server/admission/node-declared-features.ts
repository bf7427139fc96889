import type { Node, Pod } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { compareQuantity, parseQuantity } from "../../../protocol/kinds/quantity";
import { forbidden } from "../../../protocol/status";
import { semanticallyEqual } from "../objects/equality";
import type { Plugin } from "./admission";

/** What a change of a running Pod asks of the kubelet, by the name under which kubelets declare that they can do it, in the order of refusals. */
const features: readonly (readonly [name: string, isNeeded: (old: Pod, pod: Pod) => boolean])[] = [
  ["GuaranteedQoSPodCPUResize", resizesCpuOfGuaranteed],
  ["InPlacePodLevelResourcesVerticalScaling", ({ spec: old }, { spec }) => !semanticallyEqual(old?.resources, spec?.resources)],
];

/**
 * A Pod on a node is not changed in a way that the node has not declared it can carry out. Source: "Admission Control",
 * NodeDeclaredFeatureValidator; of the features those that concern changes.
 */
export const nodeDeclaredFeatureValidator: Plugin = {
  name: "NodeDeclaredFeatureValidator",
  validate({ operation, kind, subresource, object, old, name, cluster }) {
    if (operation !== "UPDATE" || kind.group !== "" || kind.plural !== "pods" || (subresource !== "" && subresource !== "resize"))
      return undefined;
    const [before, after] = [old, object] as unknown as readonly (ApiObject & Pod)[];
    const node = after!.spec?.nodeName;
    if (!node || before!.metadata.generation === after!.metadata.generation) return undefined;
    const needed = features.filter(([, isNeeded]) => isNeeded(before!, after!)).map(([feature]) => feature);
    if (needed.length === 0) return undefined;
    const subject = { group: "", resource: "pods", name };
    const found = cluster.get("", "v1", "nodes", "", node) as Stored<Node> | undefined;
    if (!found) return forbidden(subject, `node ${JSON.stringify(node)} not found`);
    const lacking = needed.filter((feature) => !found.status?.declaredFeatures?.includes(feature));
    if (lacking.length === 0) return undefined;
    return forbidden(
      subject,
      `pod update requires features ${lacking.join(", ")} which are not available on node ${JSON.stringify(found.metadata.name)}`,
    );
  },
};

function resizesCpuOfGuaranteed({ spec: old, status }: Pod, { spec }: Pod): boolean {
  if (status?.qosClass !== "Guaranteed") return false;
  const cpu = (pod: Pod["spec"], index: number) => parseQuantity(pod?.containers[index]?.resources?.requests?.cpu ?? "0");
  return (old?.containers ?? []).some((_, index) => compareQuantity(cpu(old, index), cpu(spec, index)) !== 0);
}
