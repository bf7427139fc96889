import type { APIService } from "../../../protocol/kinds/generated";
import { type ApiObject, type Stored, timestamp } from "../../../protocol/kinds/object";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import { forgetDiscovery, forgetOpenApiIndexes } from "../discovery/document";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate } from "../storage/guaranteed-update";
import { pemOf } from "../web/call";
import { resolveWeb } from "../web/resolve";
import { apiServicesResource, kindsOfDiscovery, type RemoteService, remoteApiServices } from "./remote";
import { readOpenApi } from "./remote-openapi";

export const aggregationTimer = "aggregation";
const checkIntervalMs = 5_000;
const checkTimeoutMs = 5_000;
const discoveryBytesMax = 4 * 1024 * 1024;

/**
 * Looks at each server of the user's: whether it answers, and what it serves. The finding is this server's for its own proxying and discovery,
 * and is written to the APIService's condition where that says otherwise. To be called when APIServices have changed, and on the timer.
 */
export function checkApiServices(state: ServerState, ctx: Ctx): undefined {
  const services = remoteApiServices(state);
  const names = new Set(services.map(({ metadata }) => metadata.name));
  for (const name of state.aggregation.remotes.keys())
    if (!names.has(name)) {
      state.aggregation.remotes.delete(name);
      state.aggregation.openApi.delete(name);
      forgetDiscovery(state.documents);
      forgetOpenApiIndexes(state.documents);
    }
  for (const service of services) check(state, ctx, service);
  if (services.length > 0) ctx.setTimer(aggregationTimer, checkIntervalMs);
}

type Finding = Omit<RemoteService, "kinds" | "said">;
const available: Finding = { available: true, reason: "Passed", message: "all checks passed" };
const unavailable = (reason: string, message: string): Finding => ({ available: false, reason, message });

function check(state: ServerState, ctx: Ctx, service: Stored<APIService>): undefined {
  const { underWay } = state.aggregation;
  const { name } = service.metadata;
  if (underWay.has(name)) return;
  const { group = "", version = "", service: target, caBundle, insecureSkipTLSVerify = false } = service.spec!;
  const path = `/apis/${group}/${version}`;
  const route = resolveWeb(
    state,
    { service: { namespace: target?.namespace ?? "", name: target?.name ?? "", port: target?.port ?? 443 } },
    path,
  );
  if (!route.ok) return settle(state, ctx, service, unavailable(reasonOf(route.detail), route.detail), undefined);
  underWay.add(name);
  const request: HttpRequest = {
    kind: "http.request",
    method: "GET",
    url: route.url,
    serverName: route.serverName,
    headers: [
      ["accept", "application/json"],
      ["x-remote-user", "system:kube-aggregator"],
      ["x-remote-group", "system:masters"],
    ],
    body: new Uint8Array(),
    caBundle: pemOf(caBundle),
    insecureSkipTlsVerify: insecureSkipTLSVerify,
    identity: "front-proxy",
  };
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs: checkTimeoutMs }, (state, answer, ctx) => {
    state.aggregation.underWay.delete(name);
    const what = `failing or missing response from ${route.url}:`;
    if (!answer.ok) {
      const detail = answer.error === "timeout" ? "context deadline exceeded" : answer.detail || answer.error;
      return settle(
        state,
        ctx,
        service,
        unavailable("FailedDiscoveryCheck", `${what} Get ${JSON.stringify(route.url)}: ${detail}`),
        undefined,
      );
    }
    const { code, body } = answer.body;
    if (code < 200 || code >= 300)
      return settle(state, ctx, service, unavailable("FailedDiscoveryCheck", `${what} bad status from ${route.url}: ${code}`), undefined);
    settle(state, ctx, service, available, body);
    return readOpenApi(state, ctx, service);
  });
}

/** Why a Service cannot be reached, in the words of the condition. */
function reasonOf(detail: string): string {
  if (detail.endsWith("not found")) return "ServiceNotFound";
  if (detail.startsWith("no service port")) return "ServicePortError";
  return detail.startsWith("no endpoints") ? "MissingEndpoints" : "ServiceAccessError";
}

function settle(state: ServerState, ctx: Ctx, service: Stored<APIService>, finding: Finding, discovery: Uint8Array | undefined): undefined {
  const { name } = service.metadata;
  const before = state.aggregation.remotes.get(name);
  const said = discovery && discovery.length <= discoveryBytesMax ? Buffer.from(discovery).toString("utf8") : before?.said;
  const kinds = said === undefined || said === before?.said ? (before?.kinds ?? []) : kindsIn(service, said);
  state.aggregation.remotes.set(name, { ...finding, kinds, said: said ?? "" });
  if (said !== before?.said || finding.available !== before?.available) forgetDiscovery(state.documents);
  return writeCondition(state, ctx, service, finding);
}

function kindsIn({ spec }: Stored<APIService>, said: string): RemoteService["kinds"] {
  try {
    return kindsOfDiscovery(spec?.group ?? "", spec?.version ?? "", JSON.parse(said)) ?? [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function writeCondition(state: ServerState, ctx: Ctx, service: Stored<APIService>, { available, reason, message }: Finding): undefined {
  const status = available ? "True" : "False";
  const isSaid = ({ status: { conditions = [] } = {} }: Stored<APIService>) =>
    conditions.some((each) => each.type === "Available" && each.status === status && each.reason === reason && each.message === message);
  if (isSaid(service)) return;
  const key = apiServicesResource.prefix + service.metadata.name;
  const change = (current: Entry | undefined, nowMs: number): Decision => {
    const found = current?.object as unknown as Stored<APIService> | undefined;
    if (!found || found.metadata.uid !== service.metadata.uid || isSaid(found)) return { type: "keep" };
    const conditions = found.status?.conditions ?? [];
    const old = conditions.find(({ type }) => type === "Available");
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : timestamp(nowMs);
    const entered = { ...(lastTransitionTime ? { lastTransitionTime } : {}), message, reason, status, type: "Available" };
    const changed = { ...found, status: { conditions: [...conditions.filter((each) => each !== old), entered] } };
    return { type: "put", stored: encodeStored(changed as unknown as ApiObject) };
  };
  const plan = { key, cached: cacheOf(state.feed, apiServicesResource).get(key), change, deadlineUs: ctx.monotonicUs() + 10e6 };
  return guaranteedUpdate(state, ctx, plan, (_state, outcome, ctx) => {
    if (outcome.type !== "put") return;
    const object = `apiregistration.k8s.io/apiservices/${service.metadata.name}`;
    ctx.record({ kind: "api.write", verb: "update", object, resourceVersion: String(outcome.entry.revision), user: "system:apiserver" });
  });
}
