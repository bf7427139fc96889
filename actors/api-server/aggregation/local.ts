import type { APIService } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { groupVersions } from "../../../protocol/kinds/registry";

/** The APIServices of what an API server serves itself: one for each group version, always available. */

/** How far up in discovery a group stands, and a version in its group. Source: kube-apiserver's own registrations. */
const priorities: ReadonlyMap<string, number> = new Map([
  ["", 18000],
  ["apps", 17800],
  ["events.k8s.io", 17750],
  ["authentication.k8s.io", 17700],
  ["authorization.k8s.io", 17600],
  ["autoscaling", 17500],
  ["batch", 17400],
  ["certificates.k8s.io", 17300],
  ["networking.k8s.io", 17200],
  ["policy", 17100],
  ["rbac.authorization.k8s.io", 17000],
  ["storage.k8s.io", 16800],
  ["apiextensions.k8s.io", 16700],
  ["admissionregistration.k8s.io", 16700],
  ["scheduling.k8s.io", 16600],
  ["coordination.k8s.io", 16500],
  ["node.k8s.io", 16300],
  ["discovery.k8s.io", 16200],
  ["flowcontrol.apiserver.k8s.io", 16100],
  ["resource.k8s.io", 15900],
]);
const versionPriorities: ReadonlyMap<string, number> = new Map([
  ["/v1", 1],
  ["events.k8s.io/v1", 5],
  ["autoscaling/v2", 30],
  ["flowcontrol.apiserver.k8s.io/v1", 21],
]);

export const managedLabel = "kube-aggregator.kubernetes.io/automanaged";
/** The group of APIServices themselves is the aggregator's own, and has none. */
const aggregatorGroup = "apiregistration.k8s.io";

/** What every cluster has from its start. */
export function builtInApiServices(): readonly ApiObject[] {
  return groupVersions()
    .filter(({ group }) => group !== aggregatorGroup)
    .map(({ group, version }) => {
      const groupPriority = priorities.get(group) ?? 15000;
      return localApiService(group, version, "onstart", groupPriority, versionPriorities.get(`${group}/${version}`) ?? 15);
    });
}

/** The APIService of a group version that custom resources bring. */
export function customApiService(group: string, version: string): ApiObject {
  return localApiService(group, version, "true", 1000, 100);
}

function localApiService(
  group: string,
  version: string,
  managed: string,
  groupPriorityMinimum: number,
  versionPriority: number,
): ApiObject {
  const service: APIService = {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: `${version}.${group}`, labels: { [managedLabel]: managed } },
    spec: { ...(group === "" ? {} : { group }), version, groupPriorityMinimum, versionPriority },
  };
  return service as ApiObject;
}

/** What an APIService without a Service says of itself from the beginning. */
export const locallyAvailable = { type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available" };
