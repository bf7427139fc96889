import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { clamped, type Int64 } from "../../etcd/gateway/int64";
import { serviceDefinition } from "../../etcd/gateway/rpc";

/** PEM: what the server's certificate is checked against (null: what this machine trusts), and what is shown to it, if anything. */
export interface TlsFiles {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

export interface ConnectionOptions {
  /** "HOST:PORT". */
  readonly authority: string;
  /** null speaks without TLS. */
  readonly tls: TlsFiles | null;
}

/** etcd's header, as protobufjs reads it. */
export interface HeaderFields {
  readonly cluster_id: Int64;
  readonly revision: Int64;
  readonly raft_term: Int64;
}

interface Answered {
  readonly header: HeaderFields | null;
}

const services = new Map(["KV", "Lease", "Watch", "Maintenance", "Cluster"].map((name) => [name, serviceDefinition(name)]));

/** kube-apiserver's own times: without pings a server that is gone without goodbye would keep a watch silent. */
const keepAlive = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000 };
const options = {
  ...keepAlive,
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
};

/** One endpoint of a real etcd, over gRPC. */
export class EtcdConnection {
  readonly authority: string;
  private readonly client: Client;
  /** Of the first answer; what a server of another cluster says later must not be mixed with it. */
  private cluster: Int64 | undefined;
  /** The newest revision that an answer has named. */
  private revision = 0;

  constructor({ authority, tls }: ConnectionOptions) {
    this.authority = authority;
    const ip = ipOf(authority);
    // grpc-js would name the address where TLS wants a host's name; the certificate is checked against the address all the same.
    const named = ip === undefined ? options : { ...options, "grpc.ssl_target_name_override": "localhost" };
    this.client = new Client(authority, credentialsOf(tls, ip), named);
  }

  /**
   * Rejects with gRPC's error, also where the answer comes from another cluster than earlier ones. An answer that a quorum stands behind
   * (`isLinearizable`) must not be older than those that were there when it was asked for: data that was lost or restored shows in that.
   */
  ask<R>(service: string, method: string, request: object, deadlineMs: number, isLinearizable = false): Promise<R> {
    const { path, requestSerialize, responseDeserialize } = this.method(service, method);
    const revisionMin = isLinearizable ? this.revision : 0;
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + deadlineMs;
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), { deadline }, (error, answer) => {
        const wrong = error ?? this.foreign((answer as Answered).header, revisionMin);
        if (wrong) reject(wrong);
        else resolve(answer as R);
      });
    });
  }

  /** A stream in both directions. With `hasleader` etcd ends it when its member has lost the others. */
  stream<R>(service: string, method: string, deadlineMs?: number): ClientDuplexStream<object, R> {
    const { path, requestSerialize, responseDeserialize } = this.method(service, method);
    const metadata = new Metadata();
    metadata.set("hasleader", "true");
    const limits = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize as (bytes: Buffer) => R, metadata, limits);
  }

  /** An error where a header is of another cluster than the first one was, or older than it may be. */
  foreign(header: HeaderFields | null, revisionMin = 0): ServiceError | null {
    if (header === null) return null;
    this.cluster ??= header.cluster_id;
    if (String(this.cluster) !== String(header.cluster_id)) return failed(`${this.authority} is a member of another cluster now`);
    const revision = clamped(header.revision);
    if (revision < revisionMin)
      return failed(
        `${this.authority} has gone back from revision ${revisionMin} to ${revision}: its data was lost or replaced; start anew`,
      );
    this.revision = Math.max(this.revision, revision);
    return null;
  }

  close(): void {
    this.client.close();
  }

  private method(service: string, method: string) {
    const definition = services.get(service)?.[method];
    if (definition === undefined) throw new Error(`etcd has no ${service}.${method}`);
    return definition;
  }
}

function failed(details: string): ServiceError {
  return Object.assign(new Error(details), { code: status.FAILED_PRECONDITION, details, metadata: new Metadata() });
}

function credentialsOf(tls: TlsFiles | null, ip: string | undefined): ChannelCredentials {
  if (tls === null) return credentials.createInsecure();
  const check = ip === undefined ? {} : { checkServerIdentity: (_host: string, shown: PeerCertificate) => checkServerIdentity(ip, shown) };
  return credentials.createSsl(tls.ca, tls.key, tls.cert, check);
}

/** The address where an authority is one, "127.0.0.1:2379" or "[::1]:2379". */
function ipOf(authority: string): string | undefined {
  const host = authority.slice(0, authority.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? undefined : host;
}
