import type { Address } from "../../../protocol/address";
import { roleOf } from "../../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../../protocol/api";
import type { User } from "../authentication/user";
import { attributesOf } from "../authorization/attributes";
import type { Decision } from "../authorization/rbac";
import { type Caller, respond } from "../call";
import { isLongRunning } from "../flow-control/long-running";
import { text } from "../health";
import type { Ctx, ServerState } from "../state";
import { type AuditSubject, auditEvent } from "./event";
import { type AuditStage, auditDecision } from "./policy";
import { keepStrictly } from "./sink";

/**
 * The audit log: each stage of a request that the policy wants written is recorded as a fact, and whoever runs the server writes it where it
 * belongs. Without a policy nothing is written, but requests from outside have their id all the same.
 */

const header = "Audit-ID";

/** Gives the request its id. One that it has already whoever gave it knows; otherwise the answer carries it. */
export function nameForAudit(state: ServerState, ctx: Ctx, request: ApiRequest, from: Address, caller: Caller): void {
  if (state.config.audit === undefined && roleOf(from) !== "gateway") return;
  if (request.auditId) {
    caller.exchange.auditId = request.auditId;
    return;
  }
  const id = ctx.uuid();
  caller.exchange.auditId = id;
  caller.exchange.headers.push([header, id]);
}

/**
 * Writes the first stage, and the others when they come, and goes on with the request. To be called when it is known who asks. Where the beginning of
 * each request has to be kept (blocking-strict), one whose beginning is not is refused.
 */
export function audit(
  state: ServerState,
  ctx: Ctx,
  request: ApiRequest,
  caller: Caller,
  asker: { readonly user: User; readonly impersonated: User | undefined },
  then: (state: ServerState, ctx: Ctx) => undefined,
): undefined {
  const { audit: policy, auditStrict, auditKeeper } = state.config;
  if (policy === undefined) return then(state, ctx);
  const wanted = attributesOf(request);
  const decision = auditDecision(policy, asker.user, wanted);
  state.metrics.auditLevels.add([decision.level]);
  if (decision.level === "None") return then(state, ctx);
  const { exchange } = caller;
  const subject: AuditSubject = {
    ...{ auditId: exchange.auditId, request, wanted, ...asker, decision },
    ...{ receivedUs: ctx.wallUs(), annotations: exchange.annotations },
  };
  const write = (ctx: Ctx, stage: AuditStage, response?: ApiResponse) => {
    if (decision.omitStages.includes(stage)) return;
    state.metrics.auditEvents.add();
    ctx.record({ kind: "audit.event", event: auditEvent(subject, stage, ctx.wallUs(), response) });
  };
  write(ctx, "RequestReceived");
  if ((auditStrict || auditKeeper) && !decision.omitStages.includes("RequestReceived"))
    return keepStrictly(state, ctx, auditEvent(subject, "RequestReceived", ctx.wallUs(), undefined), (state, lost, ctx) => {
      if (lost.length === 0) return follow(state, ctx);
      for (const plugin of lost) state.metrics.auditErrors.add([plugin]);
      state.metrics.auditRejected.add();
      const message = `Internal Server Error: ${JSON.stringify(request.path)}: failed to store audit event\n`;
      return respond(ctx, { caller }, { ...text(500, message), contentType: "text/plain; charset=utf-8" });
    });
  return follow(state, ctx);

  function follow(state: ServerState, ctx: Ctx): undefined {
    exchange.onAnswer.push((ctx, response) => {
      if (exchange.panic !== "") return write(ctx, "Panic", panicked(response, exchange.panic));
      const goesOn = caller.type === "open" && response.code < 300;
      if (isLongRunning(request)) write(ctx, "ResponseStarted", response);
      if (!goesOn) return write(ctx, "ResponseComplete", response);
      state.open.set(caller.stream.key, (ctx) => write(ctx, "ResponseComplete", { ...response, body: new Uint8Array() }));
    });
    return then(state, ctx);
  }
}

/** What is written of a request that met a bug of this server: what the bug was, which the answer does not tell. */
function panicked(response: ApiResponse, panic: string): ApiResponse {
  const status = { kind: "Status", status: "Failure", reason: "InternalError", message: `APIServer panic'd: ${panic}` };
  return { ...response, contentType: "application/json", body: Buffer.from(JSON.stringify(status)) };
}

/** A stream has ended, from whichever side. */
export function streamEnded(state: ServerState, ctx: Ctx, streamKey: string): void {
  const end = state.open.get(streamKey);
  if (!end) return;
  state.open.delete(streamKey);
  end(ctx);
}

/** Notes whether the request was allowed, and by what. */
export function noteDecision(caller: Caller, { allowed, reason, error }: Decision): void {
  caller.exchange.annotations["authorization.k8s.io/decision"] = allowed ? "allow" : "forbid";
  caller.exchange.annotations["authorization.k8s.io/reason"] = error === undefined || allowed ? reason : "internal error";
}
