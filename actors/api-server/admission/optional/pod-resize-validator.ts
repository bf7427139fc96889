import type { Node, Pod } from "../../../../protocol/kinds/generated";
import { forbidden } from "../../../../protocol/status";
import { podRequests, resourceAmounts } from "../../../scheduler/resource-amounts";
import type { Plugin } from "../admission";

/** A resize that the whole node could never give is refused at once, instead of being kept as infeasible. */
export const podResizeValidator: Plugin = {
  name: "PodResizeValidator",
  validate({ kind, subresource, operation, object, name, cluster }) {
    if (operation !== "UPDATE" || kind.group !== "" || kind.plural !== "pods" || subresource !== "resize") return undefined;
    const pod = object as Pod;
    const nodeName = pod.spec?.nodeName;
    if (!nodeName) return undefined;
    const subject = { group: "", resource: "pods", name };
    const node = cluster.get("", "v1", "nodes", "", nodeName) as Node | undefined;
    if (!node) return forbidden(subject, `node ${JSON.stringify(nodeName)} not found`);
    const os = node.metadata?.labels?.["kubernetes.io/os"];
    if (os !== undefined && os !== "linux")
      return forbidden(subject, `pod resize is only supported on linux nodes, node ${JSON.stringify(nodeName)} is ${JSON.stringify(os)}`);
    const asked = podRequests({ ...pod, status: {} });
    const has = resourceAmounts(node.status?.allocatable);
    const lacking = [
      ...(asked.milliCpu > has.milliCpu ? [`cpu, requested: ${asked.milliCpu}, allocatable: ${has.milliCpu}`] : []),
      ...(asked.memory > has.memory ? [`memory, requested: ${asked.memory}, allocatable: ${has.memory}`] : []),
    ];
    if (lacking.length === 0) return undefined;
    return forbidden(subject, `node didn't have enough allocatable resources: ${lacking.join("; ")}`);
  },
};
