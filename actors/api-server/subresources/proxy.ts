import { type Address, address } from "../../../protocol/address";
import type { ApiResponse } from "../../../protocol/api";
import type { KubeletGetRequest, KubeletGetResponse, NetRequest, NetResponse } from "../../../protocol/cluster";
import type { EndpointSlice, Pod, Service } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { badRequest, type Failure, failure, isFailure, notFound } from "../../../protocol/status";
import { admitSubresource } from "../admission/dynamic/subresource";
import { type ResourceCall, refuse, respond } from "../call";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { keyOfObject, resourceNamed } from "../storage/keys";

/**
 * pods/NAME/proxy, services/NAME/proxy and nodes/NAME/proxy: a request into the cluster's own network, from the node where the target is.
 * A name may carry a scheme and a port: "web", "web:8080", "http:web:metrics". Nothing is dialled from the host.
 */
export function serveProxy(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const path = pathBehind(call.request.path);
  const body = { group: "", version: "v1", kind: `${call.kind.kind}ProxyOptions` };
  return admitSubresource(state, ctx, call, "CONNECT", body, path === "" ? {} : { path }, false, (state, admitted, ctx) =>
    isFailure(admitted) ? refuse(ctx, call, admitted) : proxyAdmitted(state, ctx, call, path),
  );
}

function proxyAdmitted(state: ServerState, ctx: Ctx, call: ResourceCall, path: string): undefined {
  const { request } = call;
  if (path === "" && request.verb === "get") return redirect(ctx, call);
  const target = targetOf(state, ctx, call);
  if (isFailure(target)) return refuse(ctx, call, target);
  const query = queryText(call);
  const deadlineMs = Math.max(1, (call.deadlineUs - ctx.monotonicUs()) / 1000);
  if ("kubelet" in target) return askKubelet(ctx, call, target.kubelet, path || "/", deadlineMs);
  const asked: NetRequest = {
    kind: "net.request",
    sourceIp: state.membership.advertised.ip,
    destinationIp: target.ip,
    port: target.port,
    protocol: "TCP",
    method: methods.get(request.verb) ?? "GET",
    path: (path || "/") + query,
    body: request.body,
    requestId: `proxy ${request.path}`,
  };
  ctx.ask<NetResponse>(target.network, asked, { deadlineMs }, (_state, answer, ctx) => {
    const reached = answer.ok && answer.body.outcome === "answered";
    if (reached) return respond(ctx, call, { ...plain, code: answer.body.code, body: answer.body.body });
    const why = answer.ok ? answer.body.detail || answer.body.outcome : answer.error;
    return refuse(ctx, call, unreachable(`error trying to reach service: dial tcp ${target.ip}:${target.port}: ${why}`));
  });
}

const plain: ApiResponse = {
  kind: "api.response",
  code: 200,
  contentType: "text/plain; charset=utf-8",
  headers: [],
  body: new Uint8Array(0),
};

const methods: ReadonlyMap<string, string> = new Map([
  ["get", "GET"],
  ["create", "POST"],
  ["update", "PUT"],
  ["patch", "PATCH"],
  ["delete", "DELETE"],
]);

type Target = { readonly ip: string; readonly port: number; readonly network: Address } | { readonly kubelet: Address };

function targetOf(state: ServerState, ctx: Ctx, call: ResourceCall): Target | Failure {
  const { name, port } = splitName(call.request.name);
  if (port !== "" && !/^[a-z0-9-]{1,15}$|^\d{1,5}$/.test(port))
    return badRequest(`invalid ${call.kind.kind.toLowerCase()} request ${JSON.stringify(call.request.name)}`);
  switch (call.kind.plural) {
    case "pods":
      return podTarget(state, call, name, port);
    case "services":
      return serviceTarget(state, ctx, call, name, port);
    default:
      return find(state, call, "nodes", name) ? { kubelet: address("kubelet", name) } : missing(call, name);
  }
}

