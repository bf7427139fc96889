import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect, createSecureServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

export interface Up {
  readonly pid: number;
  readonly readyMs: number;
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  stop(): Promise<void>;
}

/** Starts `wavetank up` as a process of its own and waits for its ready line. */
export async function up(args: readonly string[]): Promise<Up> {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-bench-"));
  const started = performance.now();
  const child: ChildProcess = spawn(
    process.execPath,
    [join(__dirname, "../../bin/wavetank.cjs"), "up", "--listen", "127.0.0.1:0", "--kubeconfig", join(directory, "kubeconfig"), ...args],
    { cwd: directory, stdio: ["ignore", "pipe", "ignore"] },
  );
  let output = "";
  const readyMs = await new Promise<number>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (/^ready /m.test(output)) resolve(performance.now() - started);
    });
    child.on("exit", (code) => reject(new Error(`wavetank up ended with ${code}:\n${output}`)));
  });
  const config = parse(readFileSync(join(directory, "kubeconfig"), "utf8"));
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const bytes = (text: string) => Buffer.from(text, "base64");
  return {
    pid: child.pid!,
    readyMs,
    server: cluster.server,
    ca: bytes(cluster["certificate-authority-data"]),
    cert: bytes(user["client-certificate-data"]),
    key: bytes(user["client-key-data"]),
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners("exit");
        child.on("exit", () => {
          rmSync(directory, { recursive: true, force: true });
          resolve();
        });
        child.kill("SIGTERM");
      }),
  };
}

/** GETs per second over one HTTP/2 session with `inFlight` requests under way. */
export async function getsPerSecond(session: ClientHttp2Session, path: string, inFlight: number, seconds: number): Promise<number> {
  let done = 0;
  let running = true;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const stream = session.request({ ":path": path, accept: "application/json" });
      stream.on("response", (headers) => {
        if (headers[":status"] !== 200) reject(new Error(`${path}: ${headers[":status"]}`));
      });
      stream.on("data", () => {});
      stream.on("end", () => {
        done++;
        resolve();
      });
      stream.on("error", reject);
      stream.end();
    });
  const lane = async () => {
    while (running) await one();
  };
  const lanes = Array.from({ length: inFlight }, lane);
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(1000);
  const before = done;
  const started = performance.now();
  await wait(seconds * 1000);
  const rate = (done - before) / ((performance.now() - started) / 1000);
  running = false;
  await Promise.all(lanes);
  return rate;
}

/** The body that the API server answers, to be sent by a bare server too. */
export async function bodyOf(session: ClientHttp2Session, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const stream = session.request({ ":path": path, accept: "application/json" });
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const sessionTo = (url: string, { ca, cert, key }: Pick<Up, "ca" | "cert" | "key">) => connect(url, { ca, cert, key });

/** A bare HTTP/2 server that sends always the same bytes: run in a process of its own by `bare-server.ts`. */
export function bareServer(body: Buffer, cert: Buffer, key: Buffer) {
  return createSecureServer({ cert, key }, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  });
}
