import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { ApiResponse } from "../../../protocol/api";
import { type Failure, serviceUnavailable, timeout } from "../../../protocol/status";
import type { Answer } from "../../../runtime/actor";
import { end, type HttpRequest, type HttpResponse, header, headerValue, writeHead } from "./http";

const compress = promisify(gzip);

/** Below this size, as in Kubernetes, compressing costs more than it saves. */
const compressFromBytes = 128 * 1024;

/**
 * Sends an answer, with the audit id of its request: compressed where it is large and the client can take that, and without its body where the
 * client has it already. A promise where it is not sent at once: nearly all are, and one for each of them would cost more than their head.
 */
export function sendAnswer(request: HttpRequest, response: HttpResponse, answer: ApiResponse, auditId = ""): Promise<void> | undefined {
  const { method } = request;
  const { body, code } = answer;
  const headers = headersOfWhole(answer, auditId, body.length);
  const etag = headers.etag;
  if (code === 200 && (method === "GET" || method === "HEAD") && etag !== undefined && header(request, "if-none-match") === etag) {
    const { "content-type": _type, "content-length": _length, ...rest } = headers;
    writeHead(response, 304, rest);
    end(response);
    return undefined;
  }
  if (method === "GET" && body.length >= compressFromBytes && acceptsGzip(header(request, "accept-encoding")))
    // Level 1: most of the gain for a fraction of the time.
    return compress(body, { level: 1 }).then((compressed) => {
      const vary = [headers.vary ?? [], "Accept-Encoding"].flat().join(", ");
      const { "content-length": _length, ...rest } = headers;
      writeHead(response, code, { ...rest, "content-encoding": "gzip", vary, "content-length": String(compressed.length) });
      end(response, compressed);
    });
  writeHead(response, code, headers);
  end(response, method === "HEAD" ? undefined : body);
  return undefined;
}

type Headers = Record<string, string | string[]>;

/** By the headers of an answer, which answers of one kind share: what becomes of them. */
const known = new WeakMap<object, { readonly contentType: string; readonly headers: Headers }>();

/** An answer's headers by name in lower case, its own before those that all have; what comes several times (Warning) is a list. */
export function headersOf({ contentType, headers: own }: ApiResponse, auditId = ""): Headers {
  const headers = withCommon(contentType, own);
  if (auditId !== "") headers["audit-id"] = headerValue(auditId);
  return headers;
}

/** Those of an answer of so many bytes. */
function headersOfWhole(answer: ApiResponse, auditId: string, length: number): Headers {
  const { contentType, headers: own } = answer;
  if (own.length === 0 || auditId === "") return { ...headersOf(answer, auditId), "content-length": String(length) };
  let shared = known.get(own);
  if (shared?.contentType !== contentType) {
    // What each answer says for itself has its place already: an object that gets more fields costs more than one that has them.
    shared = { contentType, headers: { ...headersOf(answer, auditId), "content-length": "" } };
    known.set(own, shared);
  }
  const headers = { ...shared.headers };
  headers["audit-id"] = headerValue(auditId);
  headers["content-length"] = String(length);
  return headers;
}

function withCommon(contentType: string, own: ApiResponse["headers"]): Headers {
  const headers: Headers = { "content-type": contentType, "cache-control": "no-cache, private" };
  for (const [name, text] of own) {
    const key = name.toLowerCase();
    const value = headerValue(text);
    const before = headers[key];
    headers[key] = before === undefined || key === "content-type" || key === "cache-control" ? value : [before, value].flat();
  }
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
