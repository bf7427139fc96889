import type { Address } from "../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../protocol/api";
import type { JsonObject } from "../../protocol/kinds/object";
import type { Kind } from "../../protocol/kinds/registry";
import { type Failure, internalError, timeout } from "../../protocol/status";
import type { RequestRef, StreamRef } from "../../runtime/actor";
import type { User } from "./authentication/user";
import type { Ctx } from "./state";
import { encodeJson } from "./storage/entry";
import type { StoredResource } from "./storage/keys";

/** Whoever waits for the answer: by an ask, or at the other end of a stream. */
export type Caller = { readonly exchange: Exchange } & (
  | { readonly type: "ask"; readonly request: RequestRef }
  | { readonly type: "open"; readonly stream: StreamRef }
);

/** What the server keeps of a request until it is answered: the headers that every answer gets, and who is told of the answer. */
export interface Exchange {
  readonly headers: (readonly [string, string])[];
  /** What is said of the request in the audit log. */
  readonly annotations: Record<string, string>;
  /** "" where the request has none. */
  auditId: string;
  /** What a bug of this server that the request met was; "" where it met none. */
  panic: string;
  /** Called once, when the answer has been given. */
  onAnswer: ((ctx: Ctx, response: ApiResponse) => void)[];
}

/** A request that has been authenticated, on its way through the server. */
export interface Call {
  readonly request: ApiRequest;
  readonly from: Address;
  readonly caller: Caller;
  readonly user: User;
  /** Monotonic; after it nobody waits for the answer. */
  readonly deadlineUs: number;
}

/** A call for a resource that is served. */
export interface ResourceCall extends Call {
  /** The kind in the version that was asked for. */
  readonly kind: Kind;
  readonly resource: StoredResource;
}

/** Gives the one answer; a stream ends with it. */
export function respond(ctx: Ctx, { caller }: Pick<Call, "caller">, response: ApiResponse): undefined {
  const answer = complete(caller.exchange, response);
  if (caller.type === "ask") ctx.reply(caller.request, answer);
  else {
    ctx.push(caller.stream, answer);
    ctx.close(caller.stream);
  }
  tell(ctx, caller.exchange, answer);
}

/** Gives the first item of a stream that goes on. */
export function begin(ctx: Ctx, { caller }: Pick<Call, "caller">, response: ApiResponse): undefined {
  if (caller.type !== "open") throw new Error("only a stream can go on after its answer");
  const answer = complete(caller.exchange, response);
  ctx.push(caller.stream, answer);
  tell(ctx, caller.exchange, answer);
}

function complete({ headers }: Exchange, response: ApiResponse): ApiResponse {
  if (headers.length === 0) return response;
  const { kind, code, contentType, body } = response;
  return { kind, code, contentType, headers: response.headers.length === 0 ? headers : [...response.headers, ...headers], body };
}

function tell(ctx: Ctx, exchange: Exchange, answer: ApiResponse): void {
  const { onAnswer } = exchange;
  exchange.onAnswer = [];
  for (const told of onAnswer) told(ctx, answer);
}

export function respondObject(
  ctx: Ctx,
  call: Pick<Call, "caller">,
  code: number,
  body: Uint8Array,
  warnings: readonly string[] = [],
): undefined {
  const answer = json(code, body);
  return respond(ctx, call, warnings.length === 0 ? answer : { ...answer, headers: warningHeaders(warnings) });
}

/** Gives a refusal as the answer; what there was to warn of before is told as well. */
export function refuse(ctx: Ctx, call: Pick<Call, "caller">, status: Failure, warnings: readonly string[] = []): undefined {
  const response = statusResponse(status);
  return respond(ctx, call, { ...response, headers: [...response.headers, ...warningHeaders(warnings)] });
}

export function json(code: number, body: Uint8Array): ApiResponse {
  return { kind: "api.response", code, contentType: "application/json", headers: [], body };
}

/** A failure as an answer; Retry-After as a header too where the Status names it. */
export function statusResponse(status: Failure): ApiResponse {
  const retryAfter = status.details?.retryAfterSeconds;
  return { ...json(status.code, encodeJson(status)), headers: retryAfter ? [["Retry-After", String(retryAfter)]] : [] };
}

/** The Status with which a deletion is answered once the object is gone. */
export function deletedStatus(kind: Kind, name: string, uid: string | undefined): JsonObject {
  const details = { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.plural, ...(uid ? { uid } : {}) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

/** The header form of warnings: RFC 7234's code 299. */
function warningHeaders(warnings: readonly string[]): readonly (readonly [string, string])[] {
  return warnings.map((text) => ["Warning", `299 - ${JSON.stringify(text)}`] as const);
}

/** etcd did not do it, or did not say whether it did. The reason Timeout tells clients that it may have happened. */
export function storageFailure(
  outcome:
    | { readonly type: "failed"; readonly error: { readonly code: string; readonly message: string } }
    | { readonly type: "unknown"; readonly detail: string },
): Failure {
  if (outcome.type === "unknown") return timeout(`the outcome of the request is unknown: etcd did not answer: ${outcome.detail}`);
  const { code, message } = outcome.error;
  if (code === "Unavailable" || code === "DeadlineExceeded" || code === "ResourceExhausted")
    return {
      ...internalError(message),
      reason: "ServiceUnavailable",
      code: 503,
      message: `etcd cannot answer: ${message}`,
      details: { retryAfterSeconds: 1 },
    };
  return internalError(message);
}
