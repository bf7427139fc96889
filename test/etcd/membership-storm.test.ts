import { type Address, address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, MembersResponse, RangeResponse } from "../../protocol/etcd";
import { raftCommitted } from "../../scenarios/checks/raft/committed";
import { raftElectionSafety } from "../../scenarios/checks/raft/election-safety";
import { raftInvariants } from "../../scenarios/checks/raft/invariants";
import { raftVoteDurable } from "../../scenarios/checks/raft/vote-durable";
import type { HistoryEvent } from "../../scenarios/history";
import { ReplicaSet } from "./replica-set";
import { put, range, text } from "./store/requests";

/**
 * An operator grows a cluster from three members to five, shrinks it again, and replaces a member whose disk is gone, while clients write
 * and a storm goes on: messages are lost and come late, hosts crash and come back, leaders are cut off.
 */
class MovingCluster {
  readonly set: ReplicaSet;
  private readonly acknowledged = new Map<string, number>();
  private readonly watchers = [raftElectionSafety, raftVoteDurable, raftInvariants, raftCommitted].map((check) => ({
    check,
    watcher: check.begin({}),
  }));
  private seen = 0;
  private serial = 0;
  private calm = false;
  /** Whose disk is gone for good. */
  private wiped: Address | null = null;
  readonly reached = { crashes: 0, refused: 0, acknowledged: 0, joint: 0, elections: 0 };

  constructor(private readonly seed: number) {
    this.set = new ReplicaSet({ seed, settings: { "snapshot-count": 60, "snapshot-catchup-entries": 10 } });
  }

  run(): void {
    const { set } = this;
    for (let client = 0; client < 3; client++) this.write(client);
    this.storm();
    for (const joiner of [address("etcd", 3), address("etcd", 4)]) this.grow(joiner);
    expect(this.voters()).toEqual([0, 1, 2, 3, 4].map((n) => address("etcd", n)));
    this.remove(address("etcd", 1));
    this.remove(set.leader());
    expect(this.voters()).toHaveLength(3);
    this.wiped = this.voters().find((member) => member !== set.leader())!;
    set.crash(this.wiped);
    this.remove(this.wiped);
    this.grow(address("etcd", 5));
    expect(this.voters()).toHaveLength(3);
    this.calm = true;
    this.endStorm();
    set.simulation.runFor(8_000);
    this.verify();
  }

  private draw(purpose: string): number {
    return this.set.simulation.random.draw("moving", purpose, this.serial++);
  }

  private grow(joiner: Address): void {
    this.change({ kind: "etcd.member.add", member: joiner, name: "", peerUrls: [], isLearner: true }, (members) =>
      members.some(({ id, isLearner }) => id === joiner && isLearner),
    );
    this.set.join(joiner);
    this.change({ kind: "etcd.member.promote", member: joiner }, (members) =>
      members.some(({ id, isLearner }) => id === joiner && !isLearner),
    );
  }

  private remove(member: Address): void {
    this.change({ kind: "etcd.member.remove", member }, (members) => !members.some(({ id }) => id === member));
  }

  /** Asks again and again, as an operator would, until the list says that it is so. */
  private change(request: EtcdRequest, isSo: (members: MembersResponse["members"]) => boolean): void {
    let outcome = "";
    for (let tries = 0; tries < 200; tries++) {
      const listed = this.try({ kind: "etcd.member.list", linearizable: true });
      if (listed?.kind === "etcd.member.response" && isSo(listed.members)) return;
      const answer = this.try(request);
      if (answer?.kind === "etcd.error") this.reached.refused++;
      outcome = answer?.kind === "etcd.error" ? answer.message : "no answer";
      this.set.simulation.runFor(100 + this.draw("operator") * 400);
    }
    throw new Error(`seed ${this.seed}: ${request.kind} does not come about: ${outcome}`);
  }

