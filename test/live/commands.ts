import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { parse } from "yaml";

const wavetank = join(__dirname, "../../bin/wavetank.cjs");

/** A process of the command line, with what it printed. */
export class Command {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  stdout = "";
  stderr = "";
  /** Exit status, or the signal's name. */
  readonly ended: Promise<number | string>;

  constructor(args: readonly string[], directory: string) {
    this.process = spawn(process.execPath, [wavetank, ...args], {
      cwd: directory,
      env: { ...process.env, HOME: directory, KUBECONFIG: "", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout.on("data", (chunk: Buffer) => {
      this.stdout += chunk;
    });
    this.process.stderr.on("data", (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => this.process.on("close", (code, signal) => resolve(code ?? signal ?? "")));
  }

  /** Waits for a line that begins so and returns it. */
  async line(start: string, withinMs = 40_000): Promise<string> {
    const startedMs = performance.now();
    for (;;) {
      const found = this.stdout.split("\n").find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      if (this.process.exitCode !== null || performance.now() - startedMs > withinMs)
        throw new Error(`no line "${start}…" came; standard output:\n${this.stdout}\nstandard error:\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** kubernetes-admin's access to a live cluster, by its kubeconfig. */
export class Admin {
  readonly server: string;
  private readonly access: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

  constructor(kubeconfig: string) {
    const config = parse(readFileSync(kubeconfig, "utf8"));
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    const bytes = (base64: string) => Buffer.from(base64, "base64");
    this.server = cluster.server;
    this.access = {
      ca: bytes(cluster["certificate-authority-data"]),
      cert: bytes(user["client-certificate-data"]),
      key: bytes(user["client-key-data"]),
    };
  }

  /** One request; the body is JSON both ways. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the server said
  call(method: string, path: string, body?: object, server = this.server): Promise<{ readonly code: number; readonly body: any }> {
    return new Promise((resolve, reject) => {
      const options = { method, ...this.access, agent: false as const, headers: { "content-type": "application/json" } };
      const sent = request(`${server}${path}`, options, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk;
        });
        response.on("end", () => {
          const isJson = response.headers["content-type"]?.includes("json");
          resolve({ code: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Names of Ready nodes, and of the others. */
  async nodes(): Promise<{ readonly ready: readonly string[]; readonly other: readonly string[] }> {
    const { body } = await this.call("GET", "/api/v1/nodes");
    type Item = {
      readonly metadata: { readonly name: string };
      readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    };
    const isReady = (node: Item) => node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    const names = (nodes: readonly Item[]) => nodes.map(({ metadata }) => metadata.name);
    return { ready: names(body.items.filter(isReady)), other: names(body.items.filter((node: Item) => !isReady(node))) };
  }
}
