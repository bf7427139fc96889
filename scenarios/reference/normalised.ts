import type { EndpointSlice, Node } from "../../protocol/kinds/generated";
import { controllerOf, type Stored } from "../../protocol/kinds/object";
import { objectId } from "../history";

/** What an object says whatever the run: its name and what is asked for, without identities, times, addresses, and what chance decides. */
export interface NormalisedObject {
  /** "Pod shop/web-6d4f-*": of what a controller made, with a star where the name is drawn. */
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** These are traces of what happened, or beat all the time. */
const passing = new Set(["Event", "Lease"]);
/** Of a status only what says how much there is. */
const counted = [
  "replicas",
  "readyReplicas",
  "availableReplicas",
  "updatedReplicas",
  "desiredNumberScheduled",
  "numberReady",
  "succeeded",
  "currentHealthy",
  "desiredHealthy",
  "expectedPods",
  "phase",
];
const drawnOwners = new Set(["ReplicaSet", "DaemonSet", "Job", "ReplicationController"]);
const drawnInSpec = new Set([
  "nodeName",
  "clusterIP",
  "clusterIPs",
  "nodePort",
  "healthCheckNodePort",
  "podCIDR",
  "podCIDRs",
  "providerID",
]);
/** Where the node is that the scheduler chose. */
const drawnInPodLabels = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/** The objects of a cluster in a form in which those of two runs can be compared, in the order of their ids. */
export function normalised(objects: Iterable<Stored>): readonly NormalisedObject[] {
  const found: NormalisedObject[] = [];
  for (const object of objects) {
    // A pod that failed is history; another has taken its place.
    if (passing.has(object.kind) || (object.kind === "Pod" && phaseOf(object) === "Failed")) continue;
    found.push({ id: normalisedId(object), fields: fieldsOf(object) });
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** How an object is called in every run. */
export function normalisedId(object: Stored): string {
  const owner = controllerOf(object);
  const isDrawn = (owner && object.kind === "Pod" && drawnOwners.has(owner.kind)) || object.kind === "EndpointSlice";
  if (!isDrawn) return objectId(object);
  const { namespace, labels } = object.metadata;
  const of = object.kind === "EndpointSlice" ? labels?.["kubernetes.io/service-name"] : owner?.name;
  return `${object.kind} ${namespace}/${of ?? ""}-*`;
}

function fieldsOf(object: Stored): Readonly<Record<string, unknown>> {
  const { kind, metadata, apiVersion: _, ...rest } = object as Stored & Readonly<Record<string, unknown>>;
  const { labels, annotations, finalizers, deletionTimestamp } = metadata;
  const common = { labels, annotations, finalizers, isBeingDeleted: deletionTimestamp !== undefined };
  if (kind === "EndpointSlice") return { labels, ready: readyCount(object) };
  if (kind === "Endpoints") return {};
  if (kind === "Node") return { labels, unschedulable: (object as Stored<Node>).spec?.unschedulable ?? false, taints: taintsOf(object) };
  const status = (rest.status ?? {}) as Readonly<Record<string, unknown>>;
  const counts = Object.fromEntries(counted.filter((field) => field in status).map((field) => [field, status[field]]));
  const own = kind === "Pod" && labels ? { labels: without(labels, drawnInPodLabels) } : {};
  return { ...common, ...own, ...(withoutDrawn(rest) as object), status: counts };
}

function without(labels: Readonly<Record<string, string>>, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

/** Leaves out what allocators, schedulers and generators of names decide. */
function withoutDrawn(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isTokenVolume(item)).map(withoutDrawn);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field]) => !drawnInSpec.has(field))
      .map(([field, item]) => [field, withoutDrawn(item)]),
  );
}

/** The volume with a service account's token, which admission adds under a drawn name, and its mounts. */
function isTokenVolume(item: unknown): boolean {
  return /^kube-api-access-/.test(String((item as { readonly name?: unknown } | null)?.name ?? ""));
}

function readyCount(slice: Stored): number {
  return ((slice as Stored<EndpointSlice>).endpoints ?? []).filter(({ conditions }) => conditions?.ready === true).length;
}

function taintsOf(node: Stored): readonly string[] {
  return ((node as Stored<Node>).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
}

function phaseOf(object: Stored): unknown {
  return (object as { readonly status?: { readonly phase?: unknown } }).status?.phase;
}
