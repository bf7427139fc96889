import type { Address } from "../../protocol/address";
import type { EtcdResponse, PutResponse, RangeResponse } from "../../protocol/etcd";
import { ReplicaSet, type SeenWatch } from "./replica-set";
import { put, range, text, watch } from "./store/requests";

interface Reached {
  elections: number;
  snapshots: number;
  truncations: number;
  unknown: number;
  acknowledged: number;
  reads: number;
  crashes: number;
}

/** Faults, writers, readers and watchers at random for a while; then calm; then everything that etcd promises is looked up. */
class Storm {
  readonly set: ReplicaSet;
  private readonly acknowledged = new Map<string, number>();
  private readonly attempted = new Set<string>();
  private newestAcknowledged = 1;
  private readonly watches: { seen: SeenWatch; next: number; readonly events: string[] }[] = [];
  private serial = 0;
  private calm = false;
  readonly reached: Reached = { elections: 0, snapshots: 0, truncations: 0, unknown: 0, acknowledged: 0, reads: 0, crashes: 0 };

  constructor(private readonly seed: number) {
    this.set = new ReplicaSet({ seed, size: seed % 2 === 0 ? 3 : 5, settings: { "snapshot-count": 40, "snapshot-catchup-entries": 8 } });
  }

  run(stormMs: number): void {
    const { set } = this;
    for (let client = 0; client < 4; client++) this.client(client);
    for (const member of set.members) this.watchFrom(member);
    const endUs = set.simulation.now() + stormMs * 1000;
    while (set.simulation.now() < endUs) {
      this.fault();
      set.simulation.runFor(50 + this.draw("pause") * 700);
    }
    this.endStorm();
    set.simulation.runFor(15_000);
    this.calm = true;
    set.simulation.runFor(6_000);
    this.verify();
  }

