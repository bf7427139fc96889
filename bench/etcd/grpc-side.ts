import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { serviceDefinition } from "../../actors/etcd/gateway/rpc";
import { Authority, daySeconds } from "../../runtime/live/certificates";
import type { DoorsTold } from "./door-process";
import { type RealMember, startRealMembers } from "./real-members";
import { type Side, untilWritten } from "./side";

type Methods = Client & Record<string, (request?: object, then?: (error: ServiceError | null, response: unknown) => void) => unknown>;

interface Endpoint {
  readonly authority: string;
  readonly credentials: ChannelCredentials;
}

interface MemberStatus {
  readonly leader: unknown;
  readonly header: { readonly member_id: unknown };
}

interface WatchAnswer {
  readonly created?: boolean;
  readonly events?: readonly unknown[];
}

const connections = 8;
const watchesPerStream = 100;

/** Clients of etcd's gRPC, the same for both. Their work is done in this process, on one thread. */
class GrpcClients {
  private readonly channels: readonly (readonly Methods[])[];

  private readonly statusClients: Methods[] = [];

  constructor(private readonly endpoints: readonly Endpoint[]) {
    this.channels = endpoints.map((endpoint) => Array.from({ length: connections }, () => clientOf("KV", endpoint)));
  }

  put(member: number, client: number, key: string, value: Uint8Array): Promise<void> {
    return this.call(member, client, "Put", { key: Buffer.from(key), value });
  }

  get(member: number, client: number, key: string, serializable: boolean): Promise<void> {
    return this.call(member, client, "Range", { key: Buffer.from(key), serializable });
  }

  putAll(member: number, keys: readonly string[], value: Uint8Array): Promise<void> {
    return this.call(member, 0, "Txn", { success: keys.map((key) => ({ request_put: { key: Buffer.from(key), value } })) });
  }

  async watch(key: string, count: number, onEvent: () => void): Promise<() => void> {
    const streams: ClientDuplexStream<object, WatchAnswer>[] = [];
    await new Promise<void>((resolve, reject) => {
      let created = 0;
      for (let n = 0; n < count; n += watchesPerStream) {
        const client = clientOf("Watch", this.endpoints[streams.length % this.endpoints.length]!);
        const stream = (client.Watch as unknown as () => ClientDuplexStream<object, WatchAnswer>).call(client);
        streams.push(stream);
        stream.on("error", reject);
        stream.on("data", (answer: WatchAnswer) => {
          if (answer.created && ++created === count) resolve();
          for (const _event of answer.events ?? []) onEvent();
        });
        for (let i = n; i < Math.min(count, n + watchesPerStream); i++) stream.write({ create_request: { key: Buffer.from(key) } });
      }
    });
    return () => {
      for (const stream of streams) stream.cancel();
    };
  }

  status(member: number): Promise<MemberStatus> {
    return new Promise((resolve, reject) => {
      const client = (this.statusClients[member] ??= clientOf("Maintenance", this.endpoints[member]!));
      client.Status!({}, (error, response) => (error ? reject(error) : resolve(response as MemberStatus)));
    });
  }

  /** Milliseconds until that member has written something. */
  untilWritten(member: number): Promise<number> {
    return untilWritten(() =>
      this.put(member, 0, "after", Buffer.from("x")).then(
        () => true,
        () => false,
      ),
    );
  }

  close(): void {
    for (const channel of [...this.channels.flat(), ...this.statusClients]) channel.close();
  }

