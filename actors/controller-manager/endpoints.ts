import type { EndpointAddress, EndpointSubset, Endpoints, Service } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import { type Controller, create, endpoints, nothingToDo, type Plan, pods, remove, services, update, type View, watch } from "../client";
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

const addressesMax = 1000;
const overCapacity = "endpoints.kubernetes.io/over-capacity";
const managedBy = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };

/** Lists the pods behind each Service in one Endpoints object, the elder sister of EndpointSlices. */
export const endpointsController: Controller = {
  name: "endpoints",
  watches: [watch(services, (service) => [keyOf(service)]), watch(pods, serviceKeysOf), watch(endpoints, (object) => [keyOf(object)])],
  reconcile(key, view) {
    const service = view.of(services).get(key);
    const existing = view.of(endpoints).get(key);
    if (!service) return existing && isOurs(existing) ? { steps: [remove(endpoints, existing)] } : nothingToDo;
    return isBeingDeleted(service) || !selectsPods(service) ? nothingToDo : reconcileEndpoints(service, existing, view);
  },
};

const isOurs = (object: Stored<Endpoints>) => object.metadata.labels?.["endpoints.kubernetes.io/managed-by"] !== undefined;

function reconcileEndpoints(service: Stored<Service>, existing: Stored<Endpoints> | undefined, view: View): Plan {
  const { subsets, isTruncated } = subsetsOf(service, view);
  const labels = { ...service.metadata.labels, ...(isHeadless(service) ? { [headlessLabel]: "" } : {}), ...managedBy };
  const { [overCapacity]: _, ...annotations } = existing?.metadata.annotations ?? {};
  const noted = isTruncated ? { ...annotations, [overCapacity]: "truncated" } : annotations;
  if (!existing) {
    const { namespace, name } = service.metadata;
    const metadata = { ...(namespace ? { namespace } : {}), name, labels, ...(isTruncated ? { annotations: noted } : {}) };
    return { steps: [create(endpoints, { metadata, subsets })] };
  }
  const { metadata } = existing;
  if (isSame(existing.subsets ?? [], subsets) && isSame(metadata.labels, labels) && isSame(metadata.annotations ?? {}, noted))
    return nothingToDo;
  return { steps: [update(endpoints, { ...existing, metadata: { ...metadata, labels, annotations: noted }, subsets })] };
}

/** Addresses together where they have the same ports, in order; pods on their way out only where unready ones are published. */
function subsetsOf(service: Stored<Service>, view: View): { readonly subsets: readonly EndpointSubset[]; readonly isTruncated: boolean } {
  const publishAll = service.spec?.publishNotReadyAddresses === true;
  const groups = new Map<string, { ready: EndpointAddress[]; notReady: EndpointAddress[]; readonly ports: EndpointSubset["ports"] }>();
  for (const pod of podsOf(service, view)) {
    if (isBeingDeleted(pod) && !publishAll) continue;
    const ports = portsAt(service, pod);
    if (ports.length === 0 && !isHeadless(service)) continue;
    const hostname = hostnameIn(service, pod);
    const address: EndpointAddress = {
      ip: pod.status!.podIP!,
      ...(hostname ? { hostname } : {}),
      ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: targetRefOf(pod),
    };
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ready: [], notReady: [], ports };
    groups.set(key, group);
    (publishAll || isPodReady(pod) ? group.ready : group.notReady).push(address);
  }
  let room = addressesMax;
  let isTruncated = false;
  const take = (addresses: EndpointAddress[]) => {
    const taken = addresses.sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0)).slice(0, room);
    room -= taken.length;
    isTruncated ||= taken.length < addresses.length;
    return taken;
  };
  const ordered = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  // Where not all have room, the ready ones come first.
  const ready = ordered.map((group) => take(group.ready));
  const subsets = ordered.map((group, at): EndpointSubset => {
    const notReady = take(group.notReady);
    return {
      ...(ready[at]!.length > 0 ? { addresses: ready[at]! } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(group.ports && group.ports.length > 0 ? { ports: group.ports } : {}),
    };
  });
  return { subsets: subsets.filter(({ addresses, notReadyAddresses }) => addresses || notReadyAddresses), isTruncated };
}
