import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { EtcdPort } from "./port";

/**
 * One port for what etcd's clients and those who watch over it speak: gRPC over HTTP/2 goes on to gRPC, any other request is answered with how the member is.
 * As in etcd all need a certificate of the authority.
 */
export interface Listener {
  readonly port: number;
  close(): void;
}

/** What the port answers beside gRPC: what the member says, and with its figures the door's own. */
export interface MemberDoor {
  readonly member: Pick<EtcdPort, "get">;
  readonly ownFigures: () => string;
}

const answerMs = 5_000;

/** Rejects with the system's error where the address cannot be had. */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  tls: { readonly key: string; readonly cert: string; readonly ca: string },
  grpc: { injectConnection(connection: TLSSocket): void },
  door: MemberDoor,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const http = createHttpServer((request, response) => void serve(request, response, door));
  // etcd's own order: who offers both speaks HTTP/2.
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2", "http/1.1"] });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    if (socket.alpnProtocol === "http/1.1" || socket.alpnProtocol === false) http.emit("connection", socket);
    else grpc.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      http.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** GET /metrics, /health and /version over HTTP/1.1. */
async function serve({ method = "", url = "/" }: IncomingMessage, response: ServerResponse, member: MemberDoor): Promise<void> {
  const { code, contentType, body } = await answerTo(method, url, member);
  response.writeHead(code, { "content-type": contentType }).end(method === "HEAD" ? "" : body);
}

/** The same over HTTP/2. */
export async function serveStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, member: MemberDoor): Promise<void> {
  const method = String(headers[":method"]);
  stream.on("error", () => stream.destroy());
  const { code, contentType, body } = await answerTo(method, String(headers[":path"] ?? "/"), member);
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ":status": code, "content-type": contentType }, { endStream: method === "HEAD" });
  if (method !== "HEAD") stream.end(body);
}

interface Said {
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

async function answerTo(method: string, url: string, { member, ownFigures }: MemberDoor): Promise<Said> {
  const plain = (code: number, body: string): Said => ({ code, contentType: "text/plain; charset=utf-8", body });
  if (method !== "GET" && method !== "HEAD") return plain(405, "Method Not Allowed\n");
  const answer = await member.get(url, answerMs);
  if (!answer.ok) return plain(503, `${answer.error}\n`);
  const { code, contentType, bytes } = answer.body;
  const isFigures = code === 200 && url.split("?")[0] === "/metrics";
  return { code, contentType, body: isFigures ? Buffer.concat([bytes, Buffer.from(ownFigures())]) : bytes };
}