  private draw(purpose: string): number {
    return this.set.simulation.random.draw("storm", purpose, this.serial++);
  }

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.draw("pick") * items.length)]!;
  }

  private fault(): void {
    const { set } = this;
    const member = this.pick(set.members);
    const host = set.simulation.host(set.hostOf(member));
    const down = set.members.filter((other) => !set.simulation.host(set.hostOf(other)).host.up).length;
    const kind = Math.floor(this.draw("fault") * 12);
    if (kind === 10) this.powerCut();
    else if (!host.host.up) set.restart(member);
    else if (kind <= 1 && down < Math.floor(set.members.length / 2)) {
      set.crash(member);
      this.reached.crashes++;
    } else if (kind === 2 || kind === 11) set.cut(this.leading() ?? member);
    else if (kind === 3) set.heal();
    else if (kind === 4) host.disk.faults.slowdown = this.pick([1, 1, 30, 300]);
    else if (kind === 5) set.simulation.pauseHost(host.name);
    else if (kind === 6) set.simulation.resumeHost(host.name);
    else if (kind === 7) this.rule({ type: "loss", probability: 0.2 });
    else if (kind === 8) this.rule({ type: "reorder", probability: 0.3, maxUs: 300_000 });
    else this.rule({ type: "duplicate", probability: 0.3 });
  }

  /** All at once: only what is on disks remains. */
  private powerCut(): void {
    for (const member of this.set.members) this.set.crash(member);
    for (const member of this.set.members) this.set.restart(member);
    this.reached.crashes++;
  }

  private leading(): Address | undefined {
    return this.set.members.find((member) => this.set.state(member)?.node.role.name === "leader");
  }

  private rule(effect: Parameters<ReplicaSet["simulation"]["addRule"]>[0]["effect"]): void {
    if (this.draw("on") < 0.5) this.set.simulation.removeRule(effect.type);
    else this.set.simulation.addRule({ id: effect.type, from: null, to: null, kinds: ["raft."], effect });
  }

  private endStorm(): void {
    const { set } = this;
    set.heal();
    for (const id of ["loss", "reorder", "duplicate"]) set.simulation.removeRule(id);
    for (const member of set.members) {
      const host = set.simulation.host(set.hostOf(member));
      host.disk.faults.slowdown = 1;
      set.simulation.resumeHost(host.name);
      set.restart(member);
    }
  }

  /** Writes and reads in turns, always one request at a time, of whichever member. */
  private client(client: number): void {
    if (this.calm) return;
    const { set } = this;
    const again = () => void set.simulation.schedule(5_000 + Math.floor(this.draw("think") * 80_000), () => this.client(client));
    const member = this.pick(set.members);
    const floor = this.newestAcknowledged;
    if (this.draw("read") < 0.4) {
      set.simulation.ask<EtcdResponse>(member, range("/s/", { to: "/s0", limit: 1 }), 2_000, (answer) => {
        if (answer.ok && answer.body.kind === "etcd.range.response") this.checkRead(answer.body, floor);
        again();
      });
      return;
    }
    const key = `/s/${client}/${this.serial++}`;
    this.attempted.add(key);
    set.simulation.ask<EtcdResponse>(member, put(key, "v".repeat(50)), 2_000, (answer) => {
      if (answer.ok && answer.body.kind === "etcd.put.response") this.noteWrite(key, answer.body);
      else if (answer.ok && answer.body.kind === "etcd.error" && !answer.body.unknown) this.attempted.delete(key);
      else this.reached.unknown++;
      again();
    });
  }

  private noteWrite(key: string, response: PutResponse): void {
    this.reached.acknowledged++;
    this.acknowledged.set(key, response.header.revision);
    this.newestAcknowledged = Math.max(this.newestAcknowledged, response.header.revision);
  }

  /** Linearizable: a read that began after a write was acknowledged sees it. */
  private checkRead(response: RangeResponse, floor: number): void {
    this.reached.reads++;
    if (response.header.revision < floor)
      throw new Error(`seed ${this.seed}: a read at ${response.header.revision} misses a write acknowledged at ${floor}`);
  }

  private watchFrom(member: Address): void {
    const watched = { seen: null as unknown as SeenWatch, next: 2, events: [] as string[] };
    this.watches.push(watched);
    const open = () => {
      watched.seen = this.set.watch(member, watch("/s/", { to: "/s0", startRevision: watched.next }), (input) => {
        if (input.type === "closed") {
          if (!this.calm) this.set.simulation.schedule(200_000, open);
          return;
        }
        for (const { kv } of input.body.events) watched.events.push(`${kv.modRevision} ${text(kv.key)}`);
        const last = input.body.events.at(-1);
        if (last) watched.next = last.kv.modRevision + 1;
      });
    };
    open();
  }

  private verify(): void {
    const { set } = this;
    expect(set.crashes).toEqual([]);
    const leader = set.leader();
    const { kvs, header } = set.ask<RangeResponse>(leader, range("/s/", { to: "/s0" }));
    const held = new Map(kvs.map((kv) => [text(kv.key), kv.modRevision]));
    for (const [key, revision] of this.acknowledged)
      if (held.get(key) !== revision) throw new Error(`acknowledged ${key}@${revision} is ${held.get(key)}`);
    for (const key of held.keys()) if (!this.attempted.has(key)) throw new Error(`${key} was refused and is there all the same`);
    const hashes = new Map<number, unknown>();
    for (const { fact } of set.facts) {
      if (fact.kind === "raft.leader") this.reached.elections++;
      if (fact.kind === "raft.snapshot" && fact.how === "installed") this.reached.snapshots++;
      if (fact.kind === "raft.truncated") this.reached.truncations++;
      if (fact.kind !== "etcd.applied") continue;
      const revision = fact.revision as number;
      if (hashes.has(revision) && hashes.get(revision) !== fact.hash) throw new Error(`members differ at revision ${revision}`);
      hashes.set(revision, fact.hash);
    }
    for (const member of set.members) expect(set.state(member)!.store.revision).toBe(header.revision);
    const expected = kvs.map((kv) => `${kv.modRevision} ${text(kv.key)}`).sort();
    for (const { events } of this.watches) expect(events.slice().sort()).toEqual(expected);
  }
}

describe("an etcd replica set in a storm keeps its promises: acknowledged writes, linearizable reads, equal members, complete watches", () => {
  const total: Reached = { elections: 0, snapshots: 0, truncations: 0, unknown: 0, acknowledged: 0, reads: 0, crashes: 0 };
  for (let seed = 1; seed <= 6; seed++)
    test(`seed ${seed}`, () => {
      const storm = new Storm(seed);
      storm.run(30_000);
      for (const key of Object.keys(total) as (keyof Reached)[]) total[key] += storm.reached[key];
    });

  test("the same seed gives the same trace", () => {
    const hashes = [1, 2].map(() => {
      const storm = new Storm(2);
      storm.run(8_000);
      return storm.set.simulation.traceHash();
    });
    expect(hashes[0]).toBe(hashes[1]);
  });

  test("and the storms reach elections, snapshots, truncations, unknown writes and crashes", () => {
    for (const [name, count] of Object.entries(total)) expect([name, count > 0]).toEqual([name, true]);
  });
});
