import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { startEtcdGateway } from "../../actors/etcd/gateway/gateway";
import { portTo } from "../../actors/etcd/gateway/port";
import { serviceDefinition } from "../../actors/etcd/gateway/rpc";
import { daySeconds } from "../../runtime/live/certificates";
import { ActorSide } from "./actor-side";
import { leaderOf, type RealMember, startRealMembers } from "./real-members";
import { type Side, untilWritten } from "./side";

type Methods = Client & Record<string, (request?: object, then?: (error: ServiceError | null, response: unknown) => void) => unknown>;

interface Endpoint {
  readonly authority: string;
  readonly credentials: ChannelCredentials;
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
    for (const channel of this.channels.flat()) channel.close();
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
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.ssl_target_name_override": "localhost" };
  return new Service(endpoint.authority, endpoint.credentials, options) as unknown as Methods;
}

abstract class OverGrpc {
  protected constructor(
    protected readonly clients: GrpcClients,
    protected leader: number,
    protected readonly members: number,
  ) {}

  put(key: string, value: Uint8Array, client: number): Promise<void> {
    return this.clients.put(this.leader, client, key, value);
  }

  get(key: string, serializable: boolean, client: number): Promise<void> {
    return this.clients.get(serializable ? client % this.members : this.leader, client, key, serializable);
  }

  watch(key: string, count: number, onEvent: () => void): Promise<() => void> {
    return this.clients.watch(key, count, onEvent);
  }
}

/** Debian's etcd-server, each member a process. */
export class RealSide extends OverGrpc implements Side {
  readonly name = "etcd";

  private constructor(
    private readonly processes: readonly RealMember[],
    leader: number,
  ) {
    super(
      new GrpcClients(processes.map(({ port }) => ({ authority: `127.0.0.1:${port}`, credentials: credentials.createInsecure() }))),
      leader,
      processes.length,
    );
  }

  /** Throws where the program is missing. */
  static async start(members = 3): Promise<RealSide> {
    const { processes, leader } = await startRealMembers(members);
    return new RealSide(processes, leader);
  }

  /** Puts all of them in one transaction. */
  putAll(keys: readonly string[], value: Uint8Array): Promise<void> {
    return this.clients.putAll(this.leader, keys, value);
  }

  async findLeader(): Promise<void> {
    this.leader = await leaderOf(this.processes);
  }

  memoryBytes(): number {
    return this.processes[0]!.memoryBytes();
  }

  async failover(): Promise<number> {
    this.processes[this.leader]!.kill();
    return this.clients.untilWritten((this.leader + 1) % this.members);
  }

  async close(): Promise<void> {
    this.clients.close();
    for (const member of this.processes) await member.remove();
  }
}

/** Our members behind their gRPC doors; members, doors and clients share this process and its one thread. */
export class DoorSide extends OverGrpc implements Side {
  readonly name = "actors, gRPC";

  private constructor(
    private readonly actors: ActorSide,
    private readonly closeDoors: () => Promise<void>,
    endpoints: readonly Endpoint[],
  ) {
    super(new GrpcClients(endpoints), actors.leader, actors.members.length);
  }

  static async start(): Promise<DoorSide> {
    const actors = await new ActorSide().start();
    const { authority, world } = actors;
    const issue = (name: string, usage: "server" | "client") =>
      authority.issue({
        subject: { commonName: name, organizations: [] },
        usages: [usage],
        names: ["127.0.0.1", "localhost"],
        ttlSeconds: daySeconds,
      });
    const doors: { readonly listenPort: number; close(): Promise<void> }[] = [];
    for (const [n, member] of actors.members.entries()) {
      const { certificate, key } = issue(`etcd-${n}`, "server");
      doors.push(
        await startEtcdGateway({
          port: portTo(member, world.portal(`etcd-${n}`, `etcd-${n}`)),
          member,
          clientUrlsOf: () => [],
          cluster: authority.publicKeyHash,
          listen: { host: "127.0.0.1", port: 0 },
          tls: { cert: certificate, key, ca: authority.certificate },
        }),
      );
    }
    const shown = issue("root", "client");
    const tls = credentials.createSsl(Buffer.from(authority.certificate), Buffer.from(shown.key), Buffer.from(shown.certificate));
    const close = async () => void (await Promise.all(doors.map((door) => door.close())));
    return new DoorSide(
      actors,
      close,
      doors.map(({ listenPort }) => ({ authority: `127.0.0.1:${listenPort}`, credentials: tls })),
    );
  }

  async findLeader(): Promise<void> {
    await this.actors.findLeader();
    this.leader = this.actors.leader;
  }

  failover(): Promise<number> {
    return this.actors.failover();
  }

  async close(): Promise<void> {
    this.clients.close();
    await this.closeDoors();
    await this.actors.close();
  }
}
