import { address } from "../../protocol/address";
import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { Answer, Context } from "../../runtime/actor";
import type { Container, State } from "./state";

/** Another Service that an image asks for each request, before it answers. */
export interface Dependency {
  /** "api" of the pod's own namespace, "shop/api", or a DNS name such as "api.shop.svc"; a port may stand behind a colon, the first is meant otherwise. */
  readonly service: string;
  readonly path?: string;
  /** How long an answer is waited for; 1000 where not given. */
  readonly timeoutMs?: number;
  /** With false its failure does not make the request fail. */
  readonly required?: boolean;
  /** Whether probes ask it too, as health checks do that look at what stands behind. */
  readonly inProbes?: boolean;
}

/** Calls from workload to workload are given up after so many, or two that ask each other would never end. */
const hopsMax = 8;
const timeoutMsDefault = 1_000;

/** A dependency as it may be written: its Service alone, or a record. */
export function dependencyOf(written: string | Dependency): Dependency {
  return typeof written === "string" ? { service: written } : written;
}

/** Name and port of "shop/api:8080". */
export function targetOf({ service }: Dependency): { readonly host: string; readonly port: number } {
  const [name = "", port = "0"] = service.split(":");
  const [namespace, own] = name.split("/");
  return { host: own === undefined ? name : `${own}.${namespace}.svc.cluster.local.`, port: Number(port) };
}

/** "shop/api": the Service that a dependency of a pod of this namespace means. */
export function serviceKeyOf(dependency: Dependency, podNamespace: string): string {
  const [name = "", namespace = podNamespace] = targetOf(dependency).host.split(".");
  return `${namespace}/${name}`;
}

/**
 * Asks one dependency through the node's kube-proxy, as a process in the pod would. `then` gets what went wrong, "" where it answered without an error.
 */
export function askDependency(
  state: State,
  container: Container,
  dependency: Dependency,
  asked: NetRequest,
  ctx: Context<State>,
  then: (state: State, failure: string, ctx: Context<State>) => undefined,
): void {
  const [namespace = ""] = container.pod.split("/");
  const key = serviceKeyOf(dependency, namespace);
  const hops = (asked.hops ?? 0) + 1;
  if (hops > hopsMax) {
    then(state, `${key}: given up after ${hopsMax} calls from Service to Service: they go round in circles`, ctx);
    return;
  }
  const { host, port } = targetOf(dependency);
  const request: NetRequest = {
    kind: "net.request",
    sourceIp: state.sandboxes.get(container.sandboxId)?.ip ?? "",
    destinationIp: "",
    port,
    protocol: "TCP",
    method: "GET",
    path: dependency.path ?? "/",
    body: new Uint8Array(0),
    requestId: asked.requestId,
    name: { host, namespace },
    hops,
  };
  const deadlineMs = Math.ceil(dependency.timeoutMs ?? timeoutMsDefault);
  ctx.ask<NetResponse>(address("kube-proxy", state.config.node), request, { deadlineMs }, (later, answer, next) => {
    const failure = failureOf(answer);
    return then(later, failure === "" ? "" : `${key}: ${failure}`, next);
  });
}

function failureOf(answer: Answer<NetResponse>): string {
  if (!answer.ok) return answer.error;
  const { outcome, code, detail } = answer.body;
  if (outcome !== "answered") return detail === "" ? outcome : `${outcome}: ${detail}`;
  return code < 500 ? "" : `answered ${code}${detail === "" ? "" : `: ${detail}`}`;
}

/** Whether a value is a list of dependencies as a behaviour may have it. */
export function areDependencies(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => isService(one) || isDependency(one));
}

export const dependenciesText =
  'a list of Services, each as "api", "shop/api" or { service, path, timeoutMs, required, inProbes } with a time-out in milliseconds';

const isService = (value: unknown) => typeof value === "string" && /^[a-z0-9]([a-z0-9./-]*[a-z0-9])?(:\d{1,5})?$/.test(value);

function isDependency(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { service, path = "/", timeoutMs = 1, required = true, inProbes = false, ...others } = value as Record<string, unknown>;
  return (
    isService(service) &&
    typeof path === "string" &&
    typeof timeoutMs === "number" &&
    timeoutMs > 0 &&
    typeof required === "boolean" &&
    typeof inProbes === "boolean" &&
    Object.keys(others).length === 0
  );
}