  private call(member: number, client: number, method: string, request: object): Promise<void> {
    const channel = this.channels[member]![client % connections]!;
    return new Promise((resolve, reject) => {
      channel[method]!(request, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function clientOf(service: string, endpoint: Endpoint): Methods {
  const Service = makeClientConstructor(serviceDefinition(service), service);
  // Each client has a connection of its own, as processes would.
  const options = { "grpc.enable_channelz": 0, "grpc.use_local_subchannel_pool": 1, "grpc.ssl_target_name_override": "localhost" };
  return new Service(endpoint.authority, endpoint.credentials, options) as unknown as Methods;
}

const electedWithinMs = 30_000;

abstract class OverGrpc {
  protected leader = 0;
  protected readonly clients: GrpcClients;

  protected constructor(protected readonly endpoints: readonly Endpoint[]) {
    this.clients = new GrpcClients(endpoints);
  }

  put(key: string, value: Uint8Array, client: number): Promise<void> {
    return this.clients.put(this.leader, client, key, value);
  }

  get(key: string, serializable: boolean, client: number): Promise<void> {
    return this.clients.get(serializable ? client % this.endpoints.length : this.leader, client, key, serializable);
  }

  watch(key: string, count: number, onEvent: () => void): Promise<() => void> {
    return this.clients.watch(key, count, onEvent);
  }

  async findLeader(): Promise<void> {
    const endMs = performance.now() + electedWithinMs;
    while (performance.now() < endMs) {
      const unknown = { leader: "0", header: { member_id: "0" } };
      const statuses = await Promise.all(this.endpoints.map((_, n) => this.clients.status(n).catch(() => unknown)));
      this.leader = statuses.findIndex(({ leader, header }) => String(leader) !== "0" && String(leader) === String(header.member_id));
      if (this.leader !== -1 && statuses.every((status) => status !== unknown)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no leader was elected within ${electedWithinMs / 1000} s`);
  }
}

/** Debian's etcd-server, each member a process. */
export class RealSide extends OverGrpc implements Side {
  readonly name = "etcd";

  private constructor(
    private readonly processes: readonly RealMember[],
    tls: ChannelCredentials,
  ) {
    super(processes.map(({ port }) => ({ authority: `127.0.0.1:${port}`, credentials: tls })));
  }

  /** Throws where the program is missing. */
  static async start(members = 3): Promise<RealSide> {
    const authority = Authority.create("bench");
    const client = authority.issue({
      subject: { commonName: "root", organizations: [] },
      usages: ["client"],
      names: [],
      ttlSeconds: daySeconds,
    });
    const processes = await startRealMembers(members, authority);
    const side = new RealSide(processes, tlsOf(authority.certificate, client.certificate, client.key));
    await side.findLeader().catch(async (error) => {
      await side.close();
      throw error;
    });
    return side;
  }

  /** Puts all of them in one transaction. */
  putAll(keys: readonly string[], value: Uint8Array): Promise<void> {
    return this.clients.putAll(this.leader, keys, value);
  }

  memoryBytes(): number {
    return this.processes[0]!.memoryBytes();
  }

  async failover(): Promise<number> {
    this.processes[this.leader]!.kill();
    return this.clients.untilWritten((this.leader + 1) % this.processes.length);
  }

  async close(): Promise<void> {
    this.clients.close();
    for (const member of this.processes) await member.remove();
  }
}

function tlsOf(ca: string, cert: string, key: string): ChannelCredentials {
  return credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
}

/** Our members behind their gRPC doors, all in one process of their own. */
export class DoorSide extends OverGrpc implements Side {
  readonly name = "actors, gRPC";

  private constructor(
    private readonly child: ChildProcess,
    endpoints: readonly Endpoint[],
  ) {
    super(endpoints);
  }

  static async start(): Promise<DoorSide> {
    const child = spawn(process.execPath, [...process.execArgv, join(__dirname, "door-process.js")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the members ended with status ${code}`)));
    });
    const { authorities, ca, cert, key } = JSON.parse(line) as DoorsTold;
    const tls = tlsOf(ca, cert, key);
    const side = new DoorSide(
      child,
      authorities.map((authority) => ({ authority, credentials: tls })),
    );
    await side.findLeader();
    return side;
  }

  failover(): Promise<number> {
    throw new Error("all members share the process");
  }

  async close(): Promise<void> {
    this.clients.close();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin?.end();
    await gone;
  }
}
