import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

export interface KilledClusterFigures {
  readonly kills: number;
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

const wavetank = join(__dirname, __filename.endsWith(".ts") ? "../../bin/wavetank.cjs" : "../../../bin/wavetank.cjs");
const path = "/api/v1/namespaces/default/configmaps";
const writers = 4;
const readyWithinMs = 120_000;

/**
 * `wavetank up --data`, killed with SIGKILL again and again in the middle of writes: after each start every object that was acknowledged must be
 * there as it was written. Ends after so many kills, or when the time is over; one there is in any case.
 */
export async function killedCluster({
  kills,
  withinMs,
}: {
  readonly kills: number;
  readonly withinMs: number;
}): Promise<KilledClusterFigures> {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-killed-"));
  const acknowledged = new Map<string, string>();
  const endMs = performance.now() + withinMs;
  const violations: string[] = [];
  let killed = 0;
  let life: Life | undefined;
  try {
    for (;;) {
      life = await Life.start(directory);
      const found = await life.objects();
      for (const [name, proof] of acknowledged)
        if (found.get(name) !== proof)
          violations.push(`life ${killed}: ${name} was acknowledged with ${proof} and is ${found.get(name) ?? "gone"}`);
      if (killed >= kills || (killed > 0 && performance.now() > endMs) || violations.length > 0) break;
      await life.writeUntilKilled(killed, acknowledged);
      killed++;
    }
    return { kills: killed, acknowledged: acknowledged.size, violations };
  } finally {
    await life?.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One process of the cluster, from its ready line to its end. */
class Life {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: writers });

  private constructor(
    private readonly child: ChildProcess,
    private readonly server: string,
    private readonly access: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer },
  ) {}

  static async start(directory: string): Promise<Life> {
    const args = ["up", "--listen", "127.0.0.1:0", "--api-servers", "1", "--control-plane-only", "--data", join(directory, "data")];
    const child = spawn(process.execPath, [wavetank, ...args], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        output += chunk;
        if (/^ready /m.test(output)) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", (code) => reject(new Error(`wavetank up ended with ${code}:\n${output}`)));
      setTimeout(() => reject(new Error(`wavetank up is not ready after ${readyWithinMs / 1000} s:\n${output}`)), readyWithinMs).unref();
    });
    const config = parse(readFileSync(join(directory, "data", "kubeconfig"), "utf8"));
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    const bytes = (base64: string) => Buffer.from(base64, "base64");
    return new Life(child, cluster.server, {
      ca: bytes(cluster["certificate-authority-data"]),
      cert: bytes(user["client-certificate-data"]),
      key: bytes(user["client-key-data"]),
    });
  }

  async objects(): Promise<ReadonlyMap<string, string | undefined>> {
    type Item = { readonly metadata: { readonly name: string }; readonly data?: { readonly proof?: string } };
    const { body } = await this.call("GET");
    return new Map(((body as { readonly items: readonly Item[] }).items ?? []).map((item) => [item.metadata.name, item.data?.proof]));
  }

  /** Kills the process while requests are under way: what has no answer may be there or not. */
  async writeUntilKilled(life: number, acknowledged: Map<string, string>): Promise<void> {
    const before = acknowledged.size;
    let running = true;
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; running; n++) {
        const name = `proof-${life}-${writer}-${n}`;
        const proof = `${life}.${n}`;
        const { code } = await this.call("POST", { metadata: { name }, data: { proof } });
        if (code === 201) acknowledged.set(name, proof);
      }
    };
    const writing = Array.from({ length: writers }, (_, writer) => write(writer).catch(() => undefined));
    while (acknowledged.size < before + 10 + ((7 * life) % 50)) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.kill();
    running = false;
    await Promise.all(writing);
  }

  async kill(): Promise<void> {
    this.agent.destroy();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  private call(method: string, body?: object): Promise<{ readonly code: number; readonly body: unknown }> {
    return new Promise((resolve, reject) => {
      const options = { method, agent: this.agent, headers: { "content-type": "application/json" }, ...this.access };
      const sent = request(`${this.server}${path}`, options, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk;
        });
        response.once("error", reject);
        response.once("end", () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) }));
      });
      sent.once("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
