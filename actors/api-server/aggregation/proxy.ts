import type { Address } from "../../../protocol/address";
import type { ApiChunk, ApiRequest, ApiResponse, Verb } from "../../../protocol/api";
import type { APIService } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { failure } from "../../../protocol/status";
import type { HttpRequest, HttpResponse, WebMessage } from "../../../protocol/web";
import { streamEnded } from "../audit/audit";
import type { User } from "../authentication/user";
import { begin, type Call, refuse, respond } from "../call";
import { newRelay } from "../relays";
import type { Ctx, ServerState } from "../state";
import { pemOf } from "../web/call";
import { resolveWeb } from "../web/resolve";

/**
 * Passes a request on to the server behind an APIService. The user was authenticated and authorized here; the server is told who it is in headers,
 * which it believes because of the certificate that this server shows. Source: "Aggregation layer" in the documentation.
 */
export function proxy(state: ServerState, ctx: Ctx, call: Call, service: Stored<APIService>): undefined {
  const { name } = service.metadata;
  const { service: target, caBundle, insecureSkipTLSVerify = false } = service.spec!;
  const known = state.aggregation.remotes.get(name);
  if (known && !known.available) return refuse(ctx, call, failure("ServiceUnavailable", "service unavailable"));
  const route = resolveWeb(
    state,
    { service: { namespace: target?.namespace ?? "", name: target?.name ?? "", port: target?.port ?? 443 } },
    call.request.path + queryOf(call.request),
  );
  if (!route.ok) return refuse(ctx, call, unreachable(route.detail));
  const request: HttpRequest = {
    kind: "http.request",
    method: methodOf(call.request.verb),
    url: route.url,
    serverName: route.serverName,
    headers: headersFor(call.request, call.user),
    body: call.request.body,
    caBundle: pemOf(caBundle),
    insecureSkipTlsVerify: insecureSkipTLSVerify,
    identity: "front-proxy",
  };
  if (call.caller.type === "open") return passStream(state, ctx, call, route.actor, request);
  const deadlineMs = Math.max(1, (call.deadlineUs - ctx.monotonicUs()) / 1000);
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs }, (_state, answer, ctx) =>
    answer.ok ? respond(ctx, call, responseOf(answer.body)) : refuse(ctx, call, unreachable(answer.detail || answer.error)),
  );
}

function unreachable(detail: string) {
  return failure("ServiceUnavailable", `error trying to reach service: ${detail}`);
}

/** What goes on (a watch) is passed on in the pieces in which it comes. */
function passStream(state: ServerState, ctx: Ctx, call: Call, actor: Address, request: HttpRequest): undefined {
  const { caller } = call;
  if (caller.type !== "open") throw new Error("only a stream is passed on in pieces");
  const { stream } = caller;
  let begun = false;
  const remote = ctx.open<WebMessage>(actor, request, (state, input, ctx) => {
    if (input.type === "closed") {
      state.relays.delete(stream.key);
      streamEnded(state, ctx, stream.key);
      if (begun) ctx.close(stream);
      else refuse(ctx, call, unreachable(input.detail || input.reason));
      return;
    }
    if (input.body.kind === "http.response") {
      begun = true;
      begin(ctx, call, responseOf(input.body));
      if (input.body.code !== 200) ctx.close(stream);
    } else if (input.body.kind === "http.chunk") {
      const chunk: ApiChunk = { kind: "api.chunk", bytes: input.body.bytes };
      ctx.push(stream, chunk);
    }
    return;
  });
  // Where the client goes the other end is told, as with logs that are followed.
  newRelay(state, { remote, caller: stream, request: call.request });
}

/** The headers that a client gets: what the connection itself needs is the gateway's business. */
function responseOf({ code, headers, body }: HttpResponse): ApiResponse {
  const contentType = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "application/json";
  return { kind: "api.response", code, contentType, headers: headers.filter(([name]) => name.toLowerCase() !== "content-type"), body };
}

const methods: Readonly<Record<Verb, string>> = {
  get: "GET",
  list: "GET",
  watch: "GET",
  connect: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};

function methodOf(verb: Verb): string {
  return methods[verb];
}

function queryOf({ query }: ApiRequest): string {
  const text = new URLSearchParams(query as Record<string, string>).toString();
  return text === "" ? "" : `?${text}`;
}

function headersFor({ accept, contentType, userAgent }: ApiRequest, user: User): HttpRequest["headers"] {
  return [
    ...(accept === "" ? [] : [["accept", accept] as const]),
    ...(contentType === "" ? [] : [["content-type", contentType] as const]),
    ["user-agent", userAgent],
    ["x-remote-user", user.name],
    ...(user.uid === "" ? [] : [["x-remote-uid", user.uid] as const]),
    ...user.groups.map((group) => ["x-remote-group", group] as const),
    ...Object.entries(user.extra).flatMap(([name, values]) =>
      values.map((value) => [`x-remote-extra-${encodeURIComponent(name)}`, value] as const),
    ),
  ];
}
