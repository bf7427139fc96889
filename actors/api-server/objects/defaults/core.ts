import type { JsonObject } from "../../../../protocol/kinds/object";
import { constants, fill, fillZero, listAt, mapList, objectAt, put, type RuleRow } from "./rule";

/** The defaults of the core group's other kinds. Source: the API reference of core/v1. */
export const coreRules: readonly RuleRow[] = [
  ["core.v1.Service", (object) => put(object, { spec: service(objectAt(object, "spec")) })],
  ["core.v1.Namespace", namespace],
  ["core.v1.NamespaceStatus", constants({ phase: "Active" })],
  ["core.v1.NodeStatus", (status) => (status.capacity === undefined ? status : fill(status, { allocatable: status.capacity }))],
  ["core.v1.Secret", secret],
  ["core.v1.ReplicationController", replicationController],
  ["core.v1.PersistentVolume", (volume) => fill(volume, { status: { phase: "Pending" } })],
  ["core.v1.PersistentVolumeSpec", constants({ persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" })],
  ["core.v1.PersistentVolumeClaim", (claim) => fill(claim, { status: { phase: "Pending" } })],
  ["core.v1.PersistentVolumeClaimSpec", constants({ volumeMode: "Filesystem" })],
  ["core.v1.EndpointPort", constants({ protocol: "TCP" })],
  ["core.v1.LimitRangeItem", limitRangeItem],
];

function service(given: JsonObject): JsonObject {
  let spec = fill(given, { sessionAffinity: "None", type: "ClusterIP" });
  if (spec.sessionAffinity === "None" && spec.sessionAffinityConfig !== undefined) {
    const { sessionAffinityConfig, ...rest } = spec;
    spec = rest;
  }
  if (spec.sessionAffinity === "ClientIP") {
    const timeout = objectAt(objectAt(spec, "sessionAffinityConfig"), "clientIP").timeoutSeconds;
    if (timeout === undefined) spec = { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } };
  }
  spec = mapList(spec, "ports", (port) => fill(fillZero(port, { targetPort: port.port }), { protocol: "TCP" }));
  const external = spec.type === "NodePort" || spec.type === "LoadBalancer";
  if (external || (spec.type === "ClusterIP" && listAt(spec, "externalIPs").length > 0))
    spec = fill(spec, { externalTrafficPolicy: "Cluster" });
  if (external || spec.type === "ClusterIP") spec = fill(spec, { internalTrafficPolicy: "Cluster" });
  return spec.type === "LoadBalancer" ? fill(spec, { allocateLoadBalancerNodePorts: true }) : spec;
}

/** Every namespace carries its name as a label, so that selectors of namespaces can name one. */
function namespace(object: JsonObject): JsonObject {
  const metadata = objectAt(object, "metadata");
  const spec = objectAt(object, "spec");
  const { name } = metadata;
  const labels = put(objectAt(metadata, "labels"), { "kubernetes.io/metadata.name": name });
  return put(object, {
    metadata: typeof name === "string" && name !== "" ? put(metadata, { labels }) : metadata,
    spec: listAt(spec, "finalizers").length > 0 ? spec : { ...spec, finalizers: ["kubernetes"] },
    status: objectAt(object, "status"),
  });
}

/** `stringData` is for writing only: it goes into `data`, over what is there. */
function secret(object: JsonObject): JsonObject {
  const typed = fill(object, { type: "Opaque" });
  if (typed.stringData === undefined) return typed;
  const { stringData, ...rest } = typed;
  const data: Record<string, unknown> = { ...objectAt(rest, "data") };
  for (const [key, content] of Object.entries(stringData as Record<string, string>))
    data[key] = Buffer.from(content, "utf8").toString("base64");
  return { ...rest, data };
}

function replicationController(object: JsonObject): JsonObject {
  const spec = fill(objectAt(object, "spec"), { replicas: 1 });
  const labels = objectAt(objectAt(objectAt(spec, "template"), "metadata"), "labels");
  if (Object.keys(labels).length === 0) return put(object, { spec });
  const metadata = objectAt(object, "metadata");
  const selector = Object.keys(objectAt(spec, "selector")).length > 0 ? spec.selector : labels;
  return put(object, { metadata: put(metadata, { labels: metadata.labels ?? labels }), spec: put(spec, { selector }) });
}

/** For containers a missing default limit is the maximum, a missing default request the default limit, or the minimum. */
function limitRangeItem(item: JsonObject): JsonObject {
  if (item.type !== "Container") return item;
  const limits = fill(objectAt(item, "default"), objectAt(item, "max"));
  const requests = fill(fill(objectAt(item, "defaultRequest"), limits), objectAt(item, "min"));
  return put(item, { default: limits, defaultRequest: requests });
}
