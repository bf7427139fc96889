import type { AuditKeep, AuditKept } from "../../../protocol/audit";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { Ctx, ServerState } from "../state";
import { resolveWeb } from "../web/resolve";

/** A webhook that takes audit events, as requests to it are made. */
export interface AuditSink {
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** PEM; "" for the authorities that the machine trusts. */
  readonly caBundle: string;
  /** The name for which its certificate must be good; "" for the URL's own. */
  readonly serverName: string;
  readonly insecureSkipTlsVerify: boolean;
}

const answerMs = 30_000;

/** Has one event kept by all who have to, and goes on with those who did not: the log is asked first, the webhook all the same. */
export function keepStrictly(
  state: ServerState,
  ctx: Ctx,
  event: object,
  then: (state: ServerState, lost: readonly ("log" | "webhook")[], ctx: Ctx) => undefined,
): undefined {
  const { auditStrict: sink, auditKeeper } = state.config;
  const tell = (state: ServerState, lost: readonly "log"[], ctx: Ctx): undefined =>
    sink
      ? tellSink(state, ctx, sink, event, (state, taken, ctx) => then(state, taken ? lost : [...lost, "webhook"], ctx))
      : then(state, lost, ctx);
  if (!auditKeeper) return tell(state, [], ctx);
  const keep: AuditKeep = { kind: "audit.keep", event };
  ctx.ask<AuditKept>(auditKeeper, keep, { deadlineMs: answerMs }, (state, answer, ctx) =>
    tell(state, answer.ok && answer.body.kept ? [] : ["log"], ctx),
  );
}

/** Tells one event, once, and goes on with whether it was taken. */
function tellSink(
  state: ServerState,
  ctx: Ctx,
  sink: AuditSink,
  event: object,
  then: (state: ServerState, taken: boolean, ctx: Ctx) => undefined,
): undefined {
  const route = resolveWeb(state, { url: sink.url }, "");
  if (!route.ok) return then(state, false, ctx);
  const { headers, caBundle, insecureSkipTlsVerify } = sink;
  const list = { kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items: [event] };
  const request: HttpRequest = {
    ...{ kind: "http.request", method: "POST", url: route.url, serverName: sink.serverName || route.serverName, identity: "" },
    headers: [["content-type", "application/json"], ["user-agent", "kube-apiserver-audit"], ...headers],
    body: Buffer.from(JSON.stringify(list)),
    ...{ caBundle, insecureSkipTlsVerify },
  };
  ctx.ask<HttpResponse>(route.actor, request, { deadlineMs: answerMs }, (state, answer, ctx) =>
    then(state, answer.ok && answer.body.code >= 200 && answer.body.code < 300, ctx),
  );
}
