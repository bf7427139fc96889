import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { internalError } from "../../../protocol/status";
import { failureAnswer, sendAnswer } from "./answer";
import { connectionOf, type PeerCertificate, readPeerCertificate } from "./credential";
import { type ExchangeLimits, exchange, type Shared } from "./exchange";
import { destroy, type HttpRequest, type HttpResponse } from "./http";
import { Http2Request, Http2Response } from "./http2";
import type { GatewayPort } from "./port";
import { Routes } from "./routes";
import { upgrade } from "./tunnel/upgrade";

/**
 * The door of an API server to the world outside: HTTPS, as HTTP/1.1 and HTTP/2. It turns requests into messages and messages into
 * answers, and decides nothing but what the transport itself decides: sizes, times, and whose authority signed a client's certificate.
 */

export interface GatewayOptions {
  readonly port: GatewayPort;
  /** Where to listen: an address such as "127.0.0.1" and a port, of which 0 lets the system choose. Absent, it takes only what it is handed. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** PEM: the server's key and certificate, and the authority that signs clients' certificates. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly limits?: Partial<ExchangeLimits>;
  /** --goaway-chance: how often an HTTP/2 client is told to open another connection, so that clients spread over servers; 0 to 0.02. */
  readonly goawayChance?: number;
  /** Told of what should not happen: an exchange that threw. */
  readonly onError?: (error: unknown, what: string) => void;
}

export interface Gateway {
  /** The port it listens on; 0 where it does not. */
  readonly listenPort: number;
  /** Takes over a TCP connection that somebody else has accepted. */
  accept(socket: Socket): void;
  /** Takes no more connections and tells clients to go elsewhere; resolves when what was under way is over, or after `longestMs`. */
  drain(longestMs: number): Promise<void>;
  /** Stops listening and breaks off what is under way. */
  close(): Promise<void>;
}

const keepAliveMs = 30_000;
/** How long an idle client may take to hear that its connection ends. */
const goodbyeMs = 1_000;

/**
 * Kubernetes' own limits: 3 MiB for a body, a minute for a request, 32 s for its head. Idle connections stay for longer than Go's clients keep them
 * (90 s), so that none is closed under a request that is on its way. How many run at once the server decides; the door only bounds what it holds. */
export const defaultLimits: ExchangeLimits = {
  body: { maxBytes: 3 * 1024 * 1024, timeoutMs: 60_000 },
  requestTimeoutMs: 60_000,
  headMs: 32_000,
  idleMs: 120_000,
  maxBufferedBytes: 16 * 1024 * 1024,
  maxInFlight: 10_000,
};

