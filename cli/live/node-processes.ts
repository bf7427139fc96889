import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { HostName } from "../../protocol/address";
import { projectRoot } from "../version";

export interface NodeProcessesOptions {
  readonly directory: string;
  /** Where they join, and the token. */
  readonly cluster: { readonly join: string; readonly token: string };
  readonly isConnected: (host: HostName) => boolean;
}

const joinedWithinMs = 60_000;

/** Nodes that live in a process each, which can be killed for real: SIGKILL, and a new process with the same directory. */
export class NodeProcesses {
  private readonly processes = new Map<HostName, ChildProcess>();
  private closed = false;

  constructor(private readonly options: NodeProcessesOptions) {}

  /** Starts nodes one after the other for the first time, since a cluster names who joins in order; resolves when all have joined. */
  async startAll(hosts: readonly HostName[]): Promise<void> {
    for (const host of hosts) {
      this.start(host);
      for (const untilMs = performance.now() + joinedWithinMs; !this.options.isConnected(host); ) {
        if (performance.now() > untilMs) throw new Error(`${host} did not join within ${joinedWithinMs / 1000} s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  start(host: HostName): void {
    if (this.closed || this.processes.has(host)) return;
    const { cluster, directory } = this.options;
    const args = ["join", cluster.join, "--token", cluster.token, "--nodes", "1", "--data", join(directory, host), "--log-level", "silent"];
    const child = spawn(process.execPath, [join(projectRoot(), "bin", "wavetank.cjs"), ...args], {
      // Over the channel a node learns that whoever started it is gone, however that came.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.processes.set(host, child);
    child.on("exit", () => {
      if (this.processes.get(host) === child) this.processes.delete(host);
    });
  }

  kill(host: HostName): void {
    const child = this.processes.get(host);
    this.processes.delete(host);
    child?.kill("SIGKILL");
  }

  close(): void {
    this.closed = true;
    for (const host of [...this.processes.keys()]) this.kill(host);
  }
}
