import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EtcdGateway, type EtcdGatewayOptions, startEtcdGateway } from "../../../actors/etcd/gateway/gateway";
import { portTo } from "../../../actors/etcd/gateway/port";
import { etcdMember } from "../../../actors/etcd/member";
import { address } from "../../../protocol/address";
import { Authority } from "../../../runtime/live/certificates";
import { LiveSecrets } from "../../../runtime/live/secrets";
import { LiveWorld } from "../../../runtime/live/world";

/** Files with what a client shows and expects, as etcdctl wants them. */
export interface ClientFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A live etcd replica set with a gRPC door for each member. */
export class EtcdDoors {
  readonly directory = mkdtempSync(join(tmpdir(), "wavetank-etcd-"));
  readonly authority = Authority.create("etcd test");
  readonly world: LiveWorld;
  readonly gateways: EtcdGateway[] = [];
  readonly errors: unknown[] = [];

  private constructor(
    members: number,
    settings: Readonly<Record<string, unknown>>,
    private readonly options: Partial<EtcdGatewayOptions>,
  ) {
    this.world = new LiveWorld({ actors: [etcdMember], secrets: new LiveSecrets(this.authority, new Map()) });
    const all = Array.from({ length: members }, (_, i) => address("etcd", i));
    for (const [i, member] of all.entries())
      this.world.addHost({ name: `etcd-${i}`, zone: "a", actors: [{ address: member, config: { members: all, settings } }] });
  }

  static async open(
    members = 1,
    settings: Readonly<Record<string, unknown>> = {},
    options: Partial<EtcdGatewayOptions> = {},
  ): Promise<EtcdDoors> {
    const doors = new EtcdDoors(members, settings, options);
    doors.world.start();
    for (let i = 0; i < members; i++) await doors.openOne(i);
    return doors;
  }

  get endpoints(): readonly string[] {
    return this.gateways.map(({ listenPort }) => `https://127.0.0.1:${listenPort}`);
  }

  /** Writes the authority and a new certificate of an authority for a client; this replica set's own where none is given. */
  clientFiles(name: string, issuer = this.authority, commonName = name): ClientFiles {
    const { certificate, key } = issuer.issue({
      subject: { commonName, organizations: [] },
      usages: ["client"],
      names: [],
      ttlSeconds: 3600,
    });
    const write = (file: string, content: string) => {
      const path = join(this.directory, file);
      writeFileSync(path, content);
      return path;
    };
    return { ca: write("ca.crt", this.authority.certificate), cert: write(`${name}.crt`, certificate), key: write(`${name}.key`, key) };
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await this.world.close();
    rmSync(this.directory, { recursive: true });
  }

  private async openOne(i: number): Promise<void> {
    const { certificate: cert, key } = this.authority.issue({
      subject: { commonName: `etcd-${i}`, organizations: [] },
      usages: ["server"],
      names: ["127.0.0.1", "localhost"],
      ttlSeconds: 3600,
    });
    const member = address("etcd", i);
    const gateway = await startEtcdGateway({
      port: portTo(member, this.world.portal(`etcd-${i}`, `etcd-${i}`)),
      member,
      clientUrlsOf: (of) => this.endpoints.filter((_, index) => address("etcd", index) === of),
      cluster: this.authority.publicKeyHash,
      listen: { host: "127.0.0.1", port: 0 },
      tls: { cert, key, ca: this.authority.certificate },
      onError: (error) => this.errors.push(error),
      ...this.options,
    });
    this.gateways.push(gateway);
  }
}
