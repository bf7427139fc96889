import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect, createSecureServer, type Http2ServerResponse } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

export interface Up {
  readonly pid: number;
  readonly readyMs: number;
  /** What it printed until it was ready. */
  readonly output: string;
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  /** How long the process' event loop stood still at most since this was asked last. */
  longestPauseMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts `wavetank up` as a process of its own and waits for its ready line. */
export async function up(args: readonly string[]): Promise<Up> {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-bench-"));
  const started = performance.now();
  const pauses = join(directory, "pauses");
  const own = ["up", "--listen", "127.0.0.1:0", "--kubeconfig", join(directory, "kubeconfig")];
  const child: ChildProcess = spawn(
    process.execPath,
    ["--require", join(__dirname, "pauses.js"), join(__dirname, "../../bin/wavetank.cjs"), ...own, ...args],
    { cwd: directory, stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, BENCH_PAUSES: pauses } },
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
    output,
    server: cluster.server,
    ca: bytes(cluster["certificate-authority-data"]),
    cert: bytes(user["client-certificate-data"]),
    key: bytes(user["client-key-data"]),
    longestPauseMs: async () => {
      rmSync(pauses, { force: true });
      child.kill("SIGUSR2");
      while (!existsSync(pauses)) await new Promise((resolve) => setTimeout(resolve, 10));
      return Number(readFileSync(pauses, "utf8"));
    },
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

/** How fast something went, and what it cost the process that served it. */
export interface Pace {
  readonly perSecond: number;
  /** Processor time of the server's process, all its threads, for each request; NaN where the system does not tell. */
  readonly cpuUs: number;
}

/** Runs `one` over and over, `inFlight` at a time: a second to get warm, then so many seconds that count. */
export async function paceOf(pid: number, inFlight: number, seconds: number, one: () => Promise<unknown>): Promise<Pace> {
  let done = 0;
  let running = true;
  const lane = async () => {
    while (running) {
      await one();
      done++;
    }
  };
  const lanes = Array.from({ length: inFlight }, lane);
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await Promise.race([wait(1000), Promise.all(lanes)]);
  const [before, cpuBefore, startedMs] = [done, cpuUsOf(pid), performance.now()];
  await Promise.race([wait(seconds * 1000), Promise.all(lanes)]);
  const count = done - before;
  const pace = { perSecond: count / ((performance.now() - startedMs) / 1000), cpuUs: (cpuUsOf(pid) - cpuBefore) / count };
  running = false;
  await Promise.all(lanes);
  return pace;
}

/** A clock tick of Linux' accounting. */
const tickUs = 10_000;

/** Processor time that a process has used, in microseconds. */
export function cpuUsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * tickUs;
  } catch {
    return Number.NaN;
  }
}

/** One request; resolves with its answer's code and body. Rejects on another code than the expected. */
export function send(
  session: ClientHttp2Session,
  method: string,
  path: string,
  json?: object,
  expected?: number,
): Promise<{ readonly code: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const stream = session.request(
      { ":method": method, ":path": path, accept: "application/json", ...(json ? { "content-type": type } : {}) },
      { endStream: json === undefined },
    );
    if (json) stream.end(JSON.stringify(json));
    let code = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (head) => {
      code = Number(head[":status"]);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      const body = Buffer.concat(chunks);
      if (expected !== undefined && code !== expected) reject(new Error(`${method} ${path}: ${code} ${body.toString("utf8", 0, 300)}`));
      else resolve({ code, body });
    });
  });
}

export const sessionTo = (url: string, { ca, cert, key }: Pick<Up, "ca" | "cert" | "key">) => connect(url, { ca, cert, key });

/**
 * A bare HTTP/2 server that answers everything with the same body, after it has read what came with it. A request with "watch=true" gets its head
 * and stays; a POST to /tell writes its body to all who stay.
 */
export function bareServer(body: Buffer, cert: Buffer, key: Buffer) {
  const watching = new Set<Http2ServerResponse>();
  const head = { "content-type": "application/json", "content-length": body.length };
  const server = createSecureServer({ cert, key, settings: { maxConcurrentStreams: 1_000 } }, (request, response) => {
    if (request.url.includes("watch=true")) {
      watching.add(response);
      response.on("close", () => watching.delete(response));
      response.writeHead(200, { "content-type": "application/json" });
      // The head goes out with the first event.
      return void response.write(Buffer.from("\n"));
    }
    const answer = () => {
      response.writeHead(200, head);
      response.end(body);
    };
    if (request.method === "GET") return answer();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/tell") for (const one of watching) one.write(Buffer.concat(chunks));
      answer();
    });
  });
  // Clients break off their watches.
  server.on("sessionError", () => undefined);
  return server;
}
