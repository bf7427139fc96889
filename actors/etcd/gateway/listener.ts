import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { EtcdPort } from "./port";

/**
 * One port for what etcd's clients and its watchers speak: HTTP/2 goes on as gRPC, HTTP/1.1 is answered with how the member is. As in etcd both need a
 * certificate of the authority.
 */
export interface Listener {
  readonly port: number;
  close(): void;
}

const answerMs = 5_000;

/** Rejects with the system's error where the address cannot be had. */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  tls: { readonly key: string; readonly cert: string; readonly ca: string },
  grpc: { injectConnection(connection: TLSSocket): void },
  member: Pick<EtcdPort, "get">,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const http = createHttpServer((request, response) => void serve(request, response, member));
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

/** GET /metrics, /health and /version. */
async function serve({ method, url = "/" }: IncomingMessage, response: ServerResponse, member: Pick<EtcdPort, "get">): Promise<void> {
  const say = (code: number, contentType: string, body: string | Uint8Array) =>
    response.writeHead(code, { "content-type": contentType }).end(method === "HEAD" ? "" : body);
  if (method !== "GET" && method !== "HEAD") return void say(405, "text/plain; charset=utf-8", "Method Not Allowed\n");
  const answer = await member.get(url, answerMs);
  if (answer.ok) say(answer.body.code, answer.body.contentType, answer.body.bytes);
  else say(503, "text/plain; charset=utf-8", `${answer.error}\n`);
}
