import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, daySeconds } from "../../runtime/live/certificates";

export interface RealMember {
  readonly port: number;
  /** What the system says that the process holds in memory. */
  memoryBytes(): number;
  kill(): void;
  remove(): Promise<void>;
}

/** Starts a replica set of Debian's etcd-server with fsync and its own defaults, which serves clients over TLS as our doors do. */
export async function startRealMembers(count: number, authority: Authority): Promise<readonly RealMember[]> {
  const ports = await freePorts(2 * count);
  const peerOf = (n: number) => `http://127.0.0.1:${ports[2 * n + 1]}`;
  const cluster = Array.from({ length: count }, (_, n) => `m${n}=${peerOf(n)}`).join();
  return Array.from({ length: count }, (_, n) => startMember(n, ports[2 * n]!, peerOf(n), cluster, authority));
}

function startMember(n: number, port: number, peer: string, cluster: string, authority: Authority): RealMember {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-real-"));
  const client = `https://127.0.0.1:${port}`;
  const issued = authority.issue({
    subject: { commonName: `m${n}`, organizations: [] },
    // etcd's own JSON door is a client of it.
    usages: ["server", "client"],
    names: ["127.0.0.1", "localhost"],
    ttlSeconds: daySeconds,
  });
  const files = { ca: authority.certificate, cert: issued.certificate, key: issued.key };
  const path = (file: keyof typeof files) => join(directory, file);
  for (const file of ["ca", "cert", "key"] as const) writeFileSync(path(file), files[file]);
  const tls = ["--cert-file", path("cert"), "--key-file", path("key"), "--trusted-ca-file", path("ca"), "--client-cert-auth"];
  const urls = [
    "--listen-client-urls",
    client,
    "--advertise-client-urls",
    client,
    "--listen-peer-urls",
    peer,
    "--initial-advertise-peer-urls",
    peer,
  ];
  const args = [
    "--name",
    `m${n}`,
    "--data-dir",
    join(directory, "data"),
    ...urls,
    ...tls,
    "--initial-cluster",
    cluster,
    "--log-level",
    "error",
  ];
  const child: ChildProcess = spawn("etcd", args, { stdio: "ignore" });
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  return {
    port,
    memoryBytes: () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? Number.NaN),
    kill: () => void child.kill("SIGKILL"),
    remove: async () => {
      child.kill("SIGKILL");
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
