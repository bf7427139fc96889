import type { DiscoveryV1EndpointPort, Endpoint, EndpointHints, EndpointSlice, Pod, Service } from "../../protocol/kinds/generated";
import { controllerReference, isBeingDeleted, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import {
  type Controller,
  create,
  endpointSlices,
  index,
  nodes,
  nothingToDo,
  type Plan,
  parallel,
  pods,
  remove,
  type Step,
  services,
  update,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { isPodReady } from "./pod-state";
import {
  headlessLabel,
  hostnameIn,
  isHeadless,
  podsOf,
  portsAt,
  portsKey,
  selectsPods,
  serviceKeysOf,
  targetRefOf,
} from "./service-endpoints";

const serviceNameLabel = "kubernetes.io/service-name";
const managedByLabel = "endpointslice.kubernetes.io/managed-by";
const manager = "endpointslice-controller.k8s.io";
const zoneLabel = "topology.kubernetes.io/zone";
const byService = "service";

/** Lists the pods behind each Service in EndpointSlices, for kube-proxies and DNS. Source: "EndpointSlices" in the documentation. */
export const endpointSliceController: Controller = {
  name: "endpointslice",
  watches: [
    watch(services, (service) => [keyOf(service)]),
    watch(pods, serviceKeysOf),
    watch(endpointSlices, (slice) => (isOurs(slice) ? [serviceKeyOf(slice)] : [])),
    watch(nodes, keysOfNode, (old, node) => old.metadata.labels?.[zoneLabel] !== node.metadata.labels?.[zoneLabel]),
  ],
  indexes: [
    index(endpointSlices, byService, (slice) => (isOurs(slice) ? [serviceKeyOf(slice)] : [])),
    index(pods, "node", (pod) => [pod.spec?.nodeName ?? ""]),
  ],
  reconcile(key, view, { settings }) {
    const service = view.of(services).get(key);
    if (!service || isBeingDeleted(service) || !selectsPods(service)) return nothingToDo;
    return reconcileSlices(service, view, settings.knobs["max-endpoints-per-slice"] ?? 100);
  },
};

const isOurs = (slice: Stored<EndpointSlice>) => slice.metadata.labels?.[managedByLabel] === manager;
const serviceKeyOf = (slice: Stored<EndpointSlice>) => objectKey(slice.metadata.namespace, slice.metadata.labels?.[serviceNameLabel] ?? "");

/** A node's zone matters to the Services with pods on it. */
function keysOfNode(node: Stored<unknown>, view: View): readonly string[] {
  const keys = new Set<string>();
  for (const pod of view.of(pods).byIndex("node", node.metadata.name)) for (const key of serviceKeysOf(pod, view)) keys.add(key);
  return [...keys];
}

type Family = "IPv4" | "IPv6";

interface Wanted {
  readonly ports: readonly DiscoveryV1EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

function reconcileSlices(service: Stored<Service>, view: View, endpointsMax: number): Plan {
  const slices = view
    .of(endpointSlices)
    .byIndex(byService, keyOf(service))
    .filter((slice) => !isBeingDeleted(slice));
  const families = (service.spec?.ipFamilies?.length ? service.spec.ipFamilies : ["IPv4"]) as readonly Family[];
  const steps: Step[] = [];
  for (const family of families) {
    const existing = slices.filter((slice) => slice.addressType === family);
    steps.push(...reconcileFamily(service, family, wantedOf(service, family, view), existing, endpointsMax));
  }
  for (const slice of slices) if (!families.includes(slice.addressType as Family)) steps.push(remove(endpointSlices, slice));
  return { steps: steps.length > 0 ? [parallel(steps)] : [] };
}

/** The endpoints of a family, together where they have the same ports. */
function wantedOf(service: Stored<Service>, family: Family, view: View): readonly Wanted[] {
  const groups = new Map<string, { readonly ports: readonly DiscoveryV1EndpointPort[]; readonly endpoints: Endpoint[] }>();
  for (const pod of podsOf(service, view)) {
    const addresses = (pod.status?.podIPs ?? [{ ip: pod.status!.podIP! }])
      .map(({ ip = "" }) => ip)
      .filter((ip) => (ip.includes(":") ? "IPv6" : "IPv4") === family);
    if (addresses.length === 0) continue;
    const ports = portsAt(service, pod);
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = portsKey(ports);
    const group = groups.get(key);
    const endpoint = endpointOf(service, pod, addresses, view);
    if (group) group.endpoints.push(endpoint);
    else groups.set(key, { ports, endpoints: [endpoint] });
  }
  return [...groups.values()];
}

function endpointOf(service: Stored<Service>, pod: Stored<Pod>, addresses: readonly string[], view: View): Endpoint {
  const serving = isPodReady(pod);
  const terminating = isBeingDeleted(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName ? view.of(nodes).get(nodeName)?.metadata.labels?.[zoneLabel] : undefined;
  const hostname = hostnameIn(service, pod);
  const hints = hintsOf(service, ready, zone, nodeName);
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: targetRefOf(pod),
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  };
}

/** Where traffic should preferably come from, by the Service's trafficDistribution. */
function hintsOf(
  service: Stored<Service>,
  ready: boolean,
  zone: string | undefined,
  nodeName: string | undefined,
): EndpointHints | undefined {
  const distribution = service.spec?.trafficDistribution;
  if (!ready || !zone || !distribution) return undefined;
  const forZones = [{ name: zone }];
  if (distribution === "PreferClose" || distribution === "PreferSameZone") return { forZones };
  return distribution === "PreferSameNode" ? { forZones, ...(nodeName ? { forNodes: [{ name: nodeName }] } : {}) } : undefined;
}

/**
 * Changes as few slices as it can, since every change goes to every node: endpoints stay in the slice they are in, new ones go where there is room in a slice that
 * changes anyway or in the fullest that takes them all, the rest into new slices. A Service without endpoints keeps one empty slice.
 */
function reconcileFamily(
  service: Stored<Service>,
  family: Family,
  wanted: readonly Wanted[],
  existing: readonly Stored<EndpointSlice>[],
  endpointsMax: number,
): readonly Step[] {
  const groups: readonly Wanted[] = wanted.length > 0 ? wanted : [{ ports: [], endpoints: [] }];
  const used = new Set<string>();
  const steps: Step[] = [];
  for (const group of groups) {
    const slices = existing.filter((slice) => isSame(slice.ports ?? [], group.ports));
    for (const filled of distribute(group.endpoints, slices, endpointsMax)) {
      const made = sliceOf(service, family, group.ports, filled.endpoints);
      if (!filled.slice) steps.push(create(endpointSlices, made));
      else {
        used.add(filled.slice.metadata.name);
        const labels = made.metadata!.labels;
        if (!isSame(filled.slice.endpoints ?? [], filled.endpoints) || !isSame(filled.slice.metadata.labels, labels))
          steps.push(
            update(endpointSlices, { ...filled.slice, metadata: { ...filled.slice.metadata, labels }, endpoints: filled.endpoints }),
          );
      }
    }
  }
  for (const slice of existing) if (!used.has(slice.metadata.name)) steps.push(remove(endpointSlices, slice));
  return steps;
}

interface Filled {
  /** undefined: to be made. */
  readonly slice: Stored<EndpointSlice> | undefined;
  readonly endpoints: readonly Endpoint[];
}

/** Which endpoints lie in which slice; slices that are not in the answer are not needed any more. */
export function distribute(wanted: readonly Endpoint[], slices: readonly Stored<EndpointSlice>[], endpointsMax: number): readonly Filled[] {
  const left = new Map(wanted.map((endpoint) => [endpoint.targetRef?.uid ?? endpoint.addresses.join(), endpoint]));
  const keeps = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    let isChanged = false;
    for (const old of slice.endpoints ?? []) {
      const key = old.targetRef?.uid ?? old.addresses.join();
      const endpoint = left.get(key);
      if (!endpoint || endpoints.length >= endpointsMax) {
        isChanged = true;
        continue;
      }
      left.delete(key);
      // The order within a slice means nothing: it stays, so that nothing seems changed.
      const isUnchanged = isSame(old, endpoint);
      endpoints.push(isUnchanged ? old : endpoint);
      isChanged ||= !isUnchanged;
    }
    return { slice, endpoints, isChanged };
  });
  const added = [...left.values()];
  for (const keep of keeps)
    if (keep.isChanged && keep.endpoints.length > 0) keep.endpoints.push(...added.splice(0, endpointsMax - keep.endpoints.length));
  if (added.length > 0) {
    const whole = added.length % endpointsMax || endpointsMax;
    const fitting = keeps
      .filter(({ endpoints }) => endpoints.length + whole <= endpointsMax)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
    fitting?.endpoints.push(...added.splice(0, whole));
  }
  const filled: Filled[] = keeps.filter(({ endpoints }) => endpoints.length > 0);
  while (added.length > 0) filled.push({ slice: undefined, endpoints: added.splice(0, endpointsMax) });
  if (filled.length === 0) filled.push({ slice: slices[0], endpoints: [] });
  return filled;
}

function sliceOf(
  service: Stored<Service>,
  family: Family,
  ports: readonly DiscoveryV1EndpointPort[],
  endpoints: readonly Endpoint[],
): EndpointSlice {
  const { name, namespace, labels } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      ...(namespace ? { namespace } : {}),
      labels: { ...labels, ...(isHeadless(service) ? { [headlessLabel]: "" } : {}), [serviceNameLabel]: name, [managedByLabel]: manager },
      ownerReferences: [controllerReference(service as Stored)],
    },
    addressType: family,
    endpoints,
    ports,
  };
}
