import { configurationOf } from "../../actors/etcd/raft/configuration";
import { address } from "../../protocol/address";
import type { EtcdError, MembersResponse, RangeResponse, StatusResponse } from "../../protocol/etcd";
import { ReplicaSet } from "./replica-set";
import { put, range, watch } from "./store/requests";

const five = address("etcd", 5);
const add = (member: string, isLearner = false) => ({ kind: "etcd.member.add", member, name: "", peerUrls: [], isLearner }) as const;
const remove = (member: string) => ({ kind: "etcd.member.remove", member }) as const;
const promote = (member: string) => ({ kind: "etcd.member.promote", member }) as const;
const list = (linearizable = true) => ({ kind: "etcd.member.list", linearizable }) as const;

function names(response: MembersResponse): readonly string[] {
  return response.members.map(({ id, isLearner }) => (isLearner ? `${id} learns` : id));
}

function message(set: ReplicaSet, member: ReturnType<typeof address>, request: Parameters<ReplicaSet["ask"]>[1]): string {
  return set.ask<EtcdError>(member, request).message;
}

describe("the members of a cluster (etcd's Cluster service)", () => {
  test("a member is added as a learner, gets the log, is promoted once it is in sync, and then counts", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const [follower] = set.followers();
    for (let n = 0; n < 50; n++) set.ask(leader, put(`/k${n}`, "v"));
    expect(names(set.ask<MembersResponse>(follower!, add(five, true)))).toEqual([...set.members, `${five} learns`]);
    expect(message(set, leader, promote(five))).toBe("etcdserver: can only promote a learner member which is in sync with leader");
    set.join(five);
    set.until(() => set.state(five)?.store.revision === 51, "the learner has not caught up");
    set.simulation.runFor(300);
    expect(names(set.ask<MembersResponse>(follower!, promote(five)))).toEqual([...set.members]);
    set.simulation.runFor(500);
    for (const member of set.members) {
      expect(names(set.ask<MembersResponse>(member, list(false)))).toEqual([...set.members]);
      expect(set.state(member)!.node.configurations.latest).toMatchObject({ voters: set.members, outgoing: [], learners: [] });
    }
    // Three of four are a quorum, and the new one is one of them.
    const [other] = set.followers().filter((member) => member !== five);
    set.crash(other!);
    set.ask(leader, put("/after", "1"));
    set.until(() => set.state(five)!.store.revision === 52, "not replicated");
    expect(set.crashes).toEqual([]);
  });

  test("a learner that is far behind gets a snapshot, which tells it of the members too", () => {
    const set = new ReplicaSet({ settings: { "snapshot-count": 50, "snapshot-catchup-entries": 10 } });
    const leader = set.leader();
    for (let n = 0; n < 200; n++) set.ask(leader, put(`/k${n}`, "v"));
    set.ask(leader, add(five, true));
    set.join(five);
    set.until(() => set.state(five)?.store.revision === 201, "the learner has not caught up");
    expect(set.facts).toContainEqual({ actor: five, fact: expect.objectContaining({ kind: "raft.snapshot", how: "installed" }) });
    set.simulation.runFor(500);
    set.ask(leader, promote(five));
    set.ask(leader, put("/last", "1"));
    set.simulation.runFor(500);
    // And it finds them on its own disk afterwards.
    set.crash(five);
    set.restart(five);
    set.until(() => set.state(five)?.store.revision === 202, "not recovered");
    expect(names(set.ask<MembersResponse>(five, list(false)))).toEqual([...set.members]);
  });

  test("members know each other again after all of them were down", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    set.ask(leader, add(five, true));
    set.join(five);
    set.until(() => set.state(five)?.membership.members.has(five) === true, "not told");
    set.ask(leader, { kind: "etcd.member.update", member: five, peerUrls: ["https://five:2380"] });
    for (const member of set.members) set.crash(member);
    for (const member of set.members) set.restart(member);
    const { members } = set.ask<MembersResponse>(set.leader(), list());
    expect(members.at(-1)).toEqual({ id: five, name: "etcd-5", peerUrls: ["https://five:2380"], isLearner: true });
  });

  test("a learner serves nothing but what it has to those who ask for no more", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    set.ask(leader, put("/a", "1"));
    set.ask(leader, add(five, true));
    set.join(five);
    set.until(() => set.state(five)?.store.revision === 2, "the learner has not caught up");
    expect(set.ask<RangeResponse>(five, range("/a", { serializable: true })).count).toBe(1);
    expect(set.ask<StatusResponse>(five, { kind: "etcd.status" }).leader).toBe(leader);
    for (const request of [range("/a"), put("/a", "2"), list()])
      expect(message(set, five, request)).toBe("etcdserver: rpc not supported for learner");
    const seen = set.watch(five, watch("/a"));
    set.until(() => seen.closed !== null, "still open");
    expect(seen.closed).toMatchObject({ reason: "refused", detail: "etcdserver: rpc not supported for learner" });
  });

  test("a server that waits to be added serves nothing, and disturbs nobody", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const { term } = set.state(leader)!.node;
    set.join(five);
    set.simulation.runFor(5_000);
    expect(message(set, five, range("/a", { serializable: true }))).toBe("etcdserver: no leader");
    expect(set.state(leader)!.node).toMatchObject({ term, role: { name: "leader" } });
  });

  test("a member that was removed serves nobody, campaigns no more, and learns of it even if it was away", () => {
    const set = new ReplicaSet({ size: 5 });
    const leader = set.leader();
    const [gone, away] = set.followers();
    const seen = set.watch(gone!, watch("/a"));
    set.crash(away!);
    set.simulation.runFor(3_000);
    for (const member of [away!, gone!]) {
      const response = set.ask<MembersResponse>(leader, remove(member));
      expect(response.member).toMatchObject({ id: member });
      expect(names(response)).not.toContain(member);
    }
    set.restart(away!);
    set.until(() => set.state(away!)?.retired === true && set.state(gone!)!.retired, "not retired");
    set.until(() => seen.closed !== null, "still open");
    expect(seen.closed).toMatchObject({ reason: "refused", detail: "etcdserver: server stopped" });
    for (const member of [away!, gone!])
      expect(message(set, member, range("/a", { serializable: true }))).toBe("etcdserver: server stopped");
    const { term } = set.state(leader)!.node;
    set.simulation.runFor(10_000);
    expect(set.state(leader)!.node).toMatchObject({ term, role: { name: "leader" } });
    set.ask(leader, put("/a", "1"));
  });

  test("a leader that is removed answers, hands over and retires (thesis, section 4.2.2)", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const beginUs = set.simulation.now();
    const response = set.ask<MembersResponse>(leader, remove(leader));
    expect(names(response)).toEqual(set.members.filter((member) => member !== leader));
    set.until(() => set.members.some((member) => member !== leader && set.state(member)!.node.role.name === "leader"), "no other leader");
    expect(set.simulation.now() - beginUs).toBeLessThan(1_000_000);
    set.until(() => set.state(leader)!.retired, "not retired");
    const [heir] = set.members.filter((member) => member !== leader);
    set.ask(heir!, put("/a", "1"));
  });

  test("leadership moves to a voter, and to nobody else", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const [follower] = set.followers();
    set.ask(leader, add(five, true));
    set.join(five);
    for (const to of [five, address("etcd", 9)])
      expect(message(set, leader, { kind: "etcd.moveLeader", to })).toBe("etcdserver: bad leader transferee");
    set.ask(leader, { kind: "etcd.moveLeader", to: follower! });
    set.until(() => set.state(follower!)!.node.role.name === "leader", "not moved", 500);
  });
});

