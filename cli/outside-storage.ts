import { EtcdConnection } from "../actors/real-etcd/gateway/connection";
import { serviceErrorOf } from "../actors/real-etcd/gateway/errors";
import { RealEtcd } from "../actors/real-etcd/gateway/service";
import type { AnyActor } from "../runtime/actor";
import type { HostPlan } from "../runtime/live/world";
import { type Service, servingActor } from "../runtime/serving";
import type { ClusterPlan } from "../scenarios/cluster";
import type { EtcdAccess } from "./etcd-access";
import { InputError } from "./exit";
import type { StorageOptions } from "./storage-options";

interface Status {
  readonly version: string;
  readonly header: { readonly cluster_id: unknown };
}

const reachableWithinMs = 5_000;

/**
 * A real etcd in the place of the members "etcd/N": each of its endpoints stands behind one of these addresses, on a host of its own, so that
 * API servers, rules of the wire and faults see no difference.
 */
export class OutsideStorage {
  private constructor(
    private readonly options: StorageOptions,
    private readonly connections: readonly EtcdConnection[],
  ) {}

  /** Connects. Throws an InputError where no member answers, or two of them are of different clusters. */
  static async connect(options: StorageOptions): Promise<OutsideStorage> {
    const { authorities, tls } = options;
    const files = tls && { ca: tls.cacert?.bytes ?? null, cert: tls.cert?.bytes ?? null, key: tls.key?.bytes ?? null };
    let connections: readonly EtcdConnection[];
    try {
      connections = authorities.map((authority) => new EtcdConnection({ authority, tls: files }));
    } catch (error) {
      throw new InputError(`--storage ${options.given}: ${(error as Error).message}`);
    }
    const storage = new OutsideStorage(options, connections);
    try {
      await storage.check();
    } catch (error) {
      storage.close();
      throw error;
    }
    return storage;
  }

  /** Every actor of a cluster, with a bridge in the place of etcd's members. */
  actors(actors: readonly AnyActor[]): readonly AnyActor[] {
    return [...actors.filter(({ role }) => role !== "etcd"), servingActor("etcd")];
  }

  /** What lives on the hosts of the plan, which has as many members as there are endpoints. */
  hosts(plan: ClusterPlan): readonly HostPlan[] {
    let next = 0;
    return plan.hosts.map((host) => {
      if (host.role !== "etcd") return host;
      const services = host.actors.map(({ address }) => ({
        address,
        service: new RealEtcd(address, this.connections[next++]!) as unknown as Service,
      }));
      return { ...host, actors: [], services };
    });
  }

  /** How etcdctl reaches it. */
  access(): EtcdAccess {
    const { tls, authorities } = this.options;
    const { cacert, cert, key } = tls ?? { cacert: null, cert: null, key: null };
    return {
      endpoints: authorities.map((authority) => `${tls ? "https" : "http"}://${authority}`),
      cacert: cacert?.path ?? null,
      cert: cert?.path ?? null,
      key: key?.path ?? null,
    };
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  private async check(): Promise<void> {
    const { given } = this.options;
    const answers = await Promise.all(
      this.connections.map((connection) =>
        connection.ask<Status>("Maintenance", "Status", {}, reachableWithinMs).then(
          (status) => ({ ok: true as const, authority: connection.authority, cluster: String(status.header.cluster_id) }),
          (error: unknown) => ({ ok: false as const, authority: connection.authority, why: serviceErrorOf(error).details }),
        ),
      ),
    );
    const [first, ...others] = answers.filter((answer) => answer.ok);
    if (first === undefined) {
      const told = answers.map((answer) => (answer.ok ? "" : `${answer.authority}: ${answer.why}`));
      throw new InputError(`--storage ${given}: no etcd answers: ${told.join("; ")}`);
    }
    const other = others.find(({ cluster }) => cluster !== first.cluster);
    if (other !== undefined)
      throw new InputError(`--storage ${given}: ${first.authority} and ${other.authority} are members of different clusters`);
  }
}
