import type { APIService } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import { forgetOpenApiIndexes } from "../discovery/document";
import { isObject } from "../objects/decode";
import { isDeeper } from "../objects/nesting";
import type { RemoteDocuments } from "../openapi/openapi";
import { readSwagger, type Swagger } from "../openapi/swagger-of-others";
import type { Ctx, ServerState } from "../state";
import { pemOf } from "../web/call";
import { resolveWeb } from "../web/resolve";
import { remotesByPriority } from "./remote";

/**
 * What aggregated servers say of their types. Each is asked for its index of version 3, whose documents are passed through, and for its document of
 * version 2, which is merged into ours; a server without version 3 has its version 2 translated. Compared with kube-aggregator's controllers.
 */
export interface RemoteOpenApi {
  /** Document by its path ("apis/GROUP/VERSION"), with the address that the server gives for it; undefined where it has no version 3. */
  readonly index: ReadonlyMap<string, string> | undefined;
  /** Of the group version alone; undefined where it has none that can be read. */
  readonly swagger: Swagger | undefined;
  readonly swaggerTag: string;
  /** When to ask again. */
  readonly dueUs: number;
}

const unread: RemoteOpenApi = { index: undefined, swagger: undefined, swaggerTag: "", dueUs: 0 };

/** As kube-aggregator: every minute, and sooner where a server did not answer. */
const againUs = 60e6;
const soonUs = 5e6;
const timeoutMs = 60_000;
const documentBytesMax = 8 * 1024 * 1024;
const pathsMax = 1_000;
const levelsMax = 200;

/** Asks an available server for its documents where that is due. */
export function readOpenApi(state: ServerState, ctx: Ctx, service: Stored<APIService>): undefined {
  const { name } = service.metadata;
  const { openApi } = state.aggregation;
  const before = openApi.get(name) ?? unread;
  if (before.dueUs > ctx.monotonicUs()) return;
  // While the answer is out nothing else is asked.
  openApi.set(name, { ...before, dueUs: ctx.monotonicUs() + timeoutMs * 2000 });
  const settle = (state: ServerState, ctx: Ctx, found: Omit<RemoteOpenApi, "dueUs">, isWhole: boolean): undefined => {
    if (!state.aggregation.openApi.has(name)) return;
    const known = state.aggregation.openApi.get(name)!;
    state.aggregation.openApi.set(name, { ...found, dueUs: ctx.monotonicUs() + (isWhole ? againUs : soonUs) });
    if (found.swagger !== known.swagger || !isSameIndex(found.index, known.index)) forgetOpenApiIndexes(state.documents);
  };
  fetch(state, ctx, service, "/openapi/v3", "", (state, answer, ctx) => {
    if (answer === undefined) return settle(state, ctx, before, false);
    const index = answer.code === 200 ? indexIn(answer.body) : undefined;
    fetch(state, ctx, service, "/openapi/v2", before.swaggerTag, (state, second, ctx) => {
      if (second?.code === 304) return settle(state, ctx, { ...before, index }, true);
      const swagger = second?.code === 200 && second.body.length <= documentBytesMax ? swaggerIn(service, second.body) : undefined;
      const swaggerTag = second?.headers.find(([header]) => header.toLowerCase() === "etag")?.[1] ?? "";
      if (second === undefined) return settle(state, ctx, { ...before, index }, false);
      // A server that has no tags is compared by what it says.
      const isSame = swagger !== undefined && JSON.stringify(swagger) === JSON.stringify(before.swagger);
      return settle(state, ctx, { index, swagger: isSame ? before.swagger : swagger, swaggerTag }, true);
    });
  });
  return undefined;
}

function fetch(
  state: ServerState,
  ctx: Ctx,
  { spec }: Stored<APIService>,
  path: string,
  tag: string,
  then: (state: ServerState, answer: HttpResponse | undefined, ctx: Ctx) => undefined,
): void {
  const { service: target, caBundle, insecureSkipTLSVerify = false } = spec!;
  const reference = { namespace: target?.namespace ?? "", name: target?.name ?? "", port: target?.port ?? 443 };
  const route = resolveWeb(state, { service: reference }, path);
  if (!route.ok) return void then(state, undefined, ctx);
  const request: HttpRequest = {
    ...{ kind: "http.request", method: "GET", url: route.url, serverName: route.serverName },
    headers: [
      ["accept", "application/json"],
      ...(tag === "" ? [] : [["if-none-match", tag] as const]),
      ["x-remote-user", "system:aggregator"],
      ["x-remote-group", "system:authenticated"],
    ],
    body: new Uint8Array(),
    caBundle: pemOf(caBundle),
    insecureSkipTlsVerify: insecureSkipTLSVerify,
    identity: "front-proxy",
  };
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs: timeoutMs }, (state, answer, ctx) =>
    then(state, answer.ok ? answer.body : undefined, ctx),
  );
}

/** The paths of an index of version 3; undefined for what is none. */
function indexIn(body: Uint8Array): ReadonlyMap<string, string> | undefined {
  const document = jsonIn(body);
  if (!isObject(document) || !isObject(document.paths)) return undefined;
  const found = new Map<string, string>();
  for (const [path, entry] of Object.entries(document.paths).slice(0, pathsMax)) {
    const url = isObject(entry) ? entry.serverRelativeURL : undefined;
    if (typeof url === "string") found.set(path, url);
  }
  return found;
}

function swaggerIn({ spec }: Stored<APIService>, body: Uint8Array): Swagger | undefined {
  return readSwagger(jsonIn(body), `/apis/${spec?.group ?? ""}/${spec?.version ?? ""}/`);
}

function jsonIn(body: Uint8Array): unknown {
  if (body.length > documentBytesMax) return undefined;
  try {
    const document: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return isDeeper(document, levelsMax) ? undefined : document;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isSameIndex(a: RemoteOpenApi["index"], b: RemoteOpenApi["index"]): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify([...a]) === JSON.stringify([...b]));
}

/** What is known of the types of all aggregated servers, in the order of their priority. */
export function remoteDocuments(state: ServerState): readonly RemoteDocuments[] {
  if (state.aggregation.openApi.size === 0) return [];
  return remotesByPriority(state).flatMap(({ metadata, spec }): readonly RemoteDocuments[] => {
    const known = state.aggregation.openApi.get(metadata.name);
    return known ? [{ path: `apis/${spec?.group}/${spec?.version}`, index: known.index, swagger: known.swagger }] : [];
  });
}

/** The APIService whose server has a document of version 3 under this path. */
export function remoteOfOpenApi(state: ServerState, path: string): Stored<APIService> | undefined {
  const [, document] = /^\/openapi\/v3\/(.+?)\/?$/.exec(path) ?? [];
  if (document === undefined || state.aggregation.openApi.size === 0) return undefined;
  return remotesByPriority(state).find(({ metadata }) => state.aggregation.openApi.get(metadata.name)?.index?.has(document));
}
