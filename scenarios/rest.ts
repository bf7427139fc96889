import type { Deployment, EndpointSlice, Node, Pod, ReplicaSet, Service } from "../protocol/kinds/generated";
import { matchesLabelSelector } from "../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, type Stored } from "../protocol/kinds/object";
import { isActive, isReady } from "./checks/pods";
import type { HostFacts } from "./target";

type Objects = ReadonlyMap<string, Stored>;

/**
 * Why a cluster is not at rest: what is asked for and not yet so. Empty when every desired state is reached. A pure function of the store's objects and
 * of which hosts live; `wanted` are the ids that the manifests ask for.
 */
export function reasonsNotAtRest(objects: Objects, hosts: readonly HostFacts[], wanted: readonly string[]): readonly string[] {
  const reasons: string[] = [];
  for (const id of wanted) if (!objects.has(id)) reasons.push(`${id} does not exist`);
  reasons.push(...nodeReasons(objects, hosts));
  const owned = podsByController(objects);
  for (const [id, object] of objects) {
    if (isBeingDeleted(object)) reasons.push(`${id} is still being deleted`);
    else if (object.kind === "Deployment") reasons.push(...deploymentReasons(id, object as Stored<Deployment>));
    else if (object.kind === "ReplicaSet") reasons.push(...replicaSetReasons(id, object as Stored<ReplicaSet>, owned));
    else if (object.kind === "Pod") reasons.push(...podReasons(id, object as Stored<Pod>, objects));
    else if (object.kind === "Service") reasons.push(...serviceReasons(id, object as Stored<Service>, objects));
  }
  return reasons;
}

function nodeReasons(objects: Objects, hosts: readonly HostFacts[]): readonly string[] {
  const reasons: string[] = [];
  for (const { name, role, up } of hosts) {
    if (role !== "node" || !up) continue;
    const node = objects.get(`Node ${name}`) as Stored<Node> | undefined;
    if (!node) reasons.push(`Node ${name} has not registered`);
    else if (!conditionIs(node.status?.conditions, "Ready", "True")) reasons.push(`Node ${name} is not Ready`);
    else if (node.spec?.taints?.some(({ key }) => key === "node.kubernetes.io/not-ready" || key === "node.kubernetes.io/unreachable"))
      reasons.push(`Node ${name} still has the taint ${node.spec.taints.map(({ key }) => key).join(", ")}`);
  }
  return reasons;
}

function deploymentReasons(id: string, { metadata, spec, status }: Stored<Deployment>): readonly string[] {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return [`${id}: its controller has not seen generation ${metadata.generation}`];
  const replicas = spec?.replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0, replicas: all = 0 } = status ?? {};
  if (updatedReplicas < replicas) return [`${id}: ${updatedReplicas} of ${replicas} pods are updated`];
  if (all > updatedReplicas) return [`${id}: ${all - updatedReplicas} old pods are left`];
  if (availableReplicas < replicas) return [`${id}: ${availableReplicas} of ${replicas} pods are available`];
  return [];
}

function replicaSetReasons(
  id: string,
  { metadata, spec, status }: Stored<ReplicaSet>,
  owned: ReadonlyMap<string, number>,
): readonly string[] {
  const replicas = spec?.replicas ?? 1;
  const active = owned.get(metadata.uid) ?? 0;
  if (active !== replicas) return [`${id} has ${active} pods and wants ${replicas}`];
  if ((status?.replicas ?? 0) !== replicas) return [`${id} reports ${status?.replicas ?? 0} pods and has ${replicas}`];
  return [];
}

function podReasons(id: string, pod: Stored<Pod>, objects: Objects): readonly string[] {
  if (!isActive(pod)) return [];
  const node = pod.spec?.nodeName;
  if (!node) return [`${id} is not scheduled`];
  if (!objects.has(`Node ${node}`)) return [`${id} is bound to node ${node}, which is gone`];
  return isReady(pod) ? [] : [`${id} on ${node} is not ready`];
}

function serviceReasons(id: string, service: Stored<Service>, objects: Objects): readonly string[] {
  const selector = service.spec?.selector;
  if (!selector || Object.keys(selector).length === 0) return [];
  const { namespace, name } = service.metadata;
  const ready = new Set<string>();
  const listed = new Set<string>();
  for (const object of objects.values()) {
    if (object.metadata.namespace !== namespace) continue;
    if (
      object.kind === "Pod" &&
      matchesLabelSelector({ matchLabels: selector }, object.metadata.labels) &&
      isReady(object as Stored<Pod>) &&
      !isBeingDeleted(object)
    )
      ready.add(object.metadata.name);
    if (object.kind === "EndpointSlice" && object.metadata.labels?.["kubernetes.io/service-name"] === name)
      for (const endpoint of (object as Stored<EndpointSlice>).endpoints ?? [])
        if (endpoint.conditions?.ready === true) listed.add(endpoint.targetRef?.name ?? "");
  }
  const missing = [...ready].filter((pod) => !listed.has(pod));
  const surplus = [...listed].filter((pod) => !ready.has(pod));
  if (missing.length > 0) return [`${id}: ready pod ${missing[0]} is in no EndpointSlice`];
  return surplus.length > 0 ? [`${id}: an EndpointSlice lists ${surplus[0]}, which is no ready pod`] : [];
}

function podsByController(objects: Objects): ReadonlyMap<string, number> {
  const owned = new Map<string, number>();
  for (const object of objects.values()) {
    if (object.kind !== "Pod" || !isActive(object as Stored<Pod>)) continue;
    const uid = controllerOf(object)?.uid;
    if (uid) owned.set(uid, (owned.get(uid) ?? 0) + 1);
  }
  return owned;
}

function conditionIs(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
  status: string,
): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;
}
