import { type Address, address } from "../../../protocol/address";
import type { EndpointSlice, Endpoints, Node, Pod, Service } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { isCidr } from "../custom-resources/schema/formats";
import { cidrOf, contains } from "../registry/cidr";
import type { ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { keyOfObject, prefixOfList, resourceNamed } from "../storage/keys";

/** Whom to call: by URL, or by a Service of the cluster. */
export interface WebTarget {
  readonly url?: string;
  readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number };
  /** Base64 of PEM, as objects hold it. */
  readonly caBundle?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** What is said beside what every request says: credentials. */
  readonly headers?: readonly (readonly [string, string])[];
}

/** Where a request goes: the actor that is asked, and the URL it is told. */
export type Route =
  | { readonly ok: true; readonly actor: Address; readonly url: string; readonly serverName: string }
  | { readonly ok: false; readonly detail: string };

const refused = (detail: string): Route => ({ ok: false, detail });

/**
 * Finds the way to a target. A Service is answered by the actor that plays it, if the configuration names one; otherwise by a process of the
 * user's on this machine: behind an ExternalName, or behind endpoints that the user has written, where those are loopback addresses. Pod and
 * Service addresses exist inside of the cluster only: nothing dials them.
 */
export function resolveWeb(state: ServerState, target: WebTarget, path: string): Route {
  if (target.service) return toService(state, target.service, path);
  if (target.url === undefined || !URL.canParse(target.url)) return refused(`${JSON.stringify(target.url ?? "")} is no URL`);
  const url = new URL(target.url);
  const port = Number(url.port) || 443;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const rest = `${joinPath(url.pathname, path)}${path.includes("?") ? "" : url.search}`;
  const inside = /^([^.]+)\.([^.]+)\.svc(?:\.cluster\.local)?$/.exec(host);
  if (inside) return toService(state, { name: inside[1]!, namespace: inside[2]!, port }, rest);
  return toHost(state, host, port, "", rest);
}

/** One pod behind a Service, and whom to ask on its node. */
export interface PodPlace {
  readonly ip: string;
  readonly port: number;
  readonly network: Address;
}

/**
 * The pods to which a target that is a Service leads, if it leads to any: they are reached through the cluster's own network, from the node on which
 * each is. Empty where an actor plays the Service, or a process of the user's does.
 */
export function podsBehind(state: ServerState, { service }: WebTarget): readonly PodPlace[] {
  if (!service) return [];
  const { namespace, name, port = 443 } = service;
  if (state.config.web?.actors?.[`${name}.${namespace}.svc:${port}`] !== undefined) return [];
  const found = lookUp<Service>(state, "services", namespace, name);
  const wanted = found?.spec?.type === "ExternalName" ? undefined : found?.spec?.ports?.find((each) => each.port === port);
  if (!wanted) return [];
  const places = endpointsOf(state, namespace, name, wanted.name ?? "");
  if (places.some(({ ip }) => isLoopback(ip))) return [];
  return places.flatMap(({ ip, port, node }) => (node ? [{ ip, port, network: address("kube-proxy", node) }] : []));
}

function joinPath(base: string, path: string): string {
  return path === "" ? base : `${base.replace(/\/$/, "")}${path}`;
}

function toService(
  state: ServerState,
  { namespace, name, path: own = "", port = 443 }: NonNullable<WebTarget["service"]>,
  path: string,
): Route {
  const serverName = `${name}.${namespace}.svc`;
  const rest = joinPath(own || "/", path);
  const actor = state.config.web?.actors?.[`${serverName}:${port}`];
  if (actor !== undefined) return { ok: true, actor, url: `https://${serverName}:${port}${rest}`, serverName };
  const service = lookUp<Service>(state, "services", namespace, name);
  if (!service) return refused(`service ${JSON.stringify(name)} not found`);
  if (service.spec?.type === "ExternalName") return toHost(state, service.spec.externalName ?? "", port, serverName, rest);
  const wanted = service.spec?.ports?.find((each) => each.port === port);
  if (!wanted) return refused(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const places = endpointsOf(state, namespace, name, wanted.name ?? "");
  const mine = places.find(({ ip }) => isLoopback(ip));
  if (mine) return throughGateway(state, mine.ip, mine.port, serverName, rest);
  if (places.length === 0) return refused(`no endpoints available for service ${JSON.stringify(name)}`);
  return refused(
    `service ${JSON.stringify(name)} leads to pods, whose addresses exist inside of this cluster only: give it endpoints on 127.0.0.1, or make it an ExternalName`,
  );
}

function toHost(state: ServerState, host: string, port: number, serverName: string, rest: string): Route {
  const actor = state.config.web?.actors?.[`${host}:${port}`];
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if (actor !== undefined) return { ok: true, actor, url: `https://${authority}${rest}`, serverName };
  if (isInside(state, host)) return refused(`dial tcp ${authority}: the address is of the cluster's own network, which nothing dials`);
  return throughGateway(state, host, port, serverName, rest);
}

function throughGateway(state: ServerState, host: string, port: number, serverName: string, rest: string): Route {
  const gateway = state.config.web?.gateway;
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if (gateway === undefined) return refused(`dial tcp: lookup ${host}: no such host`);
  return { ok: true, actor: gateway, url: `https://${authority}${rest}`, serverName };
}

function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** Whether an address is a Service's, a Pod's, or of a node's range for Pods. */
function isInside(state: ServerState, ip: string): boolean {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(ip)) return false;
  if (contains(cidrOf(state.config.serviceCidr), ip)) return true;
  const nodes = listAll<Node>(state, "nodes").flatMap(({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []));
  if (nodes.some((cidr) => isCidr(cidr) && !cidr.includes(":") && contains(cidrOf(cidr), ip))) return true;
  return listAll<Pod>(state, "pods").some(({ status }) => status?.podIP === ip);
}

interface Place {
  readonly ip: string;
  readonly port: number;
  readonly node?: string | undefined;
}

/** The ready endpoints of a Service's port, from its slices and from Endpoints that somebody wrote. */
function endpointsOf(state: ServerState, namespace: string, name: string, portName: string): readonly Place[] {
  const slices = inNamespace<EndpointSlice>(state, resourceNamed("discovery.k8s.io", "v1", "endpointslices"), namespace).filter(
    ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name,
  );
  const fromSlices = slices.flatMap(({ ports, endpoints }) => {
    const port = ports?.find((each) => (each.name ?? "") === portName)?.port;
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return port === undefined ? [] : ready.flatMap(({ addresses, nodeName }) => addresses.map((ip) => ({ ip, port, node: nodeName })));
  });
  const written = lookUp<Endpoints>(state, "endpoints", namespace, name);
  const fromEndpoints = (written?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find((each) => (each.name ?? "") === portName)?.port;
    return port === undefined ? [] : addresses.map(({ ip }) => ({ ip, port }));
  });
  return [...fromSlices, ...fromEndpoints];
}

function lookUp<T>({ feed }: ServerState, plural: string, namespace: string, name: string): Stored<T> | undefined {
  const resource = resourceNamed("", "v1", plural);
  return cacheOf(feed, resource).get(keyOfObject(resource, namespace, name))?.object as Stored<T> | undefined;
}

function listAll<T>(state: ServerState, plural: string): readonly Stored<T>[] {
  return inNamespace<T>(state, resourceNamed("", "v1", plural), "");
}

function inNamespace<T>({ feed }: ServerState, resource: ReturnType<typeof resourceNamed>, namespace: string): readonly Stored<T>[] {
  return cacheOf(feed, resource)
    .list(prefixOfList(resource, namespace))
    .map(({ object }) => object as unknown as Stored<T>);
}
