import type { Pod, Service } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";

/** The Services of one namespace. */
export type ServicesOf = (namespace: string) => readonly Stored<Service>[];

/**
 * What a container learns of Services by its environment: those of the pod's own namespace unless it turned `enableServiceLinks` off, and `kubernetes` always;
 * headless ones have nothing to tell. Source: "Service", discovering services, environment variables: the names that Docker's links made, too.
 */
export function serviceEnvironment(pod: Stored<Pod>, servicesOf: ServicesOf): ReadonlyMap<string, string> {
  const { namespace = "default" } = pod.metadata;
  const found = new Map<string, Stored<Service>>();
  for (const service of servicesOf("default")) if (service.metadata.name === "kubernetes") found.set("kubernetes", service);
  if (pod.spec?.enableServiceLinks ?? true) for (const service of servicesOf(namespace)) found.set(service.metadata.name, service);
  const environment = new Map<string, string>();
  for (const name of [...found.keys()].sort()) addService(environment, name, found.get(name)!);
  return environment;
}

function addService(environment: Map<string, string>, name: string, { spec }: Stored<Service>): void {
  const { clusterIP = "", ports = [] } = spec ?? {};
  const [first] = ports;
  if (clusterIP === "" || clusterIP === "None" || !first) return;
  const prefix = variableName(name);
  environment.set(`${prefix}_SERVICE_HOST`, clusterIP);
  environment.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name: port, port: number } of ports)
    if (port) environment.set(`${prefix}_SERVICE_PORT_${variableName(port)}`, String(number));
  const url = ({ protocol, port }: { readonly protocol: string; readonly port: number }) => `${protocol}://${clusterIP}:${port}`;
  const links = ports.map(({ protocol = "TCP", port }) => ({ protocol: protocol.toLowerCase(), port }));
  environment.set(`${prefix}_PORT`, url(links[0]!));
  for (const link of links) {
    const port = `${prefix}_PORT_${link.port}_${link.protocol.toUpperCase()}`;
    environment.set(port, url(link));
    environment.set(`${port}_PROTO`, link.protocol);
    environment.set(`${port}_PORT`, String(link.port));
    environment.set(`${port}_ADDR`, clusterIP);
  }
}

const variableName = (name: string) => name.toUpperCase().replaceAll("-", "_");
