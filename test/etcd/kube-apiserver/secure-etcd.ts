import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EtcdConnection, type TlsFiles } from "../../../actors/real-etcd/gateway/connection";
import { type Authority, daySeconds } from "../../../runtime/live/certificates";
import { freePort } from "../differential/real-etcd";

/** A real etcd of one member that serves over TLS, and only whoever shows a certificate of the authority. */
export class SecureEtcd {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly port: number,
  ) {}

  /** Starts it and waits until it answers. Throws where it does not. */
  static async start(authority: Authority, ca: string, client: TlsFiles): Promise<SecureEtcd> {
    const directory = mkdtempSync(join(tmpdir(), "wavetank-etcd-tls-"));
    const [port, peerPort] = [await freePort(), await freePort()];
    const [cert, key] = [join(directory, "server.crt"), join(directory, "server.key")];
    const names = ["127.0.0.1", "localhost"];
    // etcd's own JSON door is a client of it.
    const usages = ["server", "client"] as const;
    const issued = authority.issue({ subject: { commonName: "etcd", organizations: [] }, usages, names, ttlSeconds: daySeconds });
    writeFileSync(cert, issued.certificate);
    writeFileSync(key, issued.key);
    const [url, peer] = [`https://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    const urls = ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer];
    const cluster = ["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`];
    const secure = ["--cert-file", cert, "--key-file", key, "--trusted-ca-file", ca, "--client-cert-auth"];
    const child = spawn("etcd", ["--data-dir", join(directory, "data"), ...urls, ...cluster, ...secure, "--log-level", "error"], {
      stdio: "ignore",
    });
    process.once("exit", () => child.kill("SIGKILL"));
    const etcd = new SecureEtcd(child, directory, port);
    const connection = new EtcdConnection({ authority: `127.0.0.1:${port}`, tls: client });
    try {
      await etcd.answers(connection);
    } finally {
      connection.close();
    }
    return etcd;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async answers(connection: EtcdConnection): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const answered = connection.ask("KV", "Range", { key: Buffer.from("a") }, 1_000).then(
        () => true,
        () => false,
      );
      if (await answered) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.stop();
    throw new Error("etcd does not answer");
  }
}
