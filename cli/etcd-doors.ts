import { startEtcdGateway } from "../actors/etcd/gateway/gateway";
import { portTo } from "../actors/etcd/gateway/port";
import type { LiveLog } from "../runtime/live/log";
import { type Pki, servingCertificate } from "../runtime/live/pki";
import type { LiveWorld } from "../runtime/live/world";
import type { ClusterPlan } from "../scenarios/cluster";
import { Doors } from "./doors";

/** Only this machine reaches etcd: who holds a client certificate may do everything there. */
const loopback = "127.0.0.1";

/** The gRPC doors of etcd's members, at ports of the system's choice. */
export class EtcdDoors {
  private readonly doors: Doors;

  constructor(
    private readonly world: LiveWorld,
    private readonly log: LiveLog,
  ) {
    this.doors = new Doors(world, log);
  }

  /** Opens one for each member of the plan; their hosts are up. */
  async open(plan: ClusterPlan, { etcdAuthority }: Pki): Promise<void> {
    const { certificate: cert, key } = servingCertificate(etcdAuthority, "etcd", []);
    const tls = { cert, key, ca: etcdAuthority.certificate };
    const hosts = plan.hosts.filter(({ role }) => role === "etcd").map(({ name, actors }) => ({ name, address: actors[0]!.address }));
    const clientUrlsOf = (member: string) => {
      const i = hosts.findIndex(({ address }) => address === member);
      return i < 0 ? [] : this.endpoints().slice(i, i + 1);
    };
    for (const { name, address: member } of hosts)
      await this.doors.open(name, member, (port) =>
        startEtcdGateway({
          // Each time the host comes up it is another one, and needs a portal of its own.
          port: portTo(member, this.world.portal(name, name)),
          member,
          clientUrlsOf,
          cluster: etcdAuthority.publicKeyHash,
          listen: { host: loopback, port },
          tls,
          onError: (err) => this.log.log("error", "a request failed in the gateway", { host: name, err }),
        }),
      );
  }

  /** In the members' order. */
  endpoints(): readonly string[] {
    return this.doors.ports().map((port) => `https://${loopback}:${port}`);
  }

  close(): Promise<void> {
    return this.doors.close();
  }
}
