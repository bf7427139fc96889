import type { APIService } from "../../protocol/kinds/generated";
import type { JsonObject, Stored } from "../../protocol/kinds/object";
import { groupVersions } from "../../protocol/kinds/registry";
import type { Result } from "./api-client";
import { type Resource, resource, resourceName } from "./resource";

export const apiServices = resource<APIService>("apiregistration.k8s.io/v1", "APIService");

/** A group version that another server serves, behind an APIService. */
export interface AggregatedGroup {
  readonly group: string;
  readonly version: string;
}

/** A resource as its server's discovery names it, with what can be done with it. */
export interface DiscoveredResource extends Resource {
  readonly verbs: readonly string[];
}

/** The group versions that are served elsewhere, the preferred ones first. */
export function aggregatedGroupsOf(services: Iterable<Stored<APIService>>): readonly AggregatedGroup[] {
  const builtIn = new Set(groupVersions().map(({ group }) => group));
  return [...services]
    .filter(({ spec }) => spec?.service !== undefined && !builtIn.has(spec.group ?? ""))
    .sort(
      ({ metadata: { name: a }, spec: x }, { metadata: { name: b }, spec: y }) =>
        y!.groupPriorityMinimum - x!.groupPriorityMinimum || y!.versionPriority - x!.versionPriority || (a < b ? -1 : 1),
    )
    .map(({ spec }) => ({ group: spec!.group ?? "", version: spec!.version ?? "" }));
}

/** What a server answered when it was asked for the resources of a group version; a text says why that is not known. */
export function resourcesDiscovered({ group, version }: AggregatedGroup, result: Result<unknown>): readonly DiscoveredResource[] | string {
  // What client-go says of one that it finds stale in discovery.
  if (!result.ok) return `stale GroupVersion discovery: ${group}/${version}`;
  const { resources } = result.object as JsonObject;
  if (!Array.isArray(resources)) return `${group}/${version} is not described by an APIResourceList`;
  return (resources as readonly JsonObject[]).flatMap((row): readonly DiscoveredResource[] => {
    const { name: plural, kind, namespaced, verbs } = row ?? {};
    if (typeof plural !== "string" || typeof kind !== "string" || plural === "" || plural.includes("/") || !Array.isArray(verbs)) return [];
    return [{ group, version, apiVersion: `${group}/${version}`, kind, plural, namespaced: namespaced === true, verbs: verbs.map(String) }];
  });
}

/** Each resource once, in the version that comes first. */
export function preferred<R extends Resource>(resources: readonly R[]): readonly R[] {
  const found = new Map<string, R>();
  for (const each of resources) if (!found.has(resourceName(each))) found.set(resourceName(each), each);
  return [...found.values()];
}
