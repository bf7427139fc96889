import type { JsonObject } from "../../../protocol/kinds/object";
import { listAt, mapList, objectAt, put } from "./defaults/rule";

/**
 * What an updated Service keeps of the stored one. Addresses and node ports were allocated by the server, so a client that leaves them out means
 * the same ones; a Service that changes its type loses those that the new type has no use for, unless the client asks for others.
 */
export function serviceForUpdate(stored: JsonObject, updated: JsonObject): JsonObject {
  const before = objectAt(stored, "spec");
  return put(updated, { spec: withoutUseless(before, withAllocated(before, inAgreement(before, objectAt(updated, "spec")))) });
}

/** clusterIP is the first of clusterIPs: a client that knows one of the two fields and changes it means both. */
function inAgreement(before: JsonObject, given: JsonObject): JsonObject {
  const addresses = Array.isArray(given.clusterIPs) ? given.clusterIPs : [];
  const sameList = JSON.stringify(given.clusterIPs) === JSON.stringify(before.clusterIPs);
  if (given.clusterIP !== before.clusterIP && sameList) {
    if (given.clusterIP) return addresses.length > 0 ? put(given, { clusterIPs: [given.clusterIP, ...addresses.slice(1)] }) : given;
    const { clusterIPs, ...rest } = given;
    return rest;
  }
  if (addresses.length === 0 && !sameList && given.clusterIP === before.clusterIP) {
    const { clusterIP, ...rest } = given;
    return rest;
  }
  return given;
}

const hasClusterAddress = (spec: JsonObject) => spec.type === "ClusterIP" || hasNodePorts(spec);
const hasNodePorts = (spec: JsonObject) => spec.type === "NodePort" || spec.type === "LoadBalancer";

function withAllocated(before: JsonObject, given: JsonObject): JsonObject {
  let spec = given;
  if (hasClusterAddress(before) && hasClusterAddress(spec) && !spec.clusterIP) {
    spec = put(spec, { clusterIP: before.clusterIP, ...(spec.clusterIPs === undefined ? { clusterIPs: before.clusterIPs } : {}) });
  }
  if (hasClusterAddress(spec) && hasClusterAddress(before) && spec.clusterIP === before.clusterIP)
    for (const field of ["clusterIPs", "ipFamilies", "ipFamilyPolicy"])
      if (spec[field] === undefined && before[field] !== undefined) spec = put(spec, { [field]: before[field] });
  if (hasNodePorts(before) && hasNodePorts(spec)) {
    const allocated = new Map(listAt(before, "ports").map((port) => [`${port.protocol} ${port.port}`, port.nodePort]));
    const taken = new Set(listAt(spec, "ports").map((port) => port.nodePort));
    spec = mapList(spec, "ports", (port) => {
      const nodePort = allocated.get(`${port.protocol} ${port.port}`);
      return port.nodePort || !nodePort || taken.has(nodePort) ? port : { ...port, nodePort };
    });
  }
  if (!spec.healthCheckNodePort && before.healthCheckNodePort && spec.externalTrafficPolicy === "Local" && spec.type === "LoadBalancer")
    spec = put(spec, { healthCheckNodePort: before.healthCheckNodePort });
  return spec;
}

function withoutUseless(before: JsonObject, given: JsonObject): JsonObject {
  if (before.type === given.type) return given;
  const spec: Record<string, unknown> = { ...given };
  const drop = (field: string) => {
    if (JSON.stringify(spec[field]) === JSON.stringify(before[field])) delete spec[field];
  };
  if (hasClusterAddress(before) && !hasClusterAddress(spec))
    for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]) drop(field);
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const allocated = new Set(listAt(before, "ports").map((port) => port.nodePort));
    spec.ports = listAt(spec, "ports").map((port) => {
      if (!port.nodePort || !allocated.has(port.nodePort)) return port;
      const { nodePort, ...rest } = port;
      return rest;
    });
    drop("externalTrafficPolicy");
    drop("healthCheckNodePort");
  }
  if (before.type === "LoadBalancer")
    for (const field of ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]) drop(field);
  if (before.type === "ExternalName") drop("externalName");
  return spec;
}
