import { resource } from "../../actors/client";
import { type Address, parseAddress, roleOf } from "../../protocol/address";
import type { ApiRequest, ApiResponse, Verb } from "../../protocol/api";
import type { JsonObject } from "../../protocol/kinds/object";
import type { Tank } from "../tank";

/** One request through the API, as whoever runs the cluster makes it. */
export interface ApiCall {
  readonly verb: Verb;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
  readonly body?: JsonObject;
  /** "merge" for patches. */
  readonly contentType?: string;
}

export const mergePatch = "application/merge-patch+json";

const tryMs = 5_000;
const retryMs = 500;

/**
 * Makes a request until an API server answers that it is done, or that it cannot be (4xx but 429; 404 and 409 are for the caller to judge), for `withinMs` at
 * most. `then` hears the last answer, undefined where there was none. All of it may be done twice without harm: patches set values, deletions name objects.
 */
export function callApi(
  tank: Tank,
  call: ApiCall,
  withinMs: number,
  then: (code: number | undefined, object: JsonObject | undefined) => void,
): void {
  const untilUs = tank.nowUs() + withinMs * 1000;
  const request = requestOf(call);
  let tries = 0;
  const attempt = () => {
    const servers = apiServersOf(tank);
    const server = servers[tries++ % servers.length];
    if (server === undefined) {
      if (tank.nowUs() < untilUs) tank.after(retryMs, attempt);
      else then(undefined, undefined);
      return;
    }
    tank.ask<ApiResponse>(server, request, tryMs, (answer) => {
      const code = answer.ok ? answer.body.code : undefined;
      const isFinal = code !== undefined && code < 500 && code !== 429;
      if (!isFinal && tank.nowUs() < untilUs) return void tank.after(retryMs, attempt);
      then(code, answer.ok ? objectIn(answer.body) : undefined);
    });
  };
  attempt();
}

/** The API servers that run now. */
export function apiServersOf(tank: Tank): readonly Address[] {
  return tank
    .hosts()
    .filter(({ role }) => role === "apiserver")
    .flatMap(({ name }) => tank.actorsOn(name))
    .filter((actor) => roleOf(actor) === "apiserver")
    .map((actor) => parseAddress(actor));
}

function requestOf({
  verb,
  apiVersion,
  kind,
  namespace,
  name,
  subresource = "",
  body,
  contentType = "application/json",
}: ApiCall): ApiRequest {
  const { group, version, plural } = resource(apiVersion, kind);
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const path = [
    root,
    ...(namespace ? ["namespaces", namespace] : []),
    plural,
    ...(name ? [name] : []),
    ...(subresource ? [subresource] : []),
  ].join("/");
  return {
    kind: "api.request",
    verb,
    path,
    isResource: true,
    group,
    version,
    resource: plural,
    subresource,
    namespace,
    name,
    query: {},
    accept: "application/json",
    contentType,
    userAgent: "wavetank-storm",
    credential: { type: "certificate", commonName: "wavetank", organizations: ["system:masters"] },
    impersonation: null,
    body: body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body)),
  };
}

function objectIn({ body }: ApiResponse): JsonObject | undefined {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8")) as JsonObject;
  } catch {
    return undefined;
  }
}
