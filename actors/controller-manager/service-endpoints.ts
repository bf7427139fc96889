import type { Pod, Service, ServicePort } from "../../protocol/kinds/generated";
import { matchesLabelMap, matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { keyOf, type Stored } from "../../protocol/kinds/object";
import { pods, services, type View } from "../client";
import { isPodTerminal } from "./pod-state";

/** What the Endpoints and the EndpointSlice controllers have in common. Source: "Service" in the documentation. */

export const headlessLabel = "service.kubernetes.io/headless";

export interface ResolvedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** Whether the controllers keep endpoints for this Service: it selects pods and is no mere alias. */
export function selectsPods(service: Stored<Service>): boolean {
  return service.spec?.selector !== undefined && service.spec.type !== "ExternalName";
}

export function isHeadless(service: Stored<Service>): boolean {
  return service.spec?.clusterIP === "None";
}

/** The Service's pods that have an address and have not run to their end. */
export function podsOf(service: Stored<Service>, view: View): readonly Stored<Pod>[] {
  const { namespace = "" } = service.metadata;
  const selector = { matchLabels: service.spec?.selector ?? {} };
  return view
    .of(pods)
    .byIndex("namespace", namespace)
    .filter((pod) => !isPodTerminal(pod) && !!pod.status?.podIP && matchesLabelSelector(selector, pod.metadata.labels));
}

/** The Services that select a pod. */
export function serviceKeysOf(pod: Stored<Pod>, view: View): readonly string[] {
  return view
    .of(services)
    .byIndex("namespace", pod.metadata.namespace ?? "")
    .filter((service) => selectsPods(service) && matchesLabelMap(service.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

/** The Service's ports as they are at this pod; a named target port that the pod does not have is left out. */
export function portsAt(service: Stored<Service>, pod: Pod): readonly ResolvedPort[] {
  const resolved: ResolvedPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(port, pod);
    if (number === undefined) continue;
    const { appProtocol } = port;
    resolved.push({ name: port.name ?? "", port: number, protocol: port.protocol ?? "TCP", ...(appProtocol ? { appProtocol } : {}) });
  }
  return resolved;
}

/** Equal for equal ports. */
export function portsKey(ports: readonly ResolvedPort[]): string {
  return ports.map(({ name, port, protocol, appProtocol = "" }) => `${name} ${port} ${protocol} ${appProtocol}`).join("|");
}

function targetPort({ targetPort: target, port, protocol = "TCP" }: ServicePort, pod: Pod): number | undefined {
  if (typeof target === "number") return target === 0 ? port : target;
  if (target === undefined || target === "") return port;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars])
    for (const candidate of container.ports ?? [])
      if (candidate.name === target && (candidate.protocol ?? "TCP") === protocol) return candidate.containerPort;
  return undefined;
}

/** The name by which a headless Service's DNS knows the pod, "" for none. */
export function hostnameIn(service: Stored<Service>, pod: Pod): string {
  return pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : "";
}

export function targetRefOf(pod: Stored<Pod>) {
  return { kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid };
}
