import type { Socket } from "node:net";
import { filter } from "rxjs";
import type { Address, HostName } from "../protocol/address";
import type { Behind } from "../runtime/live/front";
import type { LiveLog } from "../runtime/live/log";
import type { LiveEvent, LiveWorld } from "../runtime/live/world";

/** A gateway that is open: an API server's, or an etcd member's. */
export interface OpenDoor {
  readonly listenPort: number;
  /** Serves a connection that a front has taken; only where there is a front. */
  accept?(socket: Socket): void;
  /** Tells its clients to go elsewhere and waits until they have, or for `longestMs`. */
  drain?(longestMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a gateway to an actor of a host that is up; port 0 lets the system choose. */
export type OpenAt = (port: number) => Promise<OpenDoor>;

interface Door {
  readonly host: HostName;
  readonly server: Address;
  readonly openAt: OpenAt;
  opened: OpenDoor | undefined;
  port: number;
  /** Its server goes: a front hands it nothing more. */
  leaving: boolean;
}

/** The gateways of one kind of server. A gateway is a part of its host: it goes down and comes up with it, at the same port. */
export class Doors {
  private doors: readonly Door[] = [];
  private closed = false;
  private draining = false;

  constructor(
    private readonly world: LiveWorld,
    private readonly log: LiveLog,
  ) {
    const lives = ({ event }: LiveEvent) => event.type === "hostDown" || event.type === "started";
    world.notable.pipe(filter(lives)).subscribe(({ host, event }) => {
      const door = this.doors.find((candidate) => candidate.host === host);
      if (door === undefined) return;
      if (event.type === "hostDown") this.shut(door);
      else if (event.type === "started" && event.actor === door.server) this.reopen(door);
    });
  }

  /** Opens the door to an actor, whose host is up. Rejects with the system's error. */
  async open(host: HostName, server: Address, openAt: OpenAt): Promise<void> {
    const door: Door = { host, server, openAt, opened: undefined, port: 0, leaving: false };
    await this.start(door);
    this.doors = [...this.doors, door];
  }

  /** In the order in which they were opened: the port of each. */
  ports(): readonly number[] {
    return this.doors.map(({ port }) => port);
  }

  /** The port of the door to that actor; none where there is no such door. */
  portsOf(server: Address): readonly number[] {
    return this.doors.filter((door) => door.server === server).map(({ port }) => port);
  }

  /** Shuts the door of a host for good. */
  remove(host: HostName): void {
    for (const door of this.doors) if (door.host === host) this.shut(door);
    this.doors = this.doors.filter((door) => door.host !== host);
  }

  /** For a front that shares connections out among them. */
  behind(): readonly Behind[] {
    return this.doors.map(({ opened, leaving }) => ({
      isUp: opened !== undefined && !leaving && !this.draining,
      accept: (socket: Socket) => opened?.accept?.(socket),
    }));
  }

  /** No front hands them anything any more, and each finishes what it does. */
  async drain(longestMs: number): Promise<void> {
    this.draining = true;
    await Promise.all(this.doors.map(({ opened }) => opened?.drain?.(longestMs)));
  }

  /** The server behind a host's door goes: a front hands the door nothing new; with "all", its clients are told to go elsewhere. Until it opens again. */
  sendAway(host: HostName, which: "new" | "all"): void {
    for (const door of this.doors) {
      if (door.host !== host) continue;
      door.leaving = true;
      if (which === "all") void door.opened?.drain?.(0);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.doors.map(({ opened }) => opened?.close()));
  }

  private async start(door: Door): Promise<void> {
    const opened = await door.openAt(door.port);
    // The host may have gone down, or all may have been closed, while the port was opened.
    if (this.closed || !this.world.hosts.get(door.host)?.up) return opened.close();
    door.opened = opened;
    door.leaving = false;
    door.port = opened.listenPort;
  }

  private shut(door: Door): void {
    void door.opened?.close();
    door.opened = undefined;
  }

  private reopen(door: Door): void {
    if (door.opened !== undefined || this.closed) return;
    this.start(door).catch((error: Error) =>
      this.log.log("error", "a gateway cannot listen any more", { host: door.host, port: door.port, err: error }),
    );
  }
}
