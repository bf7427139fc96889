import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Json = Readonly<Record<string, unknown>>;

/** A message of the real server's HTTP door: protobuf's JSON form, or its error with gRPC's code. */
export type Reply = { readonly ok: true; readonly body: Json } | { readonly ok: false; readonly code: number; readonly message: string };

const answerWithinMs = 10_000;

/** A real etcd server of one member, from Debian's etcd-server, with its data in a temporary folder and its doors on 127.0.0.1. */
export class RealEtcd {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  private constructor(
    private child: ChildProcess,
    private readonly directory: string,
    readonly port: number,
    private readonly peerPort: number,
  ) {}

  /** Starts it and waits until it answers. Throws where the program is missing or ends. */
  static async start(): Promise<RealEtcd> {
    return RealEtcd.run(mkdtempSync(join(tmpdir(), "wavetank-etcd-")), await freePort(), await freePort());
  }

  /** Kills it; its data stays. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  /** Starts it again at the same port with what it had, or with nothing; as a member of another cluster where its peers' port is another. */
  async restart(how: "with its data" | "empty" | "of another cluster" = "with its data"): Promise<void> {
    if (how !== "with its data") rmSync(this.directory, { recursive: true, force: true });
    const again = await RealEtcd.run(this.directory, this.port, how === "of another cluster" ? await freePort() : this.peerPort);
    again.agent.destroy();
    this.child = again.child;
  }

  private static async run(directory: string, port: number, peerPort: number): Promise<RealEtcd> {
    const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
    const cluster = ["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`];
    const child = spawn("etcd", ["--data-dir", directory, ...urls, ...cluster, "--log-level", "error"], { stdio: "ignore" });
    let ended: string | undefined;
    child.once("error", (error) => {
      ended = `etcd cannot be run (Debian's package etcd-server has it): ${error.message}`;
    });
    child.once("exit", (code) => {
      ended ??= `etcd ended with status ${code}`;
    });
    // It must not outlive a test run that is ended from outside.
    process.once("exit", () => child.kill("SIGKILL"));
    const real = new RealEtcd(child, directory, port, peerPort);
    for (let attempt = 0; attempt < 300 && ended === undefined; attempt++) {
      const reply = await real.ask("/v3/kv/range", { key: "AA==" }).catch(() => undefined);
      if (reply?.ok) return real;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await real.stop();
    throw new Error(ended ?? "etcd does not answer");
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    if (this.child.pid !== undefined) await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  ask(path: string, body: Json): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.post(path, body, this.agent, reject, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => resolve(replyOf(JSON.parse(text) as Json)));
        response.once("error", reject);
      });
    });
  }

  /** Opens a stream; each line that comes is a message. Answers with a function that ends it. */
  stream(path: string, body: Json, onMessage: (reply: Reply) => void): () => void {
    const sent = this.post(
      path,
      body,
      // A stream keeps its connection, and there may be many.
      false,
      () => {},
      (response) => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("error", () => {});
        response.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop()!;
          for (const line of lines) if (line !== "") onMessage(replyOf(JSON.parse(line) as Json));
        });
      },
    );
    return () => sent.destroy();
  }

  private post(
    path: string,
    body: Json,
    agent: Agent | false,
    onError: (error: Error) => void,
    onResponse: (response: IncomingMessage) => void,
  ) {
    const text = JSON.stringify(body);
    const options = { host: "127.0.0.1", port: this.port, path, method: "POST", agent };
    const sent = request(
      { ...options, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text) } },
      onResponse,
    );
    sent.on("error", onError);
    if (agent) sent.setTimeout(answerWithinMs, () => sent.destroy(new Error(`etcd does not answer ${path}`)));
    sent.end(text);
    return sent;
  }
}

function replyOf(json: Json): Reply {
  if (json.error !== undefined) {
    const told = (typeof json.error === "object" ? json.error : json) as { grpc_code?: number; code?: number; message?: string };
    return { ok: false, code: told.grpc_code ?? told.code ?? 0, message: told.message ?? "" };
  }
  return { ok: true, body: (json.result ?? json) as Json };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
