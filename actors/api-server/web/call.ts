import type { NetRequest, NetResponse } from "../../../protocol/cluster";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { Ctx, ServerState } from "../state";
import { podsBehind, resolveWeb, type WebTarget } from "./resolve";

export type WebOutcome =
  | { readonly ok: true; readonly response: HttpResponse }
  /** Nobody answered: `timedOut` says that it took too long. */
  | { readonly ok: false; readonly detail: string; readonly timedOut: boolean };

/**
 * POSTs JSON to a webhook and goes on with its answer. What may answer is in resolve.ts; in a simulated cluster it is an actor, in a live one a
 * process of the user's. The request is sent once.
 */
export function postJson(
  state: ServerState,
  ctx: Ctx,
  target: WebTarget,
  body: unknown,
  timeoutMs: number,
  then: (state: ServerState, outcome: WebOutcome, ctx: Ctx) => undefined,
): undefined {
  const route = resolveWeb(state, target, "");
  if (!route.ok) return then(state, { ok: false, detail: route.detail, timedOut: false }, ctx);
  const separator = route.url.includes("?") ? "&" : "?";
  const request: HttpRequest = {
    kind: "http.request",
    method: "POST",
    url: `${route.url}${separator}timeout=${Math.ceil(timeoutMs / 1000)}s`,
    serverName: route.serverName,
    headers: [
      ["content-type", "application/json"],
      ["accept", "application/json, */*"],
      ["user-agent", "kube-apiserver-admission"],
      ...(target.headers ?? []),
    ],
    body: Buffer.from(JSON.stringify(body)),
    caBundle: pemOf(target.caBundle),
    insecureSkipTlsVerify: target.insecureSkipTlsVerify ?? false,
    identity: "",
  };
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs: timeoutMs }, (state, answer, ctx) => {
    if (answer.ok) return then(state, { ok: true, response: answer.body }, ctx);
    const timedOut = answer.error === "timeout";
    const detail = timedOut ? "context deadline exceeded" : answer.detail || answer.error;
    return then(state, { ok: false, detail, timedOut }, ctx);
  });
}

/**
 * The same, for whom a pod may play: a Service that leads to pods is asked through the cluster's own network, where an image's behaviour says what its
 * containers answer. Nothing is encrypted there.
 */
export function postToCluster(
  state: ServerState,
  ctx: Ctx,
  target: WebTarget,
  body: unknown,
  timeoutMs: number,
  then: (state: ServerState, outcome: WebOutcome, ctx: Ctx) => undefined,
): undefined {
  const pods = podsBehind(state, target);
  if (pods.length === 0) return postJson(state, ctx, target, body, timeoutMs, then);
  const { ip, port, network } = pods[ctx.randomInt("webhook", pods.length)]!;
  const asked: NetRequest = {
    ...{ kind: "net.request", sourceIp: state.membership.advertised.ip, destinationIp: ip, port, protocol: "TCP", method: "POST" },
    path: `${target.service?.path ?? "/"}?timeout=${Math.ceil(timeoutMs / 1000)}s`,
    body: Buffer.from(JSON.stringify(body)),
    requestId: `webhook ${target.service?.namespace}/${target.service?.name}`,
  };
  ctx.ask<NetResponse>(network, asked, { deadlineMs: timeoutMs }, (state, answer, ctx) => {
    if (answer.ok && answer.body.outcome === "answered") {
      const { code, body } = answer.body;
      return then(state, { ok: true, response: { kind: "http.response", code, headers: [], body } }, ctx);
    }
    const timedOut = answer.ok ? answer.body.outcome === "timeout" : answer.error === "timeout";
    const why = answer.ok && answer.body.outcome === "refused" ? "connect: connection refused" : "connect: no route to host";
    return then(state, { ok: false, detail: timedOut ? "context deadline exceeded" : `dial tcp ${ip}:${port}: ${why}`, timedOut }, ctx);
  });
}

/** A caBundle as objects hold it, as PEM. */
export function pemOf(bundle: string | undefined): string {
  return bundle === undefined ? "" : Buffer.from(bundle, "base64").toString("utf8");
}
