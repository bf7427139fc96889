import { etcdMember } from "../../actors/etcd/member";
import { EtcdConnection, type TlsFiles } from "../../actors/real-etcd/gateway/connection";
import { RealEtcd as Bridge } from "../../actors/real-etcd/gateway/service";
import { address } from "../../protocol/address";
import type { EtcdMessage, EtcdRequest, EtcdResponse, WatchRequest, WatchResponse } from "../../protocol/etcd";
import type { StreamInput } from "../../runtime/actor";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";
import type { PortalStream } from "../../runtime/portal";
import { type Service, servingActor } from "../../runtime/serving";
import { eventually } from "../contracts/worlds";

const there = address("etcd", 0);

/** A watch under way, with all that came on it. */
export interface OpenWatch extends PortalStream {
  readonly inputs: StreamInput<WatchResponse>[];
  /** Events as "put a=1@5", in the order in which they came. */
  events(): readonly string[];
}

/** A world in which somebody asks "etcd/0", whatever stands behind it. */
export class Asking {
  private constructor(
    readonly world: LiveWorld,
    private readonly connection: EtcdConnection | undefined,
  ) {
    world.start();
  }

  /** A member of our own. */
  static actor(): Asking {
    const world = new LiveWorld({ actors: [etcdMember], secrets: new NoSecrets() });
    world.addHost({ name: "etcd-0", zone: "a", actors: [{ address: there, config: { members: [there] } }] });
    return new Asking(world, undefined);
  }

  /** A bridge to an etcd outside. */
  static bridge(authority: string, tls: TlsFiles | null = null): Asking {
    const connection = new EtcdConnection({ authority, tls });
    const world = new LiveWorld({ actors: [servingActor("etcd")], secrets: new NoSecrets() });
    const service = new Bridge(there, connection) as unknown as Service;
    world.addHost({ name: "etcd-0", zone: "a", actors: [], services: [{ address: there, service }] });
    return new Asking(world, connection);
  }

  /** The answer, or how the ask itself failed. */
  async ask(request: EtcdRequest, deadlineMs = 5_000): Promise<EtcdResponse | string> {
    const answer = await this.world.ask<EtcdResponse>(there, request, deadlineMs);
    return answer.ok ? answer.body : `${answer.error}: ${answer.detail}`;
  }

  async revision(request: EtcdRequest): Promise<number> {
    const answer = await this.ask(request);
    if (typeof answer === "string" || answer.kind === "etcd.error") throw new Error(JSON.stringify(answer));
    return answer.header.revision;
  }

  watch(request: WatchRequest): OpenWatch {
    const inputs: StreamInput<WatchResponse>[] = [];
    const stream = this.world.outsidePortal().open<WatchResponse>(there, request, (input) => inputs.push(input));
    const events = () =>
      inputs.flatMap((input) =>
        input.type !== "item"
          ? []
          : input.body.events.map(
              ({ type, kv }) => `${type} ${plain(kv.key)}${type === "put" ? `=${plain(kv.value)}` : ""}@${kv.modRevision}`,
            ),
      );
    return { inputs, events, push: (item: EtcdMessage) => stream.push(item), close: stream.close };
  }

  /** Waits until the watch was confirmed. */
  async opened(request: WatchRequest): Promise<OpenWatch> {
    const watch = this.watch(request);
    await eventually(() => watch.inputs.length > 0);
    return watch;
  }

  async close(): Promise<void> {
    this.connection?.close();
    await this.world.close();
  }
}

function plain(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
