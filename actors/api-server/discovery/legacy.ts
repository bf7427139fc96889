import type { GroupVersion, Kind } from "../../../protocol/kinds/registry";

/**
 * Discovery as it was before Kubernetes 1.26, one document for each group version: APIVersions, APIGroupList, APIGroup and
 * APIResourceList, in group version "v1". Clients that know aggregated discovery fall back to it.
 */

interface GroupVersionForDiscovery {
  readonly groupVersion: string;
  readonly version: string;
}

export interface APIGroup {
  readonly name: string;
  readonly versions: readonly GroupVersionForDiscovery[];
  readonly preferredVersion: GroupVersionForDiscovery;
}

export interface APIResource {
  /** The plural, or plural/subresource. */
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  /** Group and version of the kind, where they are not those of the list. */
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** /api: the versions of the core group, and under which address to find them. */
export function apiVersions(groups: readonly GroupVersion[], serverAddress: string) {
  return {
    kind: "APIVersions",
    versions: groups.filter((g) => g.group === "").map((g) => g.version),
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** /apis: every named group with its versions, the preferred one first. */
export function apiGroupList(groups: readonly GroupVersion[]) {
  const names = [...new Set(groups.map((g) => g.group).filter((name) => name !== ""))];
  return { kind: "APIGroupList", apiVersion: "v1", groups: names.map((name) => group(groups, name)) };
}

/** /apis/GROUP; undefined where there is no such group. */
export function apiGroup(groups: readonly GroupVersion[], name: string) {
  if (name === "" || !groups.some((g) => g.group === name)) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...group(groups, name) };
}

function group(groups: readonly GroupVersion[], name: string): APIGroup {
  const versions = groups.filter((g) => g.group === name).map((g) => ({ groupVersion: g.apiVersion, version: g.version }));
  return { name, versions, preferredVersion: versions[0]! };
}

/** /api/v1 and /apis/GROUP/VERSION: the resources and subresources of a group version, sorted by name. */
export function apiResourceList({ apiVersion, kinds }: GroupVersion) {
  const resources = kinds.flatMap(resourcesOf).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersion, resources };
}

function resourcesOf(kind: Kind): readonly APIResource[] {
  const { plural, singular, namespaced, shortNames, categories, verbs } = kind;
  const main: APIResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
  const below = kind.subresources.map((sub): APIResource => {
    const elsewhere = sub.group !== kind.group || sub.version !== kind.version;
    return {
      name: `${plural}/${sub.name}`,
      singularName: "",
      namespaced,
      ...(elsewhere ? { group: sub.group, version: sub.version } : {}),
      kind: sub.kind,
      verbs: sub.verbs,
    };
  });
  return [main, ...below];
}
