import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";

/** Whoever takes the connections that a front hands on. */
export interface Behind {
  /** False while it is down; it gets no connections then. */
  readonly isUp: boolean;
  accept(socket: Socket): void;
}

/** One address for several servers of this process: each connection goes to the next one that is up. What they speak is theirs. */
export class Front {
  private readonly server: Server;
  private next = 0;

  constructor(private readonly behind: () => readonly Behind[]) {
    this.server = createServer((socket) => this.hand(socket));
  }

  /** Resolves with the port; rejects with the system's error. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no more connections; those that were handed on are not its any more. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      // Connections belong to the servers behind, which end them; the front does not wait for that.
      this.server.unref();
      resolve();
    });
  }

  private hand(socket: Socket): void {
    // A client may be gone before anybody took it.
    socket.on("error", () => socket.destroy());
    const servers = this.behind();
    for (let tried = 0; tried < servers.length; tried++) {
      const server = servers[this.next++ % servers.length]!;
      if (server.isUp) return server.accept(socket);
    }
    socket.destroy();
  }
}
