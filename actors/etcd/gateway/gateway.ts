import { Server, ServerCredentials } from "@grpc/grpc-js";
import { authService } from "./auth";
import { clusterService } from "./cluster";
import { doorCalls } from "./door-call";
import { DoorFigures } from "./figures";
import { takeOthers } from "./http2";
import { keyValueService } from "./key-value";
import { leaseService } from "./lease";
import { listen as listenAt, type MemberDoor, serveStream } from "./listener";
import { maintenanceService } from "./maintenance";
import { MemberLink } from "./member-link";
import type { EtcdPort } from "./port";
import { serviceDefinition } from "./rpc";
import { watchService } from "./watch";

/**
 * The door of an etcd member to the world outside: etcd's v3 API over gRPC. It turns requests into messages and messages into responses,
 * and decides nothing but what the transport itself decides: sizes, times, and that clients show a certificate of the authority.
 */

export interface EtcdGatewayOptions {
  readonly port: EtcdPort;
  /** The address of the member behind it. */
  readonly member: string;
  /** Where clients reach a member, by its address; none where that is not known. */
  readonly clientUrlsOf: (member: string) => readonly string[];
  /** What no other cluster has, such as the hash of its authority's key: ids are made of it. */
  readonly cluster: string;
  /** An address such as "127.0.0.1" and a port, of which 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM: the member's key and certificate, and the authority whose certificates clients have to show. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  /** etcd's --max-request-bytes. */
  readonly maxRequestBytes?: number;
  /** How long the member has for an answer: etcd's 5 s and two election time-outs. */
  readonly requestTimeoutMs?: number;
  /** etcd's --auth-token-ttl. */
  readonly tokenTtlMs?: number;
  /** Told of what should not happen: a handler that threw. */
  readonly onError?: (error: unknown) => void;
}

export interface EtcdGateway {
  readonly listenPort: number;
  /** Stops listening and breaks off what is under way. */
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** What etcd allows a message beyond the largest request: what is above is refused before it is read. */
const messageOverheadBytes = mebibyte / 2;

/** Starts to listen; rejects with an Error where the address cannot be had. */
export async function startEtcdGateway(options: EtcdGatewayOptions): Promise<EtcdGateway> {
  const { listen, tls, maxRequestBytes = 1.5 * mebibyte, requestTimeoutMs = 7_000, tokenTtlMs = 300_000, onError = () => {} } = options;
  const link = new MemberLink({ ...options, maxRequestBytes, requestTimeoutMs, tokenTtlMs, onError });
  const server = new Server({
    "grpc.max_receive_message_length": maxRequestBytes + messageOverheadBytes,
    "grpc.max_send_message_length": -1,
    // A client whose machine is gone never says goodbye: without pings its watches would stay for ever.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    // Nobody asks for gRPC's own bookkeeping of calls.
    "grpc.enable_channelz": 0,
    interceptors: [doorCalls],
  });
  const services = {
    KV: keyValueService(link),
    Watch: watchService(link),
    Lease: leaseService(link),
    Maintenance: maintenanceService(link),
    Cluster: clusterService(link),
    Auth: authService(link),
  };
  const figures = new DoorFigures();
  for (const [name, handlers] of Object.entries(services)) server.addService(figures.counted(serviceDefinition(name)), handlers);
  // The connection is decrypted when it comes to gRPC, which sees the client's certificate on it all the same.
  const grpc = server.createConnectionInjector(ServerCredentials.createInsecure());
  const door: MemberDoor = { member: options.port, ownFigures: () => figures.text() };
  takeOthers(server, (stream, headers) => void serveStream(stream, headers, door).catch(onError));
  const listener = await listenAt(listen, tls, grpc, door);
  return {
    listenPort: listener.port,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        server.forceShutdown();
        listener.close();
      }),
  };
}
