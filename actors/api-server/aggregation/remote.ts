import type { APIService } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { GroupVersion, Kind, Subresource, Verb } from "../../../protocol/kinds/registry";
import { isObject } from "../objects/decode";
import type { ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { resourceNamed } from "../storage/keys";
import type { RemoteOpenApi } from "./remote-openapi";

/** What a server of the user's serves, as this API server last found it. */
export interface RemoteService {
  readonly available: boolean;
  readonly reason: string;
  readonly message: string;
  /** Of its last answer; kept while it does not answer, as discovery of what is there but down. */
  readonly kinds: readonly Kind[];
  /** Fingerprint of the kinds, so that a change is seen. */
  readonly said: string;
}

/** By the APIService's name. */
export interface Aggregation {
  readonly remotes: Map<string, RemoteService>;
  /** Checks under way. */
  readonly underWay: Set<string>;
  /** What the servers say of their types. */
  readonly openApi: Map<string, RemoteOpenApi>;
}

export const apiServicesResource = resourceNamed("apiregistration.k8s.io", "v1", "apiservices");

export function newAggregation(): Aggregation {
  return { remotes: new Map(), underWay: new Set(), openApi: new Map() };
}

/** All APIServices in this server's cache. */
export function allApiServices({ feed }: ServerState): readonly Stored<APIService>[] {
  return cacheOf(feed, apiServicesResource)
    .list(apiServicesResource.prefix)
    .map(({ object }) => object as unknown as Stored<APIService>);
}

/** The APIServices that are served elsewhere. */
export function remoteApiServices(state: ServerState): readonly Stored<APIService>[] {
  return allApiServices(state).filter(({ spec }) => spec?.service !== undefined);
}

/** The APIService that serves a path elsewhere; undefined for what is served here. What is built in is served here whatever anybody says. */
export function remoteOfPath(state: ServerState, path: string): Stored<APIService> | undefined {
  // The core's own paths, which most are, name no group.
  if (path.startsWith("/api/")) return undefined;
  const [prefix, group = "", version = ""] = path.split("/").filter((part) => part !== "");
  if (prefix !== "apis" || version === "" || !group.includes(".") || state.served.builtInGroups.has(group)) return undefined;
  const entry = cacheOf(state.feed, apiServicesResource).get(`${apiServicesResource.prefix}${version}.${group}`);
  const service = entry?.object as unknown as Stored<APIService> | undefined;
  return service?.spec?.service === undefined ? undefined : service;
}

/** The APIServices of group versions that are served elsewhere, in the order of their priorities. */
export function remotesByPriority(state: ServerState): readonly Stored<APIService>[] {
  return remoteApiServices(state)
    .filter(({ spec }) => !state.served.builtInGroups.has(spec?.group ?? ""))
    .toSorted((a, b) => {
      const [x, y] = [a.spec!, b.spec!];
      return (
        y.groupPriorityMinimum - x.groupPriorityMinimum ||
        y.versionPriority - x.versionPriority ||
        (a.metadata.name < b.metadata.name ? -1 : 1)
      );
    });
}

/** The group versions that are served elsewhere, as discovery shows them: one whose server does not answer is there, with what was last known of it. */
export function remoteGroupVersions(state: ServerState): readonly GroupVersion[] {
  return remotesByPriority(state).flatMap(({ metadata, spec }): readonly GroupVersion[] => {
    const known = state.aggregation.remotes.get(metadata.name);
    const { group = "", version = "" } = spec!;
    if (!known) return [];
    return [{ group, version, apiVersion: `${group}/${version}`, kinds: known.kinds, ...(known.available ? {} : { isStale: true }) }];
  });
}

/** The kinds of an APIResourceList, in the form in which discovery holds its own; undefined for what is none. */
export function kindsOfDiscovery(group: string, version: string, document: unknown): readonly Kind[] | undefined {
  if (!isObject(document) || document.kind !== "APIResourceList" || !Array.isArray(document.resources)) return undefined;
  const rows = document.resources.filter(isObject);
  const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((each) => typeof each === "string") : []);
  const text = (value: unknown, other = "") => (typeof value === "string" && value !== "" ? value : other);
  const subresources = new Map<string, Subresource[]>();
  for (const row of rows) {
    const [plural = "", name] = text(row.name).split("/");
    if (name === undefined) continue;
    const verbs = texts(row.verbs) as readonly Verb[];
    const subresource = { name, group: text(row.group, group), version: text(row.version, version), kind: text(row.kind), verbs };
    subresources.set(plural, [...(subresources.get(plural) ?? []), subresource]);
  }
  return rows
    .filter(({ name }) => text(name) !== "" && !text(name).includes("/"))
    .map((row): Kind => {
      const below = subresources.get(text(row.name)) ?? [];
      return {
        ...{
          group,
          version,
          kind: text(row.kind),
          plural: text(row.name),
          singular: text(row.singularName),
          namespaced: row.namespaced === true,
        },
        ...{ hasStatus: below.some(({ name }) => name === "status"), shortNames: texts(row.shortNames), categories: texts(row.categories) },
        ...{ subresources: below, verbs: texts(row.verbs) as readonly Verb[], definition: "" },
      };
    });
}