  private try(request: EtcdRequest): EtcdResponse | null {
    const { set } = this;
    const got = set.begin(this.pick(this.up()), request, 3_000);
    set.until(() => got.answer !== null, "no answer at all");
    this.look();
    return got.answer!.ok ? (got.answer!.body as EtcdResponse) : null;
  }

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.draw("pick") * items.length)]!;
  }

  private up(): readonly Address[] {
    return this.set.members.filter((member) => this.set.state(member)?.retired === false);
  }

  private voters(): readonly Address[] {
    return this.set.state(this.set.leader())!.membership.configuration.voters as readonly Address[];
  }

  /** One fault after the other, never more than the voters can bear. */
  private storm(): void {
    const { set } = this;
    if (this.calm) return;
    set.simulation.schedule(150_000 + Math.floor(this.draw("storm") * 900_000), () => this.storm());
    const kind = Math.floor(this.draw("fault") * 6);
    const down = set.members.find((member) => member !== this.wiped && !set.simulation.host(set.hostOf(member)).host.up);
    if (down !== undefined) set.restart(down);
    else if (kind <= 1 && this.wiped === null) {
      set.crash(this.pick(set.members));
      this.reached.crashes++;
    } else if (kind === 2 && this.wiped === null) set.cut(this.pick(set.members));
    else if (kind === 3) set.heal();
    else if (kind === 4) this.rule({ type: "loss", probability: 0.1 });
    else this.rule({ type: "reorder", probability: 0.2, maxUs: 200_000 });
    if (this.wiped !== null) set.heal();
  }

  private rule(effect: Parameters<ReplicaSet["simulation"]["addRule"]>[0]["effect"]): void {
    if (this.draw("on") < 0.5) this.set.simulation.removeRule(effect.type);
    else this.set.simulation.addRule({ id: effect.type, from: null, to: null, kinds: ["raft."], effect });
  }

  private endStorm(): void {
    const { set } = this;
    set.heal();
    for (const id of ["loss", "reorder"]) set.simulation.removeRule(id);
    for (const member of set.members) if (member !== this.wiped && !set.simulation.host(set.hostOf(member)).host.up) set.restart(member);
  }

  private write(client: number): void {
    if (this.calm) return;
    const { set } = this;
    const key = `/s/${client}/${this.serial++}`;
    const members = this.up();
    const again = () => void set.simulation.schedule(10_000 + Math.floor(this.draw("think") * 60_000), () => this.write(client));
    if (members.length === 0) return again();
    set.simulation.ask<EtcdResponse>(this.pick(members), put(key, "v".repeat(40)), 2_000, (answer) => {
      if (answer.ok && answer.body.kind === "etcd.put.response") {
        this.acknowledged.set(key, answer.body.header.revision);
        this.reached.acknowledged++;
      }
      again();
    });
  }

  /** What has been recorded since the last look, before the checks of the scenarios. */
  private look(): void {
    for (; this.seen < this.set.facts.length; this.seen++) {
      const { actor, fact } = this.set.facts[this.seen]!;
      if (fact.kind === "raft.leader") this.reached.elections++;
      if (fact.kind === "raft.configuration" && (fact.outgoing as readonly string[]).length > 0) this.reached.joint++;
      for (const { check, watcher } of this.watchers) {
        const wrong = watcher.see({ type: "fact", atUs: 0, actor, fact } as unknown as HistoryEvent);
        if (wrong) throw new Error(`seed ${this.seed}: ${check.name}: ${wrong}`);
      }
    }
  }

  private verify(): void {
    const { set } = this;
    this.look();
    expect(set.crashes).toEqual([]);
    const leader = set.leader();
    const { kvs, header } = set.ask<RangeResponse>(leader, range("/s/", { to: "/s0" }));
    const held = new Map(kvs.map((kv) => [text(kv.key), kv.modRevision]));
    for (const [key, revision] of this.acknowledged)
      if (held.get(key) !== revision) throw new Error(`seed ${this.seed}: acknowledged ${key}@${revision} is ${held.get(key)}`);
    const { hash } = set.state(leader)!.store;
    const list = set.state(leader)!.membership;
    for (const member of this.voters()) {
      const { store, membership } = set.state(member)!;
      expect([member, store.revision, store.hash]).toEqual([member, header.revision, hash]);
      expect(membership).toEqual(list);
    }
    // Whoever was removed and still runs has learnt of it.
    for (const member of set.members)
      if (member !== this.wiped && !this.voters().includes(member)) expect([member, set.state(member)!.retired]).toEqual([member, true]);
  }
}

describe("members come and go in a storm (thesis, chapter 4; etcd's runtime reconfiguration): no acknowledged write is lost, all agree", () => {
  const total = { crashes: 0, refused: 0, acknowledged: 0, joint: 0, elections: 0 };
  for (let seed = 1; seed <= 6; seed++)
    test(`seed ${seed}: three become five through learners, then three again, and a wiped one is replaced`, () => {
      const cluster = new MovingCluster(seed);
      cluster.run();
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += cluster.reached[key];
    });

  test("and the storms reach crashes, elections, C_old,new, and refused changes", () => {
    for (const [name, count] of Object.entries(total)) expect([name, count > 0]).toEqual([name, true]);
  });
});
