import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RealMember {
  readonly port: number;
  /** What the system says that the process holds in memory. */
  memoryBytes(): number;
  kill(): void;
  remove(): Promise<void>;
}

/** Starts a replica set of Debian's etcd-server with fsync and its own defaults, and waits for a leader. Throws where it cannot be run. */
export async function startRealMembers(count: number): Promise<{ readonly processes: readonly RealMember[]; readonly leader: number }> {
  const ports = await freePorts(2 * count);
  const peerOf = (n: number) => `http://127.0.0.1:${ports[2 * n + 1]}`;
  const cluster = Array.from({ length: count }, (_, n) => `m${n}=${peerOf(n)}`).join();
  const processes = Array.from({ length: count }, (_, n) => startMember(n, ports[2 * n]!, peerOf(n), cluster));
  const leader = await leaderOf(processes);
  if (leader !== -1) return { processes, leader };
  await Promise.all(processes.map((member) => member.remove()));
  throw new Error(`etcd elected no leader within ${electedWithinMs / 1000} s`);
}

const electedWithinMs = 20_000;

/** Which of them leads; -1 where there is no leader for a long time. */
export async function leaderOf(processes: readonly RealMember[]): Promise<number> {
  const endMs = performance.now() + electedWithinMs;
  while (performance.now() < endMs) {
    const statuses = await Promise.all(processes.map(({ port }) => statusOf(port)));
    const leader = statuses.findIndex((status) => status !== undefined && status.leader === status.header.member_id);
    if (leader !== -1 && statuses.every((status) => status !== undefined)) return leader;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return -1;
}

function startMember(n: number, port: number, peer: string, cluster: string): RealMember {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-real-"));
  const client = `http://127.0.0.1:${port}`;
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
  const args = ["--name", `m${n}`, "--data-dir", directory, ...urls, "--initial-cluster", cluster, "--log-level", "error"];
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

/** What a member says of itself, through etcd's JSON door. */
async function statusOf(port: number): Promise<{ readonly leader: string; readonly header: { readonly member_id: string } } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, { method: "POST", body: "{}" });
    const status = (await response.json()) as { readonly leader?: string; readonly header?: { readonly member_id?: string } };
    const { leader, header } = status;
    return leader === undefined || header?.member_id === undefined ? undefined : { leader, header: { member_id: header.member_id } };
  } catch {
    return undefined;
  }
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
