import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { Ctx, ServerState } from "../state";
import { resolveWeb } from "./resolve";

/** GETs a JSON object over HTTPS; a text says why there is none. `ca` is PEM, "" for what the machine trusts. The request is sent once. */
export function fetchJson(
  state: ServerState,
  ctx: Ctx,
  { url, ca }: { readonly url: string; readonly ca: string },
  timeoutMs: number,
  then: (state: ServerState, answer: Readonly<Record<string, unknown>> | string, ctx: Ctx) => undefined,
): undefined {
  if (!url.startsWith("https://")) return then(state, `Get ${JSON.stringify(url)}: URL scheme must be https`, ctx);
  const route = resolveWeb(state, { url }, "");
  if (!route.ok) return then(state, `Get ${JSON.stringify(url)}: ${route.detail}`, ctx);
  const request: HttpRequest = {
    kind: "http.request",
    method: "GET",
    url: route.url,
    serverName: route.serverName,
    headers: [
      ["accept", "application/json, */*"],
      ["user-agent", "kube-apiserver"],
    ],
    body: new Uint8Array(),
    caBundle: ca,
    insecureSkipTlsVerify: false,
    identity: "",
  };
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs: timeoutMs }, (state, answer, ctx) => {
    if (!answer.ok) {
      const why = answer.error === "timeout" ? "context deadline exceeded" : answer.detail || answer.error;
      return then(state, `Get ${JSON.stringify(url)}: ${why}`, ctx);
    }
    const { code, body } = answer.body;
    if (code !== 200) return then(state, `Get ${JSON.stringify(url)}: ${code}`, ctx);
    return then(state, parsed(body) ?? `Get ${JSON.stringify(url)}: the answer is no JSON object`, ctx);
  });
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
