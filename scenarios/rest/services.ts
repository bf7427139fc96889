import { portsAt } from "../../actors/controller-manager/service-endpoints";
import type { EndpointSlice, Pod, Service } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { isReady } from "../checks/pods";

/** Whether a Service's EndpointSlices, among these objects, are its ready pods, no more and no fewer. */
export function serviceReasons(id: string, service: Stored<Service>, objects: Iterable<Stored>): readonly string[] {
  const selector = service.spec?.selector;
  if (!selector || Object.keys(selector).length === 0) return [];
  const { namespace, name } = service.metadata;
  const ready = new Set<string>();
  const listed = new Set<string>();
  for (const object of objects) {
    if (object.metadata.namespace !== namespace) continue;
    if (
      object.kind === "Pod" &&
      matchesLabelSelector({ matchLabels: selector }, object.metadata.labels) &&
      isReady(object as Stored<Pod>) &&
      !isBeingDeleted(object) &&
      hasPortOf(service, object as Stored<Pod>)
    )
      ready.add(object.metadata.name);
    if (object.kind === "EndpointSlice" && object.metadata.labels?.["kubernetes.io/service-name"] === name)
      for (const endpoint of (object as Stored<EndpointSlice>).endpoints ?? [])
        if (endpoint.conditions?.ready === true) listed.add(endpoint.targetRef?.name ?? "");
  }
  // Those who publish addresses that are not ready list more than the ready ones.
  const surplus = service.spec?.publishNotReadyAddresses === true ? [] : [...listed].filter((pod) => !ready.has(pod));
  const missing = [...ready].filter((pod) => !listed.has(pod));
  if (missing.length > 0) return [`${id}: ready pod ${missing[0]} is in no EndpointSlice`];
  return surplus.length > 0 ? [`${id}: an EndpointSlice lists ${surplus[0]}, which is no ready pod`] : [];
}

/** Whether the pod has any of the Service's ports: one that has none is in no EndpointSlice, and never will be. */
function hasPortOf(service: Stored<Service>, pod: Stored<Pod>): boolean {
  return (service.spec?.ports ?? []).length === 0 || portsAt(service, pod).length > 0;
}
