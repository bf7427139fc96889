import type { JsonObject } from "../../../../protocol/kinds/object";
import { constants, fill, fillZero, mapList, objectAt, put, type RuleRow } from "./rule";

/** The defaults of Pods, their templates, containers, probes and volumes. Source: the API reference of core/v1. */
export const podRules: readonly RuleRow[] = [
  ["core.v1.Pod", podOnly],
  ["core.v1.PodSpec", podSpec],
  ["core.v1.Container", container],
  ["core.v1.EphemeralContainer", container],
  ["core.v1.Probe", (probe) => fillZero(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 })],
  ["core.v1.HTTPGetAction", constants({ path: "/", scheme: "HTTP" })],
  ["core.v1.ObjectFieldSelector", constants({ apiVersion: "v1" })],
  ["core.v1.Volume", volume],
  ["core.v1.SecretVolumeSource", constants({ defaultMode: 0o644 })],
  ["core.v1.ConfigMapVolumeSource", constants({ defaultMode: 0o644 })],
  ["core.v1.DownwardAPIVolumeSource", constants({ defaultMode: 0o644 })],
  ["core.v1.ProjectedVolumeSource", constants({ defaultMode: 0o644 })],
  ["core.v1.ServiceAccountTokenProjection", constants({ expirationSeconds: 3600 })],
  ["core.v1.HostPathVolumeSource", constants({ type: "" })],
  ["core.v1.AzureDiskVolumeSource", constants({ cachingMode: "ReadWrite", kind: "Shared" })],
];

/** What holds for a Pod but not for a template: requests follow limits, links to Services, ports on the host's network. */
function podOnly(pod: JsonObject): JsonObject {
  const before = objectAt(pod, "spec");
  let spec = fill(before, { enableServiceLinks: true });
  for (const list of ["containers", "initContainers"]) {
    spec = mapList(spec, list, requestsFromLimits);
    if (spec.hostNetwork === true) spec = mapList(spec, list, portsOnHost);
  }
  return spec === before ? pod : { ...pod, spec };
}

function requestsFromLimits(containerSpec: JsonObject): JsonObject {
  const resources = objectAt(containerSpec, "resources");
  if (resources.limits === undefined) return containerSpec;
  const before = objectAt(resources, "requests");
  const requests = fill(before, objectAt(resources, "limits"));
  return requests === before ? containerSpec : { ...containerSpec, resources: { ...resources, requests } };
}

function portsOnHost(containerSpec: JsonObject): JsonObject {
  return mapList(containerSpec, "ports", (port) => fillZero(port, { hostPort: port.containerPort }));
}

const podSpecDefaults = {
  dnsPolicy: "ClusterFirst",
  restartPolicy: "Always",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  schedulerName: "default-scheduler",
};

function podSpec(spec: JsonObject): JsonObject {
  return mirrorServiceAccount(fill(spec, podSpecDefaults));
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are always served, with the same value. */
export function mirrorServiceAccount(spec: JsonObject): JsonObject {
  const name = spec.serviceAccountName || spec.serviceAccount;
  return name ? put(spec, { serviceAccountName: name, serviceAccount: name }) : spec;
}

function container(spec: JsonObject): JsonObject {
  return fill(spec, {
    imagePullPolicy: pullPolicyOf(typeof spec.image === "string" ? spec.image : ""),
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    resources: {},
  });
}

/** An image without tag means ":latest", and what is latest is pulled each time; any other tag, or a digest, is pulled once. */
function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  const name = image.slice(image.lastIndexOf("/") + 1);
  const [bare = "", digest] = name.split("@");
  const colon = bare.indexOf(":");
  const tag = colon >= 0 ? bare.slice(colon + 1) : digest === undefined ? "latest" : "";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function volume(source: JsonObject): JsonObject {
  const has = Object.keys(source).some((key) => key !== "name");
  if (!has) return { ...source, emptyDir: {} };
  const image = objectAt(source, "image");
  if (source.image === undefined || image.pullPolicy) return source;
  return { ...source, image: { ...image, pullPolicy: pullPolicyOf(typeof image.reference === "string" ? image.reference : "") } };
}
