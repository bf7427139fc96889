import type { Compare, DeleteRangeRequest, PutRequest } from "../../../protocol/etcd";
import type { IPAddress, Service, ServicePort, ServiceSpec } from "../../../protocol/kinds/generated";
import { type ApiObject, timestamp } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import { type Failure, failure, invalid, isFailure } from "../../../protocol/status";
import type { Ctx, ServerState } from "../state";
import { encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { keyBytes, keyOfObject, registryPrefix, resourceNamed } from "../storage/keys";
import { type Alongside, nothingAlongside } from "../storage/store";
import { cidrText } from "./cidr";
import { drawAddresses, drawPorts, isAllocatable, serviceRanges } from "./service-ranges";

/**
 * ClusterIPs and node ports. Each is a key of its own in etcd, written in the same transaction as the Service and only if it is not there
 * yet: two Services can never hold the same one, whatever races, and a Service that was not stored holds none.
 * An address's key is an IPAddress object, as in Kubernetes; a port's is a reservation below /registry/ranges/.
 */
export interface Allocated {
  readonly object: ApiObject;
  readonly alongside: Alongside;
}

/** What an update may draw from, drawn beforehand so that the update itself stays pure. */
export interface Draws {
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

export function isService(kind: Kind): boolean {
  return kind.group === "" && kind.kind === "Service";
}

/** Fills in the addresses and ports that a Service lacks and reserves them; releases those that an update gave up. */
export function allocateForService(state: ServerState, ctx: Ctx, object: ApiObject, old: ApiObject | undefined): Allocated | Failure {
  return allocate(state, object, old, drawFor(state, ctx), { uid: ctx.uuid(), nowMs: ctx.wallUs() / 1000 });
}

/** Free addresses and ports, by chance. */
export function drawFor(state: ServerState, ctx: Ctx): Draws {
  const { "service-node-port-first": first, "service-node-port-last": last } = state.knobs;
  const address = (bound: number) => ctx.randomInt("cluster-ip", bound);
  return {
    addresses: serviceRanges(state).flatMap((cidr) => drawAddresses(cidr, (ip) => isTaken(state, ip), address)),
    ports: drawPorts(
      first,
      last,
      (port) => isReserved(state, port),
      (bound) => ctx.randomInt("node-port", bound),
    ),
  };
}

/** Whether the address that a Service asks for is already reserved, and for that very Service. */
export function holdsItsAddress(state: ServerState, service: ApiObject): boolean {
  const ip = (service as ApiObject & Service).spec?.clusterIP ?? "";
  const holder = (addressObject(state, ip)?.object as IPAddress | undefined)?.spec?.parentRef;
  return holder?.name === service.metadata.name && holder?.namespace === service.metadata.namespace;
}

interface Fresh {
  readonly uid: string;
  readonly nowMs: number;
}

export function allocate(
  state: ServerState,
  object: ApiObject,
  old: ApiObject | undefined,
  draws: Draws,
  fresh: Fresh,
): Allocated | Failure {
  const service = object as ApiObject & Service;
  const before = (old as (ApiObject & Service) | undefined)?.spec;
  const addressed = withAddress(state, service, before, draws);
  if (isFailure(addressed)) return addressed;
  const ported = withNodePorts(state, { ...service, spec: addressed } as ApiObject & Service, before, draws);
  if (isFailure(ported)) return ported;
  return { object: { ...service, spec: ported } as ApiObject, alongside: reservations(service, before, ported, fresh) };
}

/** What is released together with a Service that is deleted. */
export function releaseOfService(object: ApiObject): Alongside {
  const { spec } = object as ApiObject & Service;
  if (!spec) return nothingAlongside;
  return { compare: [], success: [...addressesOf(spec).map(addressKey), ...portsOf(spec).map(portKey)].map(removal) };
}

function withAddress(
  state: ServerState,
  service: ApiObject & Service,
  before: ServiceSpec | undefined,
  draws: Draws,
): ServiceSpec | Failure {
  const spec = service.spec ?? {};
  if (spec.type === "ExternalName") return spec;
  const chosen = spec.clusterIP || spec.clusterIPs?.[0];
  const families = { ipFamilies: spec.ipFamilies ?? ["IPv4"], ipFamilyPolicy: spec.ipFamilyPolicy ?? "SingleStack" };
  if (chosen === "None") return { ...spec, clusterIP: "None", clusterIPs: ["None"], ...families };
  if (chosen !== undefined && addressesOf(before ?? {}).includes(chosen))
    return { ...spec, clusterIP: chosen, clusterIPs: [chosen], ...families };
  if (chosen !== undefined) {
    const ranges = serviceRanges(state);
    const wrong = (why: string) =>
      refused(service, "spec.clusterIPs", `Invalid value: ${JSON.stringify([chosen])}: failed to allocate IP ${chosen}: ${why}`);
    if (!isAllocatable(ranges, chosen))
      return wrong(`the provided IP is not in the valid range. The range of valid IPs is ${ranges.map(cidrText).join(", ")}`);
    if (isTaken(state, chosen)) return wrong("provided IP is already allocated");
    return { ...spec, clusterIP: chosen, clusterIPs: [chosen], ...families };
  }
  const drawn = draws.addresses[0];
  if (drawn === undefined) return failure("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
  return { ...spec, clusterIP: drawn, clusterIPs: [drawn], ...families };
}

function withNodePorts(
  state: ServerState,
  service: ApiObject & Service,
  before: ServiceSpec | undefined,
  draws: Draws,
): ServiceSpec | Failure {
  const spec = service.spec ?? {};
  const exposed = spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
  if (!exposed || !spec.ports) return spec;
  const held = new Set(portsOf(before ?? {}));
  const { "service-node-port-first": first, "service-node-port-last": last } = state.knobs;
  const fresh = draws.ports.filter((port, index) => !held.has(port) && draws.ports.indexOf(port) === index)[Symbol.iterator]();
  const ports: ServicePort[] = [];
  for (const [index, port] of spec.ports.entries()) {
    const { nodePort } = port;
    const wrong = (why: string) => refused(service, `spec.ports[${index}].nodePort`, `Invalid value: ${nodePort}: ${why}`);
    if (nodePort) {
      if (nodePort < first || nodePort > last)
        return wrong(`provided port is not in the valid range. The range of valid ports is ${first}-${last}`);
      if (!held.has(nodePort) && isReserved(state, nodePort)) return wrong("provided port is already allocated");
      ports.push(port);
      continue;
    }
    const drawn = fresh.next();
    if (drawn.done) return failure("InternalError", "Internal error occurred: failed to allocate a nodePort: range is full");
    ports.push({ ...port, nodePort: drawn.value });
  }
  return { ...spec, ports };
}

function reservations(service: ApiObject & Service, before: ServiceSpec | undefined, after: ServiceSpec, fresh: Fresh): Alongside {
  const addressesBefore = new Set(addressesOf(before ?? {}));
  const addresses = new Set(addressesOf(after));
  const portsBefore = new Set(portsOf(before ?? {}));
  const ports = new Set(portsOf(after));
  const { namespace = "", name = "" } = service.metadata;
  const taken: PutRequest[] = [
    ...[...addresses]
      .filter((ip) => !addressesBefore.has(ip))
      .map((ip) => put(addressKey(ip), encodeStored(ipAddress(ip, namespace, name, fresh)))),
    ...[...ports].filter((port) => !portsBefore.has(port)).map((port) => put(portKey(port), keyBytes(`${namespace}/${name}`))),
  ];
  const given = [
    ...[...addressesBefore].filter((ip) => !addresses.has(ip)).map(addressKey),
    ...[...portsBefore].filter((port) => !ports.has(port)).map(portKey),
  ];
  return { compare: taken.map(({ key }) => absent(key)), success: [...taken, ...given.map(removal)] };
}

function ipAddress(ip: string, namespace: string, name: string, { uid, nowMs }: Fresh): ApiObject {
  const address = newAddress(ip, namespace, name);
  return { ...address, metadata: { ...address.metadata, uid, creationTimestamp: timestamp(nowMs) } };
}

const managedBy = "ipaddress.kubernetes.io/managed-by";
const allocator = "ipallocator.k8s.io";

/** The object of an address that a Service holds. */
export function newAddress(ip: string, namespace: string, name: string): ApiObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: ip, labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", [managedBy]: allocator } },
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  } as ApiObject;
}

export function managedByAllocator(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels?.[managedBy] === allocator;
}

/** The addresses that a Service holds. */
export function addressesOf({ type, clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  if (type === "ExternalName") return [];
  const all = clusterIPs && clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  return all.filter((ip) => ip !== "None" && ip !== "");
}

function portsOf({ ports }: ServiceSpec): readonly number[] {
  return [...new Set((ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port > 0))];
}

const addressKey = (ip: string) => keyOfObject(resourceNamed("networking.k8s.io", "v1", "ipaddresses"), "", ip);
const portKey = (port: number) => `${registryPrefix}ranges/servicenodeports/${port}`;

function addressObject(state: ServerState, ip: string) {
  return cacheOf(state.feed, resourceNamed("networking.k8s.io", "v1", "ipaddresses")).get(addressKey(ip));
}

const isTaken = (state: ServerState, ip: string) => addressObject(state, ip) !== undefined;

function isReserved(state: ServerState, port: number): boolean {
  return state.feed.others.has(portKey(port));
}

function refused(service: ApiObject, field: string, message: string): Failure {
  const subject = { group: "", resource: "services", kind: "Service", ...(service.metadata.name ? { name: service.metadata.name } : {}) };
  return invalid(subject, [{ reason: "FieldValueInvalid", field, message }]);
}

const none = new Uint8Array();

function put(key: string, value: Uint8Array): PutRequest {
  return { kind: "etcd.put", key: keyBytes(key), value, lease: 0, prevKv: false };
}

function removal(key: string): DeleteRangeRequest {
  return { kind: "etcd.delete", key: keyBytes(key), rangeEnd: none, prevKv: false };
}

function absent(key: Uint8Array): Compare {
  return { key, target: "mod", result: "equal", number: 0, value: none };
}
