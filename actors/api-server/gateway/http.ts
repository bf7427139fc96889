import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Request, Http2Response } from "./http2";

/** HTTP/1.1 and HTTP/2 through the same handler. */
export type HttpRequest = IncomingMessage | Http2Request;
export type HttpResponse = ServerResponse | Http2Response;

/** A header's value, the first where it came several times; "" where it is absent. */
export function header(request: HttpRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

const addresses = new WeakMap<object, string>();

/** The address of the client's end; asked of the system once for each connection. */
export function remoteAddress(request: HttpRequest): string {
  const connection = "stream" in request ? (request.stream.session ?? request) : request.socket;
  let address = addresses.get(connection);
  if (address === undefined) addresses.set(connection, (address = request.socket.remoteAddress ?? ""));
  return address;
}

/** Every occurrence of every header, names in lower case: Node joins repeated ones with commas, which may be part of a value. */
export function* eachHeader(request: HttpRequest): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) yield [request.rawHeaders[i]!.toLowerCase(), request.rawHeaders[i + 1]!];
}

/** Whether the client has gone, so that nothing more can be said to it. */
export function isGone(response: HttpResponse): boolean {
  if (response.writableEnded) return true;
  if ("stream" in response) return response.stream.destroyed || response.stream.closed;
  // Without a socket it waits for the answer before it on the same connection to leave.
  return response.destroyed || (response.socket?.destroyed ?? false);
}

/** Bytes that were written and that the client has not taken yet. */
export function bufferedBytes(response: HttpResponse): number {
  return "stream" in response ? response.stream.writableLength : response.writableLength;
}

export function write(response: HttpResponse, chunk: Uint8Array): void {
  if (!isGone(response)) (response as ServerResponse).write(chunk);
}

/** `headers` are not to be used any more afterwards. */
export function writeHead(response: HttpResponse, code: number, headers: Record<string, string | string[]>): void {
  if (isGone(response)) return;
  if (!("stream" in response)) {
    // Whoever does not say so keeps the connection: Kubernetes' servers say nothing of it.
    if (headers.connection === undefined && !response.hasHeader("connection")) response.removeHeader("connection");
    return void response.writeHead(code, Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonical(name), value])));
  }
  if (headers.connection === undefined) return response.writeHead(code, headers);
  // HTTP/2 has no such header: there the connection itself is told.
  const { connection: _, ...rest } = headers;
  response.writeHead(code, rest);
}

const canonicalNames = new Map<string, string>();

/** A header's name as Go writes it, "Content-Type"; HTTP/2 has lower case alone. */
function canonical(name: string): string {
  let written = canonicalNames.get(name);
  if (written === undefined) {
    written = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    if (canonicalNames.size < 256) canonicalNames.set(name, written);
  }
  return written;
}

/** Sends the head at once: the client has to learn that its watch stands before the first event comes. */
export function flushHead(response: HttpResponse): void {
  if (!("stream" in response) && !isGone(response)) response.flushHeaders();
}

/** A text as a header's value: UTF-8 byte by byte, as Go's clients read it, and without line ends, which would begin another header. */
export function headerValue(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return Buffer.from(text.replace(/[\r\n\0]+/g, " "), "utf8").toString("latin1");
}

export function end(response: HttpResponse, chunk?: Uint8Array): void {
  if (!isGone(response)) (response as ServerResponse).end(chunk);
}

/** Breaks the connection off, or in HTTP/2 this one exchange on it. */
export function destroy(response: HttpResponse): void {
  if ("stream" in response) response.stream.destroy();
  else response.destroy();
}
