import { startEtcdGateway } from "../actors/etcd/gateway/gateway";
import { portTo } from "../actors/etcd/gateway/port";
import type { Address, HostName } from "../protocol/address";
import type { LiveLog } from "../runtime/live/log";
import { type Pki, servingCertificate } from "../runtime/live/pki";
import type { LiveWorld } from "../runtime/live/world";
import { Doors } from "./doors";

/** Only this machine reaches etcd: who holds a client certificate may do everything there. */
const loopback = "127.0.0.1";

/** The gRPC doors of etcd's members, at ports of the system's choice. */
export class EtcdDoors {
  private readonly doors: Doors;
  private readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };

  constructor(
    private readonly world: LiveWorld,
    private readonly log: LiveLog,
    private readonly pki: Pki,
  ) {
    this.doors = new Doors(world, log);
    const { certificate: cert, key } = servingCertificate(pki.etcdAuthority, "etcd", []);
    this.tls = { cert, key, ca: pki.etcdAuthority.certificate };
  }

  /** Opens the door to a member whose host is up; answers with its address. */
  async open(host: HostName, member: Address): Promise<string> {
    await this.doors.open(host, member, (port) =>
      startEtcdGateway({
        // Each time the host comes up it is another one, and needs a portal of its own.
        port: portTo(member, this.world.portal(host, host)),
        member,
        clientUrlsOf: (of) => this.doors.portsOf(of as Address).map(addressOf),
        cluster: this.pki.etcdAuthority.publicKeyHash,
        listen: { host: loopback, port },
        tls: this.tls,
        onError: (err) => this.log.log("error", "a request failed in the gateway", { host, err }),
      }),
    );
    return addressOf(this.doors.portsOf(member)[0]!);
  }

  /** Shuts the door of a host for good. */
  remove(host: HostName): void {
    this.doors.remove(host);
  }

  /** In the order in which they were opened. */
  endpoints(): readonly string[] {
    return this.doors.ports().map(addressOf);
  }

  close(): Promise<void> {
    return this.doors.close();
  }
}

function addressOf(port: number): string {
  return `https://${loopback}:${port}`;
}
