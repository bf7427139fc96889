import { randomUUID } from "node:crypto";
import type { ApiRequest, Credential } from "../../../protocol/api";
import { type Failure, isFailure, tooManyRequests, unauthorized } from "../../../protocol/status";
import { timeLimitMs } from "../deadline";
import type { RequestInfo } from "../request-info";
import { failureAnswer, noAnswer, sendAnswer } from "./answer";
import { type BodyLimits, hasNoBody, readBody, toServerBody } from "./body";
import { credentialOf, impersonationOf, type PeerCertificate } from "./credential";
import type { Encoding } from "./encoding";
import { destroy, type HttpRequest, type HttpResponse, header, isGone, remoteAddress } from "./http";
import type { GatewayPort } from "./port";
import type { Route, Routes } from "./routes";
import { stream } from "./streaming";

export interface ExchangeLimits {
  readonly body: BodyLimits;
  /** The longest that a request which is not a stream may take. */
  readonly requestTimeoutMs: number;
  /** How long a client may take to say what it wants: to shake hands, and to send the head of a request. */
  readonly headMs: number;
  /** How long a connection may stay on which nothing is under way. */
  readonly idleMs: number;
  /** Of events a client has not taken yet. */
  readonly maxBufferedBytes: number;
  /** Requests that are under way at once; streams do not count. */
  readonly maxInFlight: number;
}

/** What the exchanges of one gateway share. */
export interface Shared {
  /** How many requests are under way. */
  inFlight: number;
  readonly routes: Routes;
}

/** One request and its answer. `failed` is told where something impossible happened; it is handed on, for a promise more for each request would be one too many. */
export function exchange(
  request: HttpRequest,
  response: HttpResponse,
  certificate: PeerCertificate,
  port: GatewayPort,
  limits: ExchangeLimits,
  shared: Shared,
  failed: Failed,
): void {
  const go = (read: ReadRequest | Failure) => guarded(() => proceed(request, response, read, port, limits, shared, failed), failed);
  guarded(() => {
    const read = readRequest(request, certificate, limits.body, shared.routes);
    if (!(read instanceof Promise)) return proceed(request, response, read, port, limits, shared, failed);
    read.then(go, failed);
    return undefined;
  }, failed);
}

type Failed = (error: unknown) => void;

/** Does something that may not be over at once. */
function guarded(work: () => Promise<void> | undefined, failed: Failed): void {
  try {
    work()?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

function proceed(
  request: HttpRequest,
  response: HttpResponse,
  read: ReadRequest | Failure,
  port: GatewayPort,
  limits: ExchangeLimits,
  shared: Shared,
  failed: Failed,
): Promise<void> | undefined {
  if (isGone(response)) return undefined;
  if (isFailure(read)) {
    const sent = sendAnswer(request, response, failureAnswer(read));
    // What is left of a body that was too long, or never ended, is not waited for.
    if (!request.complete) destroyWhenSent(response);
    return sent;
  }
  const { message, encoding } = read;
  if (isStream(message)) return stream(request, response, message, encoding, port, limits.maxBufferedBytes);
  if (shared.inFlight >= limits.maxInFlight)
    return sendAnswer(request, response, failureAnswer(tooManyRequests("too many requests are under way, please try again later", 1), 1));
  shared.inFlight++;
  port.ask(message, deadlineMs(message, limits.requestTimeoutMs)).then(
    (answer) => {
      shared.inFlight--;
      if (isGone(response)) return;
      guarded(
        () =>
          sendAnswer(request, response, encoding.response(answer.ok ? answer.body : noAnswer(answer, isRead(message))), message.auditId),
        failed,
      );
    },
    (error: unknown) => {
      shared.inFlight--;
      failed(error);
    },
  );
  return undefined;
}

function destroyWhenSent(response: HttpResponse): void {
  response.on("finish", () => destroy(response));
  if (response.writableFinished) destroy(response);
}

/** A request as the server is asked it, and how its answer is to be written. */
interface ReadRequest {
  readonly message: ApiRequest;
  readonly encoding: Encoding;
}

/** A promise where there is a body to wait for. */
function readRequest(
  request: HttpRequest,
  certificate: PeerCertificate,
  limits: BodyLimits,
  routes: Routes,
): Promise<ReadRequest | Failure> | ReadRequest | Failure {
  const route = routes.of(request.method ?? "GET", request.url ?? "/");
  if (isFailure(route)) return route;
  const credential = credentialOf(request, certificate);
  if (credential === "untrusted") return unauthorized();
  const contentType = header(request, "content-type");
  const make = (contentType: string, bytes: Uint8Array) => requestOf(request, route, routes, credential, contentType, bytes);
  const converted = (body: Uint8Array | Failure): ReadRequest | Failure => {
    if (isFailure(body)) return body;
    const read = toServerBody(contentType, body as Uint8Array);
    return isFailure(read) ? read : make(read.contentType, read.bytes);
  };
  if (!hasNoBody(request)) return readBody(request, limits).then(converted);
  return contentType === "" ? make(contentType, nothing) : converted(nothing);
}

function requestOf(
  request: HttpRequest,
  route: Route,
  routes: Routes,
  credential: Credential,
  contentType: string,
  bytes: Uint8Array,
): ReadRequest {
  const userAgent = header(request, "user-agent");
  const encoding = routes.encoding(route, header(request, "accept"), userAgent);
  const { info } = route;
  const { verb, path, isResource, group, version, resource, subresource, namespace, name, query, repeated } = info;
  // The id is given here, and goes back from here: so answers to many clients can be the same bytes.
  const auditId = header(request, "audit-id").slice(0, 64) || randomUUID();
  const message: ApiRequest = {
    kind: "api.request",
    verb,
    path,
    isResource,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    query,
    ...(repeated === undefined ? undefined : { repeated }),
    accept: encoding.accept,
    contentType,
    userAgent,
    credential,
    impersonation: impersonationOf(request),
    body: bytes,
    sourceIp: remoteAddress(request),
    auditId,
  };
  return { message, encoding };
}

const nothing: Uint8Array = new Uint8Array(0);

/** Watches and followed logs go on until somebody ends them. */
function isStream({ isResource, verb, subresource, query }: RequestInfo): boolean {
  if (!isResource) return false;
  return verb === "watch" || (verb === "get" && subresource === "log" && query.follow !== undefined && /^(true|1|)$/.test(query.follow));
}

function isRead({ verb }: RequestInfo): boolean {
  return verb === "get" || verb === "list";
}

/** A client may ask for less time (?timeout=32s) than there is, never for more. */
function deadlineMs(info: RequestInfo, longestMs: number): number {
  const limit = timeLimitMs(info, longestMs);
  // What is no duration the server says.
  return isFailure(limit) ? longestMs : limit;
}
