import { type GroupVersion, groupVersions } from "../../../protocol/kinds/registry";
import { type Failure, notAcceptable } from "../../../protocol/status";
import { chooseMediaType, parseAccept } from "../negotiation";
import { apiGroupDiscoveryList, type DiscoveryVersion } from "./aggregated";
import { cached, type DocumentCache, indentedJsonBytes, jsonBytes, type ServedDocument } from "./document";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy";
import { versionInfo } from "./version";

export interface DiscoveryOptions {
  /** "host:port" under which clients find this server. */
  readonly serverAddress: string;
  readonly cache: DocumentCache;
  readonly groups?: readonly GroupVersion[];
}

/**
 * Answers /, /version, /api, /apis, /api/v1, /apis/GROUP and /apis/GROUP/VERSION, with aggregated discovery for /api and /apis where
 * the Accept header prefers it. undefined for any other path, and for groups and versions that are not served; a 406 Status for
 * clients that do not accept JSON.
 */
export function discover(path: string, accept: string, options: DiscoveryOptions): ServedDocument | Failure | undefined {
  const { serverAddress, cache, groups = groupVersions() } = options;
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 1 && (parts[0] === "api" || parts[0] === "apis")) {
    const version = aggregatedVersion(accept);
    if (version !== undefined) {
      const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      const members = groups.filter((g) => (g.group === "") === (parts[0] === "api"));
      return cached(cache, `${parts[0]};${version}`, contentType, () => jsonBytes(apiGroupDiscoveryList(members, version)));
    }
  }
  const make = plainDocument(parts, groups, serverAddress);
  if (make === undefined) return undefined;
  if (chooseMediaType(accept, ["application/json"]) === undefined) return notAcceptable(["application/json"]);
  const bytes = parts[0] === "version" ? indentedJsonBytes : jsonBytes;
  return cached(cache, `/${parts.join("/")}`, "application/json", () => bytes(make()));
}

function plainDocument(parts: readonly string[], groups: readonly GroupVersion[], serverAddress: string): (() => unknown) | undefined {
  const [prefix, ...rest] = parts;
  if (prefix === undefined) return () => ({ paths: rootPaths(groups) });
  if (prefix === "version" && rest.length === 0) return () => versionInfo;
  if (prefix === "api" && rest.length === 0) return () => apiVersions(groups, serverAddress);
  if (prefix === "apis" && rest.length === 0) return () => apiGroupList(groups);
  if (prefix === "apis" && rest.length === 1) {
    const found = apiGroup(groups, rest[0]!);
    return found && (() => found);
  }
  const wanted = prefix === "api" && rest.length === 1 ? rest[0] : prefix === "apis" && rest.length === 2 ? rest.join("/") : undefined;
  const found = groups.find((g) => g.apiVersion === wanted && (g.group === "") === (prefix === "api"));
  return found && (() => apiResourceList(found));
}

/** The aggregated version that is liked better than plain JSON, if there is one. */
function aggregatedVersion(accept: string): DiscoveryVersion | undefined {
  for (const { type, subtype, parameters } of parseAccept(accept)) {
    if (type !== "application" || subtype !== "json") continue;
    if (parameters.get("as") === undefined) return undefined;
    if (parameters.get("as") !== "APIGroupDiscoveryList" || parameters.get("g") !== "apidiscovery.k8s.io") continue;
    const version = parameters.get("v");
    if (version === "v2" || version === "v2beta1") return version;
  }
  return undefined;
}

function rootPaths(groups: readonly GroupVersion[]): readonly string[] {
  const paths = new Set(["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]);
  for (const { group, version } of groups) {
    if (group !== "") paths.add(`/apis/${group}`);
    paths.add(group === "" ? `/api/${version}` : `/apis/${group}/${version}`);
  }
  return [...paths].sort();
}
