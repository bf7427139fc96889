import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { extname, join as joinPath } from "node:path";
import { type Address, address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse } from "../../protocol/etcd";
import type { Answer } from "../../runtime/actor";
import { Authority, daySeconds } from "../../runtime/live/certificates";
import { join } from "../../runtime/live/join/admission";
import { Hub } from "../../runtime/live/join/hub";
import { Roster } from "../../runtime/live/join/roster";
import { newToken } from "../../runtime/live/join/token";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";

/** The program of a member: what was compiled, or from a source that is not compiled the source. */
const program =
  extname(__filename) === ".ts"
    ? ["-r", "esbuild-register", joinPath(__dirname, "member-process.ts")]
    : [joinPath(__dirname, "member-process.js")];

export interface ProcessSetOptions {
  /** Each member gets a folder in it. */
  readonly directory: string;
  readonly members: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A replica set of etcd, each member a process of its own on its own files, joined by WebSockets to a hub in this process. */
export class ProcessSet {
  readonly members: readonly Address[];
  /** What members said on standard error. A member has nothing to say there while all is well. */
  readonly complaints: string[] = [];
  private readonly children = new Map<number, ChildProcess>();
  private url = "";

  private constructor(
    private readonly options: ProcessSetOptions,
    private readonly world: LiveWorld,
    private readonly hub: Hub,
  ) {
    this.members = membersOf(options.members);
  }

  /** Starts the hub, lets in the members and starts their processes. */
  static async start(options: ProcessSetOptions): Promise<ProcessSet> {
    const world = new LiveWorld({ actors: [], secrets: new NoSecrets() });
    const authority = Authority.create("crash");
    const token = newToken(authority.publicKeyHash);
    const members = membersOf(options.members);
    const hub = new Hub({
      world,
      authority,
      serving: authority.issue({
        subject: { commonName: "hub", organizations: [] },
        usages: ["server"],
        names: ["127.0.0.1"],
        ttlSeconds: daySeconds,
      }),
      token,
      roster: new Roster(
        (index) => `etcd-${index}`,
        { load: () => [], save: () => {} },
        () => performance.now(),
      ),
      plan: (host) => {
        const member = address("etcd", Number(host.slice("etcd-".length)));
        return { name: host, zone: host, actors: [{ address: member, config: { members, settings: options.settings } }] };
      },
      mayReach: () => true,
      hostsMax: 1,
      log: () => {},
    });
    const set = new ProcessSet(options, world, hub);
    set.url = `wss://127.0.0.1:${await hub.listen(0, "127.0.0.1")}`;
    for (const n of members.keys()) {
      const directory = set.directoryOf(n);
      mkdirSync(directory, { recursive: true });
      writeFileSync(joinPath(directory, "membership.json"), JSON.stringify(await join(new URL(set.url), token, 1)));
    }
    world.outsidePortal();
    for (const n of members.keys()) set.startMember(n);
    return set;
  }

  isRunning(n: number): boolean {
    return this.children.has(n);
  }

  startMember(n: number): void {
    if (this.children.has(n)) return;
    const child = spawn(process.execPath, [...program, this.url, this.directoryOf(n)], { stdio: ["pipe", "ignore", "pipe"] });
    this.children.set(n, child);
    child.stderr.on("data", (chunk: Buffer) =>
      this.complaints.push(
        ...chunk
          .toString()
          .trim()
          .split("\n")
          .map((line) => `etcd-${n}: ${line}`),
      ),
    );
    child.on("exit", (code, signal) => {
      if (this.children.get(n) !== child) return;
      this.children.delete(n);
      this.complaints.push(`etcd-${n}: the process ended by itself, ${signal ?? `status ${code}`}`);
    });
  }

  /** SIGKILL, without warning; resolves when the process is gone. */
  async killMember(n: number): Promise<void> {
    const child = this.children.get(n);
    if (child === undefined) return;
    this.children.delete(n);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  ask(member: Address, request: EtcdRequest, deadlineMs: number, then: (answer: Answer<EtcdResponse>) => void): void {
    this.world.outsidePortal().ask<EtcdResponse>(member, request, deadlineMs, then);
  }

  askSoon(member: Address, request: EtcdRequest, deadlineMs = 2_000): Promise<Answer<EtcdResponse>> {
    return new Promise((resolve) => this.ask(member, request, deadlineMs, resolve));
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((_, n) => this.killMember(n)));
    await this.hub.close();
    await this.world.close();
  }

  private directoryOf(n: number): string {
    return joinPath(this.options.directory, `member-${n}`);
  }
}

function membersOf(count: number): readonly Address[] {
  return Array.from({ length: count }, (_, n) => address("etcd", n));
}
