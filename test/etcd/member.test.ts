import { hashKv } from "../../actors/etcd/store/hash";
import type { Address } from "../../protocol/address";
import type { ComponentGetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import type { EtcdError, PutResponse, RangeResponse, StatusResponse } from "../../protocol/etcd";
import { ReplicaSet, type SeenWatch } from "./replica-set";
import { put, range, text, watch } from "./store/requests";

function values(response: RangeResponse): readonly string[] {
  return response.kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`);
}

function eventsOf(seen: SeenWatch): readonly string[] {
  return seen.responses.flatMap(({ events }) => events.map(({ type, kv }) => `${kv.modRevision} ${type} ${text(kv.key)}`));
}

describe("an etcd replica set", () => {
  test("elects one leader, and any member takes reads and writes", () => {
    const set = new ReplicaSet();
    set.leader();
    for (const [n, member] of set.members.entries()) {
      const done = set.ask<PutResponse>(member, put("/a", `${n}`));
      expect(done.header.revision).toBe(2 + n);
    }
    for (const member of set.members) expect(values(set.ask<RangeResponse>(member, range("/a")))).toEqual(["/a=2"]);
    // The leader's heartbeats measure the way to each of the others, and theirs measure nothing.
    const trips = (member: Address) => [
      ...set
        .state(member)!
        .durations.registry.text()
        .matchAll(/round_trip_time_seconds_count\{To="(.*)"\} [1-9]/g),
    ];
    expect(trips(set.leader()).map(([, to]) => to)).toEqual(set.members.filter((member) => member !== set.leader()));
    for (const follower of set.followers()) expect(trips(follower)).toEqual([]);
    expect(set.crashes).toEqual([]);
  });

  test("elects a new leader when the leader's host dies, with every acknowledged write", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    for (let n = 0; n < 20; n++) set.ask(leader, put(`/k${n}`, "v"));
    set.crash(leader);
    const heir = set.leader();
    expect(heir).not.toBe(leader);
    expect(set.ask<RangeResponse>(heir, range("/k", { to: "/l" })).count).toBe(20);
  });

  test("a single member is a quorum: it answers soon after its start, and again after a crash", () => {
    const set = new ReplicaSet({ size: 1 });
    const only = set.members[0]!;
    set.ask(only, put("/a", "1"));
    set.crash(only);
    set.restart(only);
    set.simulation.runFor(500);
    expect(values(set.ask<RangeResponse>(only, range("/a")))).toEqual(["/a=1"]);
  });

  test("a write whose leader dies before it answers is unknown, and is not sent again", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const follower = set.followers()[0]!;
    set.simulation.runFor(300);
    const got = set.begin(follower, put("/a", "1"), 20_000);
    set.until(() => set.state(leader)!.proposed.size > 0, "not proposed");
    set.crash(leader);
    set.until(() => got.answer !== null, "no answer");
    const { body } = got.answer as { body: EtcdError };
    expect(body).toMatchObject({ kind: "etcd.error", unknown: true });
    set.leader();
    expect(set.ask<RangeResponse>(follower, range("/a")).count).toBeLessThanOrEqual(1);
  });

  test("all members crash at once: what was acknowledged is back when they are", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    for (let n = 0; n < 50; n++) set.ask(leader, put(`/k${n % 7}`, `${n}`));
    for (const host of set.simulation.hosts.values()) if (host.name !== "outside") host.disk.faults.tornProbability = 0;
    for (const member of set.members) set.begin(member, put("/lost", "?"));
    set.simulation.runFor(0.3);
    for (const member of set.members) set.crash(member);
    for (const member of set.members) set.restart(member);
    const again = set.leader();
    expect(values(set.ask<RangeResponse>(again, range("/k3")))).toEqual(["/k3=45"]);
    expect(set.crashes).toEqual([]);
  });

  test("no member shows a state that is ahead of its own disk", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const [slow] = set.followers();
    set.simulation.host(set.hostOf(slow!)).disk.faults.slowdown = Number.POSITIVE_INFINITY;
    set.ask(leader, put("/a", "1"));
    set.simulation.runFor(500);
    const stale = set.ask<RangeResponse>(slow!, range("/a", { serializable: true }));
    expect(stale.count).toBe(0);
  });
});

test("a deposed leader that does not know it yet serves no linearizable read (Jepsen's stale reads; thesis section 6.4)", () => {
  const set = new ReplicaSet({ seed: 6 });
  const old = set.leader();
  set.ask(old, put("/a", "1"));
  set.cut(old);
  set.until(() => set.leader() !== old, "no second leader");
  const heir = set.leader();
  set.until(() => set.state(heir)!.expiry !== null, "the new leader has not begun its term");
  set.ask(heir, put("/a", "2"));
  expect(set.state(old)!.node.role.name).toBe("leader");
  const got = set.begin(old, range("/a"));
  set.simulation.runFor(4_000);
  const answer = got.answer as { ok: boolean; body: EtcdError | RangeResponse } | null;
  if (answer?.ok) expect(answer.body).toMatchObject({ kind: "etcd.error", code: "Unavailable" });
  set.heal();
  set.simulation.runFor(3_000);
  expect(values(set.ask<RangeResponse>(old, range("/a")))).toEqual(["/a=2"]);
});

describe("a member that was away", () => {
  const settings = { "snapshot-count": 50, "snapshot-catchup-entries": 10 };

  function behind(set: ReplicaSet, writes: number): Address {
    const away = set.followers()[0]!;
    const leader = set.leader();
    set.ask(leader, put("/before", "1"));
    set.simulation.runFor(200);
    set.crash(away);
    for (let n = 0; n < writes; n++) set.ask(leader, put(`/k${n}`, "v".repeat(100)));
    return away;
  }

  test("catches up from the log", () => {
    const set = new ReplicaSet();
    const away = behind(set, 30);
    set.restart(away);
    set.until(() => set.state(away)?.store.revision === 32, "not caught up");
    expect(set.facts.some(({ fact }) => fact.kind === "raft.snapshot")).toBe(false);
  });

  test("catches up by a snapshot when the log has been dropped, and comes to the same hash", () => {
    const set = new ReplicaSet({ settings });
    const away = behind(set, 200);
    set.restart(away);
    const leader = set.leader();
    set.until(() => set.state(away)?.store.revision === set.state(leader)!.store.revision, "not caught up");
    expect(set.facts).toContainEqual({ actor: away, fact: expect.objectContaining({ kind: "raft.snapshot", how: "installed" }) });
    expect(set.state(away)!.store.hash).toBe(set.state(leader)!.store.hash);
    expect(hashKv(set.state(away)!.store, 202)).toBe(hashKv(set.state(leader)!.store, 202));
    // And it finds it all on its own disk afterwards.
    set.ask(leader, put("/after", "1"));
    set.simulation.runFor(500);
    set.crash(away);
    set.restart(away);
    set.until(() => set.state(away)?.store.revision === 203, "not recovered");
    expect(set.crashes).toEqual([]);
  });

  test("its log on disk does not grow without bound", () => {
    const set = new ReplicaSet({ settings });
    const leader = set.leader();
    for (let n = 0; n < 400; n++) set.ask(leader, put("/same", `${n}`));
    for (const member of set.members) {
      const { journal, node } = set.state(member)!;
      expect(node.log.lastIndex - node.log.base.index).toBeLessThan(150);
      expect(journal.recordsKept).toBeLessThan(150);
    }
  });
});

describe("a watch", () => {
  test("shows each change once and in order, those of one revision together, from a start revision on (watch guarantees: ordered, unique, reliable, atomic)", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    for (let n = 0; n < 5; n++) set.ask(leader, put(`/w/${n}`, "1"));
    const [member] = set.followers();
    const seen = set.watch(member!, watch("/w/", { to: "/w0", startRevision: 4 }));
    for (let n = 5; n < 8; n++) set.ask(leader, put(`/w/${n}`, "1"));
    set.ask(leader, put("/other", "1"));
    set.until(() => eventsOf(seen).length === 6, "events are missing");
    expect(seen.responses[0]).toMatchObject({ created: true, events: [] });
    expect(eventsOf(seen)).toEqual([2, 3, 4, 5, 6, 7].map((n) => `${n + 2} put /w/${n}`));
  });

  test("goes on through a snapshot that its member had to install (etcd#8411)", () => {
    const set = new ReplicaSet({ settings: { "snapshot-count": 50, "snapshot-catchup-entries": 10 } });
    const leader = set.leader();
    const [member] = set.followers();
    const seen = set.watch(member!, watch("/k", { to: "/l" }));
    set.until(() => seen.responses.length === 1, "not created");
    set.cut(member!);
    for (let n = 0; n < 200; n++) set.ask(leader, put(`/k${n}`, "v"));
    expect(eventsOf(seen)).toEqual([]);
    set.heal();
    set.until(() => eventsOf(seen).length === 200, "events are missing");
    expect(eventsOf(seen)).toEqual(Array.from({ length: 200 }, (_, n) => `${n + 2} put /k${n}`));
    expect(set.facts).toContainEqual({ actor: member, fact: expect.objectContaining({ kind: "raft.snapshot", how: "installed" }) });
  });

  test("of a member that is cut off from any leader ends, so that another member can serve it", () => {
    const set = new ReplicaSet();
    const [member] = set.followers();
    const seen = set.watch(member!, watch("/a"));
    set.until(() => seen.responses.length === 1, "not created");
    set.cut(member!);
    set.until(() => seen.closed !== null, "still open", 8_000);
    expect(seen.closed).toMatchObject({ reason: "refused", detail: "etcdserver: no leader" });
    const late = set.watch(member!, watch("/a"));
    set.until(() => late.closed !== null, "opened");
    set.heal();
    set.until(() => set.state(member!)!.node.leader !== null, "no leader again");
    const again = set.watch(member!, watch("/a"));
    set.simulation.runFor(10_000);
    expect(again).toMatchObject({ closed: null, responses: [{ created: true }] });
  });

  test("of a compacted revision is told the oldest that is left, and ended", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    for (let n = 0; n < 5; n++) set.ask(leader, put("/a", `${n}`));
    set.ask(leader, { kind: "etcd.compact", revision: 5 });
    const seen = set.watch(leader, watch("/a", { startRevision: 3 }));
    set.until(() => seen.closed !== null, "not closed");
    expect(seen.responses.map(({ compactRevision }) => compactRevision)).toEqual([0, 5]);
  });

  test("answers a progress request with a revision up to which everything was sent", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    const seen = set.watch(leader, watch("/a"));
    set.ask(leader, put("/b", "1"));
    seen.stream.push({ kind: "etcd.watch.progress" });
    set.until(() => seen.responses.length === 2, "no progress");
    expect(seen.responses[1]).toMatchObject({ events: [], created: false, header: { revision: 2 } });
  });
});

describe("without a leader", () => {
  test("requests wait for the election, and are then answered", () => {
    const set = new ReplicaSet();
    const old = set.leader();
    const [follower] = set.followers();
    set.ask(old, put("/a", "1"));
    set.crash(old);
    set.simulation.runFor(50);
    expect(values(set.ask<RangeResponse>(follower!, range("/a")))).toEqual(["/a=1"]);
  });

  test("and without a quorum they are refused before long, and certainly did not happen", () => {
    const set = new ReplicaSet();
    const [one, two, three] = set.members as [Address, Address, Address];
    set.leader();
    set.crash(one);
    set.crash(two);
    set.simulation.runFor(5_000);
    expect(set.ask<EtcdError>(three, put("/a", "1"))).toMatchObject({
      message: "etcdserver: no leader",
      code: "Unavailable",
      unknown: false,
    });
    // Its own state it still tells to those who do not ask for more.
    expect(set.ask<RangeResponse>(three, range("/a", { serializable: true })).count).toBe(0);
  });
});

test("a failing disk makes a member start again from what it holds; nothing acknowledged is lost", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  const [sick] = set.followers();
  set.simulation.host(set.hostOf(sick!)).disk.faults.errorProbability = 0.2;
  for (let n = 0; n < 30; n++) set.ask(leader, put(`/k${n}`, "v"));
  set.simulation.host(set.hostOf(sick!)).disk.faults.errorProbability = 0;
  expect(String(set.crashes[0])).toContain("the disk failed");
  set.until(() => set.state(sick!)?.store.revision === 31, "not recovered");
  expect(set.state(sick!)!.store.hash).toBe(set.state(leader)!.store.hash);
});

test("a member that restarts shows no state older than what it showed before, even where staleness is allowed", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  const [member] = set.followers();
  for (let n = 0; n < 10; n++) set.ask(leader, put("/a", `${n}`));
  set.simulation.runFor(300);
  expect(values(set.ask<RangeResponse>(member!, range("/a", { serializable: true })))).toEqual(["/a=9"]);
  set.crash(member!);
  set.restart(member!);
  // Cut off, it may keep silent; it may not go back in time.
  set.cut(member!);
  set.simulation.runFor(10);
  const got = set.begin(member!, range("/a", { serializable: true }), 1_000);
  set.until(() => got.answer !== null, "no answer");
  if (got.answer!.ok && got.answer!.body.kind === "etcd.range.response") expect(values(got.answer!.body)).toEqual(["/a=9"]);
  set.heal();
  set.simulation.runFor(3_000);
  expect(values(set.ask<RangeResponse>(member!, range("/a", { serializable: true })))).toEqual(["/a=9"]);
});

test("while it catches up, a member shows nothing that its own disk does not hold: a third life would take it back", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  const [member] = set.followers();
  set.ask(leader, put("/a", "1"));
  set.simulation.runFor(300);
  set.crash(member!);
  set.ask(leader, put("/a", "2"));
  const { faults } = set.simulation.host(set.hostOf(member!)).disk;
  for (let life = 0; life < 2; life++) {
    const before = set.state(member!);
    set.simulation.runFor(50);
    set.restart(member!);
    set.until(() => set.state(member!) !== before, "not started");
    // What the leader sends is heard of, and does not come to be held.
    faults.slowdown = Number.POSITIVE_INFINITY;
    expect(values(set.ask<RangeResponse>(member!, range("/a", { serializable: true })))).toEqual(["/a=1"]);
    set.crash(member!);
    faults.slowdown = 1;
  }
});

test("what a request may hold is limited: a burst beyond it is turned away, and the rest is answered", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  const bursts = Array.from({ length: 6_000 }, (_, n) => set.begin(leader, put(`/k${n}`, "v"), 60_000));
  set.until(() => bursts.every(({ answer }) => answer !== null), "unanswered", 60_000);
  const kinds = bursts.map(({ answer }) => (answer!.ok ? answer!.body.kind : answer!.error));
  const accepted = kinds.filter((kind) => kind === "etcd.put.response").length;
  expect(set.ask<RangeResponse>(leader, range("/k", { to: "/l", countOnly: true })).count).toBe(accepted);
  expect(new Set(kinds)).toEqual(new Set(accepted === 6_000 ? ["etcd.put.response"] : ["etcd.put.response", "etcd.error"]));
});

test("each member counts what it says to the others and hears from them, and what its store does (etcd: /metrics)", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  set.ask(leader, put("/a", "1"));
  set.simulation.runFor(3_000);
  const figures = (member: Address): ReadonlyMap<string, number> => {
    let text = "";
    set.simulation.ask<ComponentGetResponse>(member, { kind: "component.get", path: "/metrics" } as Message, 5_000, (answer) => {
      if (answer.ok) text = Buffer.from(answer.body.bytes).toString();
    });
    set.simulation.runFor(50);
    return new Map(text.split("\n").map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
  };
  const others = set.members.filter((member) => member !== leader);
  const ofLeader = figures(leader);
  for (const other of others) {
    const sent = ofLeader.get(`etcd_network_peer_sent_bytes_total{To="${other}"}`)!;
    const heard = figures(other).get(`etcd_network_peer_received_bytes_total{From="${leader}"}`)!;
    expect(heard).toBeGreaterThan(1_000);
    // But for a heartbeat that is under way.
    expect(Math.abs(sent - heard)).toBeLessThan(500);
    expect(figures(other).get("etcd_mvcc_put_total")).toBe(1);
  }
  expect(ofLeader.get('etcd_cluster_version{cluster_version="3.5"}')).toBe(1);
});

test("status tells leader, term and revision from the member's own state", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  set.ask(leader, put("/a", "1"));
  expect(set.ask<StatusResponse>(leader, { kind: "etcd.status" })).toMatchObject({ leader, header: { revision: 2 }, sizeBytes: 3 });
});

test("requests without sense are refused with etcd's own errors, and nothing is applied", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  expect(set.ask<EtcdError>(leader, put("", "1")).message).toBe("etcdserver: key is not provided");
  expect(set.ask<EtcdError>(leader, put("/a", "1", 99)).message).toBe("etcdserver: requested lease not found");
  expect(set.ask<EtcdError>(leader, range("/a", { revision: 9 })).message).toBe("etcdserver: mvcc: required revision is a future revision");
  expect(set.ask<EtcdError>(leader, put("/a", "x".repeat(2_000_000))).message).toBe("etcdserver: request is too large");
  expect(set.state(leader)!.store.revision).toBe(1);
});