/** Starts to listen; rejects with the system's error where the address cannot be had ("EADDRINUSE"). */
export async function startGateway({ port, listen, tls, limits, goawayChance = 0, onError }: GatewayOptions): Promise<Gateway> {
  const effective: ExchangeLimits = { ...defaultLimits, ...limits };
  const shared: Shared = { inFlight: 0, routes: new Routes() };
  const certificates = new WeakMap<object, PeerCertificate>();
  const certificateOf = (request: HttpRequest): PeerCertificate => {
    const { key, socket } = connectionOf(request);
    const known = certificates.get(key) ?? readPeerCertificate(socket);
    certificates.set(key, known);
    return known;
  };
  const handle = (request: HttpRequest, response: HttpResponse): void => {
    if (!("stream" in response)) response.on("error", () => destroy(response));
    sayGoodbye(request, response, connections.draining() || Math.random() < goawayChance);
    const failed = (error: unknown) => {
      onError?.(error, `${request.method} ${request.url}`);
      if (response.headersSent) destroy(response);
      else void sendAnswer(request, response, failureAnswer(internalError("the gateway failed; see its log")));
    };
    exchange(request, response, certificateOf(request), port, effective, shared, failed);
  };
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer(
    {
      ...tls,
      allowHTTP1: true,
      // Certificates are asked for and checked, but there are other ways to say who one is.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: effective.headMs,
      settings: { maxConcurrentStreams: 1_000 },
      maxSessionMemory: 256,
      Http2ServerRequest: Http2Request as never,
      Http2ServerResponse: Http2Response as never,
    },
    handle as never,
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(request, socket, head, certificateOf(request), port).catch((error: unknown) => {
      onError?.(error, `${request.method} ${request.url}`);
      socket.destroy();
    });
  });
  const connections = trackConnections(server, sessions, effective.idleMs);
  // Whoever lets HTTP/1.1 wait is looked for every 30 s.
  const { headMs, idleMs, body } = effective;
  Object.assign(server, { keepAliveTimeout: idleMs, headersTimeout: headMs, requestTimeout: body.timeoutMs });
  if (listen !== undefined) await listenOn(server, listen.host, listen.port);
  return {
    listenPort: (server.address() as AddressInfo | null)?.port ?? 0,
    drain: (longestMs) => {
      if (server.listening) server.close();
      return connections.drain(longestMs);
    },
    accept: (socket) => {
      connections.add(socket);
      server.emit("connection", socket);
    },
    close: () =>
      new Promise((resolve) => {
        // A server that does not listen says so by an error, which is of no interest here.
        server.close(() => resolve());
        connections.destroyAll();
      }),
  };
}

/** Ends the connection after this answer: as HTTP/2 does it, or as HTTP/1.1 does. */
function sayGoodbye(request: HttpRequest, response: HttpResponse, goes: boolean): void {
  if (!goes) return;
  if ("stream" in request) request.stream.session?.close();
  else (response as ServerResponse).setHeader("connection", "close");
}

function listenOn(server: Http2SecureServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Ends an HTTP/2 connection on which nothing has been under way for so long, be it that a request never came to the end of its head. */
function closeWhenIdle(session: ServerHttp2Session, idleMs: number): void {
  let open = 0;
  const closed = () => {
    open--;
  };
  session.on("stream", (stream: ServerHttp2Stream) => {
    open++;
    stream.on("close", closed);
  });
  // It begins anew with whatever is sent or received, such as a watch's end.
  session.setTimeout(idleMs, () => {
    if (open > 0) return;
    session.close();
    // It waits for a stream whose head never came to its end.
    setTimeout(() => session.destroy(), goodbyeMs).unref();
  });
}

/** Every connection, so that all can be broken off, and the HTTP/2 sessions on them, whose errors would end the process. */
function trackConnections(server: Http2SecureServer, sessions: Set<ServerHttp2Session>, idleMs: number) {
  const sockets = new Set<Socket>();
  let closed = false;
  let draining = false;
  const add = (socket: Socket): void => {
    // A handshake that was under way while the gateway closed.
    if (closed) return void socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  server.on("secureConnection", (socket: TLSSocket) => {
    add(socket);
    // A client whose machine is gone never says goodbye: without probes its watches would stay for ever.
    socket.setKeepAlive(true, keepAliveMs);
  });
  server.on("session", (session: ServerHttp2Session) => {
    session.on("error", () => session.destroy());
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    closeWhenIdle(session, idleMs);
    if (draining) session.close();
  });
  return {
    add,
    draining: () => draining,
    /** HTTP/2 clients are sent a GOAWAY and finish what they began; HTTP/1.1 clients are told with their next answer. */
    drain(longestMs: number): Promise<void> {
      draining = true;
      for (const session of sessions) session.close();
      (server as unknown as { closeIdleConnections?(): void }).closeIdleConnections?.();
      return new Promise((resolve) => {
        const check = setInterval(() => sockets.size === 0 && done(), 10);
        const timer = setTimeout(() => done(), longestMs);
        const done = () => {
          clearInterval(check);
          clearTimeout(timer);
          resolve();
        };
      });
    },
    destroyAll(): void {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
