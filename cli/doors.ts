import type { Socket } from "node:net";
import { type Gateway, startGateway } from "../actors/api-server/gateway/gateway";
import { portTo } from "../actors/api-server/gateway/port";
import type { Address, HostName } from "../protocol/address";
import type { Behind } from "../runtime/live/front";
import type { LiveLog } from "../runtime/live/log";
import type { LiveWorld } from "../runtime/live/world";

export interface DoorsOptions {
  readonly world: LiveWorld;
  /** The address on which each API server listens, at a port of its own. */
  readonly address: string;
  /** PEM: the servers' key and certificate, and the authority that signs clients' certificates. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly log: LiveLog;
}

interface Door {
  readonly host: HostName;
  readonly server: Address;
  gateway: Gateway | undefined;
  port: number;
}

/** The HTTPS gateways of the API servers. A gateway is a part of its host: it goes down and comes up with it, at the same port. */
export class Doors {
  private readonly doors: Door[] = [];
  private closed = false;

  constructor(private readonly options: DoorsOptions) {
    options.world.observeWith((host, event) => {
      const door = this.doors.find((candidate) => candidate.host === host);
      if (door === undefined) return;
      if (event.type === "hostDown") this.shut(door);
      else if (event.type === "started" && event.actor === door.server) this.reopen(door);
    });
  }

  /** Opens the door of an API server whose host is up. */
  async open(host: HostName, server: Address): Promise<void> {
    const door: Door = { host, server, gateway: undefined, port: 0 };
    await this.start(door);
    this.doors.push(door);
  }

  /** In the order in which they were opened: the port of each. */
  ports(): readonly number[] {
    return this.doors.map(({ port }) => port);
  }

  /** For a front that shares connections out among them. */
  behind(): readonly Behind[] {
    return this.doors.map(({ gateway }) => ({ isUp: gateway !== undefined, accept: (socket: Socket) => gateway?.accept(socket) }));
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.doors.map(({ gateway }) => gateway?.close()));
  }

  private async start(door: Door): Promise<void> {
    const { world, address, tls, log } = this.options;
    const gateway = await startGateway({
      port: portTo(door.server, world.portal(door.host, door.host)),
      listen: { host: address, port: door.port },
      tls,
      onError: (error, what) => log.log("error", "a request failed in the gateway", { host: door.host, what, err: error }),
    });
    // The host may have gone down, or all may have been closed, while the port was opened.
    if (this.closed || !world.hosts.get(door.host)?.up) return gateway.close();
    door.gateway = gateway;
    door.port = gateway.listenPort;
  }

  private shut(door: Door): void {
    void door.gateway?.close();
    door.gateway = undefined;
  }

  private reopen(door: Door): void {
    if (door.gateway !== undefined || this.closed) return;
    this.start(door).catch((error: Error) =>
      this.options.log.log("error", "an API server cannot listen any more", { host: door.host, port: door.port, err: error }),
    );
  }
}
