import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { HttpChunk, HttpRequest, HttpResponse, WebMessage } from "../../../protocol/web";
import type { ServedRequest, ServedStream, Service, StreamListener } from "../../../runtime/serving";

/** The certificate by which an API server is known to the servers that it passes requests on to; PEM. */
export interface ProxyIdentity {
  readonly cert: string;
  readonly key: string;
}

const bodyBytesMax = 32 * 1024 * 1024;

/** The door through which an API server calls webhooks and aggregated servers: performs what it is asked, and decides nothing. */
export class WebGateway implements Service<WebMessage> {
  constructor(private readonly proxy: ProxyIdentity) {}

  asked({ body, deadlineMs, reply, refuse }: ServedRequest<WebMessage>): void {
    if (body.kind !== "http.request") return refuse(`no ${body.kind} is answered here`);
    const { call, send } = this.begin(body, refuse, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size > bodyBytesMax) call.destroy(new Error(`the answer is longer than ${bodyBytesMax} bytes`));
        else parts.push(part);
      });
      response.on("error", (error) => refuse(error.message));
      response.on("end", () => reply(headOf(response, Buffer.concat(parts))));
    });
    call.setTimeout(deadlineMs, () => call.destroy(new Error("context deadline exceeded")));
    send();
  }

  opened(body: WebMessage, stream: ServedStream): StreamListener<WebMessage> {
    if (body.kind !== "http.request") {
      stream.close("refused", `no ${body.kind} is answered here`);
      return { closed: () => undefined };
    }
    let response: IncomingMessage | undefined;
    const { call, send } = this.begin(
      body,
      (detail) => stream.close("refused", detail),
      (opened) => {
        response = opened;
        stream.push(headOf(opened, Buffer.alloc(0)));
        opened.on("data", (part: Buffer) => {
          const chunk: HttpChunk = { kind: "http.chunk", bytes: part };
          if (!stream.push(chunk)) opened.pause();
        });
        opened.on("error", (error) => stream.close("refused", error.message));
        opened.on("end", () => stream.close("done"));
      },
    );
    send();
    return { drained: () => void response?.resume(), closed: () => void call.destroy() };
  }

  private begin(request: HttpRequest, refuse: (detail: string) => void, answered: (response: IncomingMessage) => void) {
    const { method, url, serverName, headers, body, caBundle, insecureSkipTlsVerify, identity } = request;
    const options: RequestOptions = {
      method,
      headers: { ...grouped(headers), "content-length": String(body.length) },
      rejectUnauthorized: !insecureSkipTlsVerify,
      ...(serverName === "" ? {} : { servername: serverName }),
      ...(caBundle === "" ? {} : { ca: caBundle }),
      ...(identity === "front-proxy" ? this.proxy : {}),
    };
    const call = httpsRequest(url, options, answered);
    call.on("error", (error) => refuse(error.message));
    return { call, send: () => void call.end(body) };
  }
}

/** A name that comes several times has several values. */
function grouped(headers: HttpRequest["headers"]): Record<string, string | string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]));
}

/** Names of a connection's own concern, which are not passed on. */
const hopHeaders: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"]);

function headOf(response: IncomingMessage, body: Uint8Array): HttpResponse {
  const headers: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index]!.toLowerCase();
    if (!hopHeaders.has(name)) headers.push([name, response.rawHeaders[index + 1]!]);
  }
  return { kind: "http.response", code: response.statusCode ?? 502, headers, body };
}
