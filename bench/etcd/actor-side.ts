import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { etcdMember } from "../../actors/etcd/member";
import { type Address, address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, WatchRequest, WatchResponse } from "../../protocol/etcd";
import type { Answer } from "../../runtime/actor";
import { Authority } from "../../runtime/live/certificates";
import { LiveSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";
import { bytesOf, putOf, rangeOf, txnOf } from "../crash/requests";
import { type Side, untilWritten } from "./side";

const deadlineMs = 20_000;

/** Our members in this process, each on a host and files of its own, asked in messages. */
export class ActorSide implements Side {
  readonly name: string = "actors";
  protected readonly directory = mkdtempSync(join(tmpdir(), "wavetank-bench-"));
  readonly authority = Authority.create("bench");
  readonly members: readonly Address[];
  readonly world: LiveWorld;
  leader = 0;

  constructor(members = 3, settings: Readonly<Record<string, unknown>> = {}) {
    this.world = new LiveWorld({
      actors: [etcdMember],
      secrets: new LiveSecrets(this.authority, new Map()),
      dataDirectory: this.directory,
    });
    this.members = Array.from({ length: members }, (_, n) => address("etcd", n));
    for (const [n, member] of this.members.entries())
      this.world.addHost({ name: `etcd-${n}`, zone: `z${n}`, actors: [{ address: member, config: { members: this.members, settings } }] });
  }

  async start(): Promise<this> {
    this.world.start();
    this.world.outsidePortal();
    await this.findLeader();
    return this;
  }

  async findLeader(): Promise<void> {
    for (;;) {
      const answer = await this.ask(this.members[0]!, { kind: "etcd.status" });
      const leader = answer.ok && answer.body.kind === "etcd.status.response" ? this.members.indexOf(answer.body.leader as Address) : -1;
      if (leader !== -1) {
        this.leader = leader;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  ask(member: Address, request: EtcdRequest, withinMs = deadlineMs): Promise<Answer<EtcdResponse>> {
    return new Promise((resolve) => this.world.outsidePortal().ask<EtcdResponse>(member, request, withinMs, resolve));
  }

  async put(key: string, value: Uint8Array, _client: number): Promise<void> {
    demand(await this.ask(this.members[this.leader]!, putOf(key, value)));
  }

  async get(key: string, serializable: boolean, client: number): Promise<void> {
    const n = serializable ? client % this.members.length : this.leader;
    demand(await this.ask(this.members[n]!, rangeOf(key, "", serializable)));
  }

  /** Puts all of them in one transaction. */
  async putAll(keys: readonly string[], value: Uint8Array): Promise<void> {
    const puts = keys.map((key) => putOf(key, value));
    demand(await this.ask(this.members[this.leader]!, txnOf([], puts, [])));
  }

  async watch(key: string, count: number, onEvent: () => void): Promise<() => void> {
    const request: WatchRequest = {
      kind: "etcd.watch",
      key: bytesOf(key),
      rangeEnd: new Uint8Array(0),
      startRevision: 0,
      prevKv: false,
      progressNotify: false,
    };
    const portal = this.world.outsidePortal();
    const streams: { close(): void }[] = [];
    await new Promise<void>((resolve) => {
      let created = 0;
      for (let n = 0; n < count; n++)
        streams.push(
          portal.open<WatchResponse>(this.members[n % this.members.length]!, request, (input) => {
            if (input.type !== "item") return;
            if (input.body.created && ++created === count) resolve();
            for (const _event of input.body.events) onEvent();
          }),
        );
    });
    return () => {
      for (const stream of streams) stream.close();
    };
  }

  async failover(): Promise<number> {
    await this.world.crashHost(`etcd-${this.leader}`);
    const next = this.members[(this.leader + 1) % this.members.length]!;
    return untilWritten(async () => {
      const answer = await this.ask(next, putOf("after", "x"), 10_000);
      return answer.ok && answer.body.kind === "etcd.put.response";
    });
  }

  async close(): Promise<void> {
    await this.world.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function demand(answer: Answer<EtcdResponse>): void {
  if (!answer.ok) throw new Error(`etcd: ${answer.error}: ${answer.detail}`);
  if (answer.body.kind === "etcd.error") throw new Error(`etcd: ${answer.body.message}`);
}
