import type {
  CertificateSigningRequest,
  ClusterRole,
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  IPAddress,
  Job,
  Lease,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PriorityClass,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
  ServiceCIDR,
  StatefulSet,
  SubjectAccessReview,
} from "../../protocol/kinds/generated";
import { apiVersionOf, type Kind, kindOf } from "../../protocol/kinds/registry";

/** A resource of the API as clients address it. `T` is the type of its objects, carried for the compiler only. */
export interface Resource<T = unknown> {
  readonly group: string;
  readonly version: string;
  /** "v1", "apps/v1". */
  readonly apiVersion: string;
  readonly kind: string;
  /** The plural, "deployments". */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly objects?: readonly T[];
}

/** The resource of a kind in the registry. */
export function resourceOfKind<T>(kind: Kind): Resource<T> {
  return {
    group: kind.group,
    version: kind.version,
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    plural: kind.plural,
    namespaced: kind.namespaced,
  };
}

/** The resource of the objects that call themselves so: `resource<Pod>("v1", "Pod")`. Throws when the API has no such kind. */
export function resource<T>(apiVersion: string, kind: string): Resource<T> {
  const known = kindOf(apiVersion, kind);
  if (!known) throw new Error(`${apiVersion} ${kind}: the API has no such kind`);
  return resourceOfKind<T>(known);
}

/** A resource that a CustomResourceDefinition brings: `customResource<Widget>({ group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true })`. */
export function customResource<T>(of: Pick<Resource, "group" | "version" | "kind" | "plural" | "namespaced">): Resource<T> {
  return { ...of, apiVersion: `${of.group}/${of.version}` };
}

/** "pods", "deployments.apps": one name for each resource whatever its version; the key of caches by resource. */
export function resourceName(of: Resource): string {
  return of.group === "" ? of.plural : `${of.plural}.${of.group}`;
}

export const certificateSigningRequests = resource<CertificateSigningRequest>("certificates.k8s.io/v1", "CertificateSigningRequest");
export const clusterRoles = resource<ClusterRole>("rbac.authorization.k8s.io/v1", "ClusterRole");
export const configMaps = resource<ConfigMap>("v1", "ConfigMap");
export const cronJobs = resource<CronJob>("batch/v1", "CronJob");
export const daemonSets = resource<DaemonSet>("apps/v1", "DaemonSet");
export const deployments = resource<Deployment>("apps/v1", "Deployment");
export const endpoints = resource<Endpoints>("v1", "Endpoints");
export const endpointSlices = resource<EndpointSlice>("discovery.k8s.io/v1", "EndpointSlice");
export const events = resource<Event>("v1", "Event");
export const ipAddresses = resource<IPAddress>("networking.k8s.io/v1", "IPAddress");
export const jobs = resource<Job>("batch/v1", "Job");
export const leases = resource<Lease>("coordination.k8s.io/v1", "Lease");
export const limitRanges = resource<LimitRange>("v1", "LimitRange");
export const namespaces = resource<Namespace>("v1", "Namespace");
export const nodes = resource<Node>("v1", "Node");
export const persistentVolumeClaims = resource<PersistentVolumeClaim>("v1", "PersistentVolumeClaim");
export const podDisruptionBudgets = resource<PodDisruptionBudget>("policy/v1", "PodDisruptionBudget");
export const persistentVolumes = resource<PersistentVolume>("v1", "PersistentVolume");
export const pods = resource<Pod>("v1", "Pod");
export const priorityClasses = resource<PriorityClass>("scheduling.k8s.io/v1", "PriorityClass");
export const replicaSets = resource<ReplicaSet>("apps/v1", "ReplicaSet");
export const replicationControllers = resource<ReplicationController>("v1", "ReplicationController");
export const resourceQuotas = resource<ResourceQuota>("v1", "ResourceQuota");
export const secrets = resource<Secret>("v1", "Secret");
export const serviceAccounts = resource<ServiceAccount>("v1", "ServiceAccount");
export const serviceCidrs = resource<ServiceCIDR>("networking.k8s.io/v1", "ServiceCIDR");
export const services = resource<Service>("v1", "Service");
export const statefulSets = resource<StatefulSet>("apps/v1", "StatefulSet");
export const subjectAccessReviews = resource<SubjectAccessReview>("authorization.k8s.io/v1", "SubjectAccessReview");