describe("etcd's refusals of changes (strict reconfiguration check)", () => {
  test("in a healthy cluster", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const [one, two] = set.followers();
    const refusals: [Parameters<ReplicaSet["ask"]>[1], string][] = [
      [add(one!), "etcdserver: member ID already exist"],
      [add("kubelet/1"), "etcdserver: given member URLs are invalid"],
      [{ ...add(five), peerUrls: [two!] }, "etcdserver: Peer URLs already exists"],
      [remove("etcd/9"), "etcdserver: member not found"],
      [promote("etcd/9"), "etcdserver: member not found"],
      [promote(one!), "etcdserver: can only promote a learner member"],
      [{ kind: "etcd.member.update", member: "etcd/9", peerUrls: ["x"] }, "etcdserver: member not found"],
      [{ kind: "etcd.member.update", member: one!, peerUrls: [two!] }, "etcdserver: Peer URLs already exists"],
    ];
    for (const [request, refusal] of refusals) expect([request.kind, message(set, leader, request)]).toEqual([request.kind, refusal]);
    set.ask(leader, add(five, true));
    expect(message(set, leader, add("etcd/6", true))).toBe("etcdserver: too many learner members in cluster");
    set.ask(leader, remove(five));
    // What its former life said may still arrive.
    expect(message(set, leader, add(five, true))).toBe("etcdserver: member ID already exist");
    expect(set.state(leader)!.node.configurations.latest).toMatchObject(configurationOf(set.members).voters ? { voters: set.members } : {});
  });

  test("with a voter down nobody is added and no other voter removed, but the one that is down may be", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const [down, up] = set.followers();
    set.crash(down!);
    set.simulation.runFor(3_000);
    expect(message(set, leader, add(five, true))).toBe("etcdserver: unhealthy cluster");
    expect(message(set, leader, remove(up!))).toBe("etcdserver: unhealthy cluster");
    expect(names(set.ask<MembersResponse>(leader, remove(down!)))).toEqual(set.members.filter((member) => member !== down));
  });

  test("the last voter stays", () => {
    const set = new ReplicaSet({ size: 1 });
    const only = set.leader();
    expect(message(set, only, remove(only))).toBe("etcdserver: re-configuration failed due to not enough started members");
    expect(names(set.ask<MembersResponse>(only, add(five, true)))).toEqual([only, `${five} learns`]);
  });

  test("changes that are asked for at once are made one after the other", () => {
    const set = new ReplicaSet({ size: 5 });
    const leader = set.leader();
    const [one, two] = set.followers();
    const first = set.begin(leader, remove(one!));
    const second = set.begin(two!, { kind: "etcd.member.update", member: leader, peerUrls: ["https://leader:2380"] });
    set.until(() => first.answer !== null && second.answer !== null, "no answer");
    const { members } = set.ask<MembersResponse>(leader, list());
    expect(members).toHaveLength(4);
    expect(members.find(({ id }) => id === leader)!.peerUrls).toEqual(["https://leader:2380"]);
  });

  test("a change whose leader dies before it answers is unknown, and is completed or undone", () => {
    const set = new ReplicaSet({ size: 5 });
    const leader = set.leader();
    const [one, two] = set.followers();
    const got = set.begin(two!, remove(one!), 20_000);
    set.until(() => set.state(leader)!.change !== null, "not begun");
    set.crash(leader);
    set.until(() => got.answer !== null, "no answer");
    expect((got.answer as { body: EtcdError }).body).toMatchObject({ kind: "etcd.error", unknown: true });
    const heir = set.leader();
    set.simulation.runFor(2_000);
    const { latest, latestIndex } = set.state(heir)!.node.configurations;
    expect(latest.outgoing).toEqual([]);
    expect(set.state(heir)!.appliedIndex).toBeGreaterThanOrEqual(latestIndex);
  });
});
