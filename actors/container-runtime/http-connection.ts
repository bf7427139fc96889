/** HTTP/1.1 as a simulated process speaks it on a connection that came through a tunnel. */

export interface HttpConnection {
  readonly port: number;
  /** Bytes that are no whole request yet. */
  received: Uint8Array;
  /** Requests that wait for the one before them to be answered. */
  readonly queue: HttpRequest[];
  answering: boolean;
  /** The client sends no more. */
  inputEnded: boolean;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
  /** Whether the connection stays open after the answer. */
  readonly keepAlive: boolean;
}

/** A request's head and body may not be longer. */
const longestBytes = 1024 * 1024;

export type Parsed =
  | { readonly is: "request"; readonly request: HttpRequest; readonly rest: Uint8Array }
  /** More has to come first. */
  | { readonly is: "partial" }
  | { readonly is: "bad"; readonly why: string };

/** Takes the first request off what was received. Source: RFC 9112; bodies by Content-Length or in chunks. */
export function parseHttp(received: Uint8Array): Parsed {
  const text = latin1(received);
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return text.length > longestBytes || !plausible(text) ? { is: "bad", why: "no HTTP request" } : { is: "partial" };
  const [line = "", ...headerLines] = text.slice(0, headEnd).split("\r\n");
  const [, method, path, version] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(line) ?? [];
  if (method === undefined || path === undefined) return { is: "bad", why: "malformed request line" };
  const headers = new Map(
    headerLines.map((header) => header.split(/:\s*(.*)/s)).map(([name = "", value = ""]) => [name.toLowerCase(), value.trim()]),
  );
  const bodyStart = headEnd + 4;
  const wanted = (headers.get("connection") ?? "").toLowerCase();
  const keepAlive = version === "1" ? wanted !== "close" : wanted === "keep-alive";
  const done = (body: Uint8Array, end: number): Parsed => ({
    is: "request",
    request: { method, path, body, keepAlive },
    rest: received.slice(end),
  });
  if (/\bchunked\b/i.test(headers.get("transfer-encoding") ?? "")) {
    const chunks = dechunk(text, bodyStart);
    if (chunks === "bad") return { is: "bad", why: "malformed chunk" };
    return chunks === undefined ? { is: "partial" } : done(bytesOf(chunks.body), chunks.end);
  }
  const length = Number(headers.get("content-length") ?? "0");
  if (!Number.isSafeInteger(length) || length < 0 || length > longestBytes) return { is: "bad", why: "unusable Content-Length" };
  if (received.length < bodyStart + length) return { is: "partial" };
  return done(received.slice(bodyStart, bodyStart + length), bodyStart + length);
}

/** An answer as it stands on the wire. */
export function httpResponse(code: number, body: Uint8Array, keepAlive: boolean): Uint8Array {
  const head = `HTTP/1.1 ${code} ${reasons.get(code) ?? "Status"}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: ${keepAlive ? "keep-alive" : "close"}\r\n\r\n`;
  return concat(bytesOf(head), body);
}

export function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const reasons: ReadonlyMap<number, string> = new Map([
  ...([
    [200, "OK"],
    [201, "Created"],
    [204, "No Content"],
    [301, "Moved Permanently"],
    [302, "Found"],
    [400, "Bad Request"],
  ] as const),
  ...([
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "Not Found"],
    [429, "Too Many Requests"],
    [500, "Internal Server Error"],
  ] as const),
  ...([
    [502, "Bad Gateway"],
    [503, "Service Unavailable"],
    [504, "Gateway Timeout"],
  ] as const),
]);

/** Whether the beginning of a request can still become one. */
function plausible(text: string): boolean {
  return /^[A-Z]{0,16}($| )/.test(text.slice(0, 17));
}

function dechunk(text: string, start: number): { readonly body: string; readonly end: number } | "bad" | undefined {
  let body = "";
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!Number.isSafeInteger(size) || size < 0 || size > longestBytes) return "bad";
    if (size === 0) {
      const end = text.indexOf("\r\n", lineEnd + 2);
      return end < 0 ? undefined : { body, end: end + 2 };
    }
    if (text.length < lineEnd + 2 + size + 2) return undefined;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
