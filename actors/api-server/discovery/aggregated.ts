import type { GroupVersion, GroupVersionKind, Kind } from "../../../protocol/kinds/registry";

/**
 * Aggregated discovery (apidiscovery.k8s.io): all groups with all their resources in one document, which is what clients since
 * Kubernetes 1.26 ask for first. Both of its versions have the same fields.
 */

export type DiscoveryVersion = "v2" | "v2beta1";

/** The whole list: /api serves the core group, /apis all others. The order within a group is the order of preference. */
export function apiGroupDiscoveryList(groups: readonly GroupVersion[], version: DiscoveryVersion) {
  const names = [...new Set(groups.map((g) => g.group))];
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: names.map((name) => ({
      metadata: { ...(name === "" ? {} : { name }), creationTimestamp: null },
      versions: groups.filter((g) => g.group === name).map(versionDiscovery),
    })),
  };
}

function versionDiscovery({ version, kinds, isStale }: GroupVersion) {
  const sorted = [...kinds].sort((a, b) => (a.plural < b.plural ? -1 : a.plural > b.plural ? 1 : 0));
  return { version, resources: sorted.map(resourceDiscovery), freshness: isStale ? "Stale" : "Current" };
}

function resourceDiscovery(kind: Kind) {
  const subresources = [...kind.subresources].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return {
    resource: kind.plural,
    responseKind: responseKind(kind, kind),
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0
      ? { subresources: subresources.map((sub) => ({ subresource: sub.name, responseKind: responseKind(sub, kind), verbs: sub.verbs })) }
      : {}),
  };
}

/** Group and version are left empty where they are those of the list the resource stands in. */
function responseKind(answered: GroupVersionKind, resource: Kind): GroupVersionKind {
  const same = answered.group === resource.group && answered.version === resource.version;
  return same ? { group: "", version: "", kind: answered.kind } : { group: answered.group, version: answered.version, kind: answered.kind };
}
