import { startEtcdGateway } from "../../actors/etcd/gateway/gateway";
import { portTo } from "../../actors/etcd/gateway/port";
import { daySeconds } from "../../runtime/live/certificates";
import { ActorSide } from "./actor-side";

/** What a process with members and doors says of itself, as one line of JSON. */
export interface DoorsTold {
  readonly authorities: readonly string[];
  /** PEM: the authority, and a client's certificate and key. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

// Our members behind their gRPC doors, all in this process and on its one thread, as `wavetank up` has them. Ends with its standard input.
async function main(): Promise<void> {
  const actors = await new ActorSide().start();
  const { authority, world } = actors;
  const issue = (name: string, usage: "server" | "client") =>
    authority.issue({
      subject: { commonName: name, organizations: [] },
      usages: [usage],
      names: ["127.0.0.1", "localhost"],
      ttlSeconds: daySeconds,
    });
  const authorities: string[] = [];
  for (const [n, member] of actors.members.entries()) {
    const { certificate, key } = issue(`etcd-${n}`, "server");
    const door = await startEtcdGateway({
      port: portTo(member, world.portal(`etcd-${n}`, `etcd-${n}`)),
      member,
      clientUrlsOf: () => [],
      cluster: authority.publicKeyHash,
      listen: { host: "127.0.0.1", port: 0 },
      tls: { cert: certificate, key, ca: authority.certificate },
    });
    authorities.push(`127.0.0.1:${door.listenPort}`);
  }
  const { certificate: cert, key } = issue("root", "client");
  const told: DoorsTold = { authorities, ca: authority.certificate, cert, key };
  process.stdout.write(`${JSON.stringify(told)}\n`);
  process.stdin.resume().once("end", () => void actors.close().then(() => process.exit(0)));
}

void main();