function podTarget(state: ServerState, call: ResourceCall, name: string, port: string): Target | Failure {
  const pod = find<Pod>(state, call, "pods", name);
  if (!pod) return missing(call, name);
  const { podIP = "" } = pod.status ?? {};
  const node = pod.spec?.nodeName;
  if (podIP === "" || !node) return badRequest("address not allowed");
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const number = port === "" ? (ports[0]?.containerPort ?? 80) : Number(port);
  const named = Number.isNaN(number) ? ports.find((one) => one.name === port)?.containerPort : number;
  if (named === undefined) return unreachable(`no port ${JSON.stringify(port)} found for pod ${JSON.stringify(name)}`);
  return { ip: podIP, port: named, network: address("kube-proxy", node) };
}

function serviceTarget(state: ServerState, ctx: Ctx, call: ResourceCall, name: string, port: string): Target | Failure {
  const service = find<Service>(state, call, "services", name);
  if (!service) return missing(call, name);
  const ports = service.spec?.ports ?? [];
  const chosen = port === "" ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  if (!chosen || (port === "" && ports.length > 1 && ports.every((one) => one.name)))
    return unreachable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const resource = resourceNamed("discovery.k8s.io", "v1", "endpointslices");
  const endpoints = cacheOf(state.feed, resource)
    .list(keyOfObject(resource, call.request.namespace, ""))
    .map(({ object }) => object as unknown as Stored<EndpointSlice>)
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)
    .flatMap((slice) => {
      const at = slice.ports?.find((one) => (one.name ?? "") === (chosen.name ?? ""))?.port;
      const ready = (slice.endpoints ?? []).filter(({ conditions, nodeName }) => (conditions?.ready ?? true) && nodeName);
      return at === undefined
        ? []
        : ready.map(({ addresses, nodeName }) => ({ ip: addresses[0]!, port: at, network: address("kube-proxy", nodeName!) }));
    });
  if (endpoints.length === 0) return unreachable(`no endpoints available for service ${JSON.stringify(name)}`);
  return endpoints[ctx.randomInt("proxy", endpoints.length)]!;
}

function find<T extends object = ApiObject>(state: ServerState, call: ResourceCall, plural: string, name: string): Stored<T> | undefined {
  const resource = resourceNamed("", "v1", plural);
  return cacheOf(state.feed, resource).get(keyOfObject(resource, call.request.namespace, name))?.object as Stored<T> | undefined;
}

function missing(call: ResourceCall, name: string): Failure {
  return notFound({ group: "", resource: call.kind.plural, name });
}

const unreachable = (message: string) => failure("ServiceUnavailable", message);

/** "scheme:name:port", "name:port" or "name". Source: the documentation of `proxy` in the API reference. */
function splitName(text: string): { readonly name: string; readonly port: string } {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  return parts.length === 3 ? { name: second, port: third } : { name: first, port: second };
}

/** What stands in a path behind the subresource: "/a/b" of ".../pods/web/proxy/a/b", "" where nothing does. */
function pathBehind(path: string): string {
  return /\/proxy(\/.*)?$/s.exec(path.replace(/^(\/api\/v1(?:\/namespaces\/[^/]+)?\/(?:pods|services|nodes)\/[^/]+)/, ""))?.[1] ?? "";
}

function queryText({ request: { query, repeated = {} } }: ResourceCall): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (repeated[name] ?? [value]).map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Relative links in what is proxied only work below a slash. */
function redirect(ctx: Ctx, call: ResourceCall): undefined {
  return respond(ctx, call, { ...plain, code: 301, headers: [["Location", `${call.request.path}/${queryText(call)}`]] });
}

function askKubelet(ctx: Ctx, call: ResourceCall, kubelet: Address, path: string, deadlineMs: number): undefined {
  const asked: KubeletGetRequest = { kind: "kubelet.get", path };
  ctx.ask<KubeletGetResponse>(kubelet, asked, { deadlineMs }, (_state, answer, ctx) => {
    if (!answer.ok) return refuse(ctx, call, unreachable(`error trying to reach service: ${kubelet}: ${answer.error}`));
    const { code, contentType, bytes } = answer.body;
    return respond(ctx, call, { ...plain, code, contentType, body: bytes });
  });
}
