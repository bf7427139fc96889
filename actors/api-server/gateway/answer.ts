import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { ApiResponse } from "../../../protocol/api";
import { type Failure, serviceUnavailable, timeout } from "../../../protocol/status";
import type { Answer } from "../../../runtime/actor";
import { end, type HttpRequest, type HttpResponse, header, headerValue, isGone, writeHead } from "./http";

const compress = promisify(gzip);

/** Below this size, as in Kubernetes, compressing costs more than it saves. */
const compressFromBytes = 128 * 1024;

/**
 * Sends an answer, with the audit id of its request: compressed where it is large and the client can take that, and without its body where the
 * client has it already.
 */
export async function sendAnswer(request: HttpRequest, response: HttpResponse, answer: ApiResponse, auditId = ""): Promise<void> {
  const headers = headersOf(answer, auditId);
  const { method } = request;
  const etag = headers.etag;
  if (answer.code === 200 && (method === "GET" || method === "HEAD") && etag !== undefined && header(request, "if-none-match") === etag) {
    const { "content-type": _type, ...rest } = headers;
    writeHead(response, 304, rest);
    return end(response);
  }
  let body: Uint8Array = answer.body;
  if (method === "GET" && body.length >= compressFromBytes && acceptsGzip(header(request, "accept-encoding"))) {
    // Level 1: most of the gain for a fraction of the time.
    body = await compress(body, { level: 1 });
    if (isGone(response)) return;
    headers["content-encoding"] = "gzip";
    headers.vary = [headers.vary ?? [], "Accept-Encoding"].flat().join(", ");
  }
  headers["content-length"] = String(body.length);
  writeHead(response, answer.code, headers);
  end(response, method === "HEAD" ? undefined : body);
}

/** An answer's headers by name in lower case, its own before those that all have; what comes several times (Warning) is a list. */
export function headersOf(answer: ApiResponse, auditId = ""): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { "content-type": answer.contentType, "cache-control": "no-cache, private" };
  for (const [name, text] of answer.headers) {
    const key = name.toLowerCase();
    const value = headerValue(text);
    const before = headers[key];
    headers[key] = before === undefined || key === "content-type" || key === "cache-control" ? value : [before, value].flat();
  }
  if (auditId !== "") headers["audit-id"] = headerValue(auditId);
  return headers;
}

function acceptsGzip(accepted: string): boolean {
  return accepted.split(",").some((coding) => {
    const [name = "", ...parameters] = coding.split(";").map((part) => part.trim().toLowerCase());
    return name === "gzip" && !parameters.some((p) => /^q=0(\.0*)?$/.test(p));
  });
}

/** A failure as an answer. */
export function failureAnswer(status: Failure, retryAfterSeconds?: number): ApiResponse {
  const headers = retryAfterSeconds === undefined ? [] : [["retry-after", String(retryAfterSeconds)] as const];
  return {
    kind: "api.response",
    code: status.code,
    contentType: "application/json",
    headers,
    body: Buffer.from(`${JSON.stringify(status)}\n`),
  };
}

/**
 * What to say when the server did not answer. A write may have been carried out, so nothing invites clients to repeat it; what the
 * server would not even take, and reads, may be repeated.
 */
export function noAnswer(answer: Extract<Answer, { readonly ok: false }>, isRead: boolean): ApiResponse {
  if (answer.error === "refused") return failureAnswer(serviceUnavailable(`the server is not ready: ${answer.detail}`), 1);
  if (isRead && answer.error !== "timeout") return failureAnswer(serviceUnavailable(`the server did not answer: ${answer.detail}`), 1);
  const { details: _, ...status } = timeout("Timeout: request did not complete within the allotted timeout");
  return failureAnswer({ ...status, details: {} });
}
