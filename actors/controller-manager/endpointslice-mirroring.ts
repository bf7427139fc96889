import type { Endpoint, EndpointAddress, EndpointSlice, EndpointSubset, Endpoints, Service } from "../../protocol/kinds/generated";
import { controllerReference, isBeingDeleted, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import {
  type Controller,
  create,
  endpointSlices,
  endpoints,
  index,
  nothingToDo,
  type Plan,
  parallel,
  remove,
  type Step,
  services,
  update,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { selectsPods } from "./service-endpoints";

const serviceNameLabel = "kubernetes.io/service-name";
const managedByLabel = "endpointslice.kubernetes.io/managed-by";
const manager = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** Annotations that say something of the Endpoints object alone. */
const ownAnnotations: ReadonlySet<string> = new Set([
  "endpoints.kubernetes.io/last-change-trigger-time",
  "kubectl.kubernetes.io/last-applied-configuration",
]);
const addressesMax = 1000;
const mirrored = "mirrored";

/**
 * Shows in EndpointSlices what somebody wrote into Endpoints for a Service without selector, since kube-proxies read slices alone.
 * Source: "EndpointSlice mirroring" in the documentation of EndpointSlices; labels and owners as in pkg/controller/endpointslicemirroring.
 */
export const endpointSliceMirroring: Controller = {
  name: "endpointslicemirroring",
  watches: [
    watch(endpoints, (object) => (isMirrored(object) ? [keyOf(object)] : [])),
    watch(services, (service) => (selectsPods(service) ? [] : [keyOf(service)])),
    watch(endpointSlices, (slice) => (isOurs(slice) ? [sourceOf(slice)] : [])),
  ],
  indexes: [index(endpointSlices, mirrored, (slice) => (isOurs(slice) ? [sourceOf(slice)] : []))],
  reconcile: (key, view) => reconcileMirror(view.of(endpoints).get(key), view.of(services).get(key), key, view),
};

const isOurs = (slice: Stored<EndpointSlice>) => slice.metadata.labels?.[managedByLabel] === manager;
const sourceOf = (slice: Stored<EndpointSlice>) => objectKey(slice.metadata.namespace, slice.metadata.labels?.[serviceNameLabel] ?? "");

function isMirrored({ metadata: { labels = {}, annotations = {} } }: Stored<Endpoints>): boolean {
  return labels[skipLabel] !== "true" && annotations[leaderAnnotation] === undefined && !("endpoints.kubernetes.io/managed-by" in labels);
}

function reconcileMirror(source: Stored<Endpoints> | undefined, service: Stored<Service> | undefined, key: string, view: View): Plan {
  const slices = view
    .of(endpointSlices)
    .byIndex(mirrored, key)
    .filter((slice) => !isBeingDeleted(slice));
  const shown = source && service && isMirrored(source) && !selectsPods(service) && !isBeingDeleted(source);
  const wanted = shown ? slicesOf(source) : [];
  if (wanted.length === 0 && slices.length === 0) return nothingToDo;
  const left = [...slices];
  const steps: Step[] = [];
  for (const slice of wanted) {
    const at = left.findIndex((old) => old.addressType === slice.addressType && isSame(old.ports ?? [], slice.ports ?? []));
    const [old] = at < 0 ? [] : left.splice(at, 1);
    if (!old) steps.push(create(endpointSlices, slice));
    else if (!isShownBy(old, slice)) {
      const { labels, annotations } = slice.metadata!;
      steps.push(update(endpointSlices, { ...old, metadata: { ...old.metadata, labels, annotations }, endpoints: slice.endpoints }));
    }
  }
  for (const slice of left) steps.push(remove(endpointSlices, slice));
  return { steps: steps.length > 0 ? [parallel(steps)] : [] };
}

function isShownBy(old: Stored<EndpointSlice>, slice: EndpointSlice): boolean {
  const { labels, annotations } = slice.metadata!;
  return (
    isSame(old.endpoints ?? [], slice.endpoints) &&
    isSame(old.metadata.labels, labels) &&
    isSame(old.metadata.annotations ?? {}, annotations)
  );
}

/** One slice for each family and set of ports; of each subset a thousand addresses, ready ones first. */
function slicesOf(source: Stored<Endpoints>): readonly EndpointSlice[] {
  const made = new Map<string, { readonly slice: EndpointSlice; readonly endpoints: Endpoint[] }>();
  for (const subset of source.subsets ?? [])
    for (const { address, ready } of addressesOf(subset)) {
      const family = address.ip.includes(":") ? "IPv6" : "IPv4";
      const key = `${family} ${JSON.stringify(subset.ports ?? [])}`;
      let entry = made.get(key);
      if (!entry) {
        const all: Endpoint[] = [];
        entry = { slice: sliceOf(source, family, subset, all), endpoints: all };
        made.set(key, entry);
      }
      entry.endpoints.push(endpointOf(address, ready));
    }
  return [...made.values()].map(({ slice }) => slice);
}

function addressesOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset) {
  const ready = addresses.map((address) => ({ address, ready: true }));
  return [...ready, ...notReadyAddresses.map((address) => ({ address, ready: false }))].slice(0, addressesMax);
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  };
}

function sliceOf(source: Stored<Endpoints>, addressType: string, { ports = [] }: EndpointSubset, all: readonly Endpoint[]): EndpointSlice {
  const { name, namespace, labels, annotations = {} } = source.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      ...(namespace ? { namespace } : {}),
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: manager },
      annotations: Object.fromEntries(Object.entries(annotations).filter(([annotation]) => !ownAnnotations.has(annotation))),
      ownerReferences: [controllerReference(source as Stored)],
    },
    addressType,
    endpoints: all,
    ports,
  };
}
