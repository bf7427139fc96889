import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { PassThrough, type Readable } from "node:stream";
import type { GatewayPort } from "../../../actors/api-server/gateway/port";
import type { ApiMessage, ApiRequest, ApiResponse } from "../../../protocol/api";
import type { Answer, StreamInput } from "../../../runtime/actor";
import { Authority, daySeconds, type Issued } from "../../../runtime/live/certificates";

export const authority = Authority.create("wavetank");
const ttlSeconds = daySeconds;

export const serving = authority.issue({
  ...{ subject: { commonName: "apiserver", organizations: [] }, usages: ["server"], names: ["127.0.0.1"], ttlSeconds },
});

export function clientCertificate(commonName: string, organizations: readonly string[], by = authority): Issued {
  return by.issue({ subject: { commonName, organizations }, usages: ["client"], names: [], ttlSeconds });
}

export type Protocol = "HTTP/1.1" | "HTTP/2";

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly certificate?: Issued;
}

export interface Reply {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The body as it comes. */
  readonly stream: Readable;
  /** Breaks the exchange off from the client's side. */
  readonly abort: () => void;
}

/** Sends a request to a gateway on 127.0.0.1; resolves when the answer's head is there. */
export function begin(protocol: Protocol, port: number, call: Call): Promise<Reply> {
  return protocol === "HTTP/1.1" ? begin1(port, call) : begin2(port, call);
}

let trusted = authority.certificate;

/** From now on calls trust servers of this authority. */
export function connectTo(certificate: string): void {
  trusted = certificate;
}

const tls = (certificate: Issued | undefined) => ({
  ca: trusted,
  ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
});

function begin1(port: number, { method = "GET", path, headers = {}, body, certificate }: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port, method, path, headers, agent: false, ...tls(certificate) }, (response) => {
      response.on("error", () => {});
      resolve({ code: response.statusCode!, headers: response.headers, stream: response, abort: () => request.destroy() });
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function begin2(port: number, { method = "GET", path, headers = {}, body, certificate }: Call): Promise<Reply> {
  const session: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, tls(certificate));
  session.on("error", () => {});
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined });
  const failed = once(stream, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  stream.on("close", () => session.destroy());
  if (body !== undefined) stream.end(body);
  const [head] = await Promise.race([once(stream, "response"), failed]);
  const { ":status": code, ...rest } = head;
  const piped = new PassThrough();
  stream.on("data", (chunk) => piped.write(chunk));
  stream.on("end", () => piped.end());
  return { code, headers: rest, stream: piped, abort: () => session.destroy() };
}

/** The whole body. */
export async function bytesOf(reply: Reply): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply.stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export interface OpenStream {
  readonly request: ApiRequest;
  readonly push: (item: ApiMessage) => void;
  /** What the gateway sent on it. */
  readonly sent: ApiMessage[];
  readonly end: (reason?: Extract<StreamInput, { type: "closed" }>["reason"], detail?: string) => void;
  /** Resolves when the gateway has closed the stream. */
  readonly closed: Promise<void>;
}

/** A server that answers what the test tells it to, and remembers what it was asked. */
export class FakeServer implements GatewayPort {
  readonly requests: ApiRequest[] = [];
  readonly deadlines: number[] = [];
  answer: (request: ApiRequest) => Answer<ApiResponse> | Promise<Answer<ApiResponse>> = () => ok("{}");
  private waiting: ((stream: OpenStream) => void)[] = [];
  private ready: OpenStream[] = [];

  async ask(request: ApiRequest, deadlineMs: number): Promise<Answer<ApiResponse>> {
    this.requests.push(request);
    this.deadlines.push(deadlineMs);
    return this.answer(request);
  }

  open(request: ApiRequest, then: (input: StreamInput<ApiMessage>) => void) {
    this.requests.push(request);
    let close = () => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const stream: OpenStream = {
      ...{ request, closed, sent: [] },
      push: (body) => then({ type: "item", body }),
      end: (reason = "done", detail = "") => then({ type: "closed", reason, detail }),
    };
    const waiter = this.waiting.shift();
    if (waiter) queueMicrotask(() => waiter(stream));
    else this.ready.push(stream);
    return { push: (item: ApiMessage) => void stream.sent.push(item), close };
  }

  /** The next stream that the gateway opens. */
  opened(): Promise<OpenStream> {
    const stream = this.ready.shift();
    return stream ? Promise.resolve(stream) : new Promise((resolve) => this.waiting.push(resolve));
  }
}

export function response(code: number, body: string, headers: readonly (readonly [string, string])[] = []): ApiResponse {
  return { kind: "api.response", code, contentType: "application/json", headers, body: Buffer.from(body) };
}

export const ok = (body: string, headers: readonly (readonly [string, string])[] = []): Answer<ApiResponse> => ({
  ok: true,
  body: response(200, body, headers),
});
