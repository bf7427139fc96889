import { type GroupVersion, groupVersions } from "../../../protocol/kinds/registry";
import { type Failure, notAcceptable } from "../../../protocol/status";
import { cached, type DocumentCache, fingerprint, jsonBytes, type ServedDocument } from "../discovery/document";
import { versionInfo } from "../discovery/version";
import { chooseMediaType } from "../negotiation";
import { asVersion3, mergeSwaggers, type Swagger } from "./swagger-of-others";
import { openApiV2 } from "./v2";
import { encodeOpenApiV2 } from "./v2-protobuf";
import { openApiV3 } from "./v3";

export interface OpenApiOptions {
  readonly cache: DocumentCache;
  readonly groups?: readonly GroupVersion[];
  /** What aggregated servers say of their types, in the order of their priority. */
  readonly remotes?: readonly RemoteDocuments[];
}

/** The documents of one aggregated server. */
export interface RemoteDocuments {
  /** "apis/GROUP/VERSION". */
  readonly path: string;
  /** Of version 3, with the addresses under which it serves them; undefined for a server that has none. */
  readonly index: ReadonlyMap<string, string> | undefined;
  readonly swagger: Swagger | undefined;
}

/** The form kubectl before 1.29 asks for. Before 1.25 it wrote it with an "@", which it cannot parse itself in an answer. */
const v2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const v2ProtobufOld = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const v2Types = ["application/json", v2Protobuf, v2ProtobufOld];

/**
 * Answers /openapi/v2, /openapi/v3 and /openapi/v3/{api/v1,apis/GROUP/VERSION}. undefined for any other path; a 406 Status for clients
 * that accept none of the forms. Documents are made when they are first asked for: the index of version 3 needs all of that version.
 */
export function openApi(
  path: string,
  accept: string,
  hash: string,
  { cache, groups = groupVersions(), remotes = [] }: OpenApiOptions,
): ServedDocument | Failure | undefined {
  const [prefix, version, ...rest] = path.split("/").filter((part) => part !== "");
  if (prefix !== "openapi") return undefined;
  if (version === "v2" && rest.length === 0) return swagger(accept, cache, groups, remotes);
  if (version !== "v3") return undefined;
  const found = rest.length === 0 ? undefined : groups.find((group) => pathOf(group) === rest.join("/"));
  const translated =
    found || rest.length === 0 ? undefined : remotes.find((remote) => isTranslated(remote) && remote.path === rest.join("/"));
  if (rest.length > 0 && found === undefined && translated === undefined) return undefined;
  if (chooseMediaType(accept, ["application/json"]) === undefined) return notAcceptable(["application/json"]);
  if (found === undefined && translated === undefined)
    return cached(cache, "openapi/v3", "application/json", () => jsonBytes(index(cache, groups, remotes)));
  const document = found ? groupDocument(found, cache) : translatedDocument(translated!, cache);
  // The hash is part of the URL that the index gives: what it leads to never changes, and may be kept for ever.
  return hash === fingerprintOf(document)
    ? {
        ...document,
        headers: [
          ...document.headers.filter(([name]) => name !== "cache-control"),
          ["cache-control", "public, immutable, max-age=31536000"],
        ],
      }
    : document;
}

function index(cache: DocumentCache, groups: readonly GroupVersion[], remotes: readonly RemoteDocuments[]) {
  const entry = (path: string, document: ServedDocument) => `/openapi/v3/${path}?hash=${fingerprintOf(document)}`;
  // What is served here is described here, whatever an aggregated server's index says.
  const urls = new Map(groups.map((group) => [pathOf(group), entry(pathOf(group), groupDocument(group, cache))]));
  for (const remote of remotes) {
    const theirs = isTranslated(remote)
      ? [[remote.path, entry(remote.path, translatedDocument(remote, cache))] as const]
      : (remote.index ?? []);
    for (const [path, url] of theirs) if (!urls.has(path)) urls.set(path, url);
  }
  const sorted = [...urls].sort(([a], [b]) => (a < b ? -1 : 1));
  return { paths: Object.fromEntries(sorted.map(([path, serverRelativeURL]) => [path, { serverRelativeURL }])) };
}

/** Whether a server's document of version 3 is made here, of its version 2. */
function isTranslated({ index, swagger }: RemoteDocuments): boolean {
  return index === undefined && swagger !== undefined;
}

function translatedDocument({ path, swagger }: RemoteDocuments, cache: DocumentCache): ServedDocument {
  return cached(cache, `openapi/remote/${path}`, "application/json", () => jsonBytes(asVersion3(swagger!, versionInfo.gitVersion)));
}

function groupDocument(group: GroupVersion, cache: DocumentCache): ServedDocument {
  return cached(cache, `openapi/v3/${pathOf(group)}`, "application/json", () => jsonBytes(openApiV3(group, versionInfo.gitVersion)));
}

function fingerprintOf(document: ServedDocument): string {
  return document.headers.find(([name]) => name === "etag")?.[1].replaceAll('"', "") ?? fingerprint(document.body);
}

/** "api/v1" or "apis/apps/v1". */
function pathOf({ group, apiVersion }: GroupVersion): string {
  return group === "" ? `api/${apiVersion}` : `apis/${apiVersion}`;
}

function swagger(
  accept: string,
  cache: DocumentCache,
  groups: readonly GroupVersion[],
  remotes: readonly RemoteDocuments[],
): ServedDocument | Failure {
  const type = chooseMediaType(accept, v2Types);
  if (type === undefined) return notAcceptable(v2Types);
  const others = remotes.flatMap(({ swagger }) => swagger ?? []);
  const make = () => mergeSwaggers(openApiV2(groups, versionInfo.gitVersion), others);
  if (type === "application/json") return cached(cache, "openapi/v2", type, () => jsonBytes(make()));
  return cached(cache, "openapi/v2;protobuf", v2Protobuf, () => encodeOpenApiV2(make()));
}
