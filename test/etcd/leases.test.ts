import type { EtcdError, LeaseResponse, RangeResponse } from "../../protocol/etcd";
import { ReplicaSet } from "./replica-set";
import { put, range, text } from "./store/requests";

describe("a lease", () => {
  const grant = { kind: "etcd.lease.grant", id: 7, ttlSeconds: 5 } as const;

  test("takes its keys with it when nobody renews it", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    set.ask(leader, grant);
    set.ask(leader, put("/a", "1", 7));
    set.simulation.runFor(4_000);
    expect(set.ask<RangeResponse>(leader, range("/a")).count).toBe(1);
    set.simulation.runFor(2_000);
    expect(set.ask<RangeResponse>(leader, range("/a")).count).toBe(0);
    for (const member of set.members) expect(set.state(member)!.store.leases.list()).toEqual([]);
  });

  test("lives on while it is renewed, through any member and a change of leader", () => {
    const set = new ReplicaSet();
    const first = set.leader();
    const [other] = set.followers();
    set.ask(other!, grant);
    set.ask(other!, put("/a", "1", 7));
    for (let n = 0; n < 5; n++) {
      set.simulation.runFor(2_000);
      expect(set.ask(other!, { kind: "etcd.lease.keepAlive", id: 7 })).toMatchObject({ ttlSeconds: 5 });
      if (n === 2) set.crash(first);
    }
    expect(set.ask<RangeResponse>(other!, range("/a")).count).toBe(1);
  });
});

test("a lease ends in its time however often others are granted", () => {
  const set = new ReplicaSet();
  const leader = set.leader();
  const grant = (id: number, ttlSeconds: number) => set.ask(leader, { kind: "etcd.lease.grant", id, ttlSeconds });
  grant(7, 5);
  set.simulation.runFor(50);
  grant(8, 5);
  for (let id = 100; id < 125; id++) {
    grant(id, 60);
    set.simulation.runFor(300);
  }
  expect(set.ask(leader, { kind: "etcd.lease.list" })).toMatchObject({ leases: Array.from({ length: 25 }, (_, i) => 100 + i) });
});

describe("what is left of a lease", () => {
  const settings = { "lease-checkpoint-interval": 1_000 };
  const grant = { kind: "etcd.lease.grant", id: 7, ttlSeconds: 20 } as const;

  test("is checkpointed, so that a new leader does not begin it anew (etcd#17132)", () => {
    const set = new ReplicaSet({ settings });
    const first = set.leader();
    set.ask(first, grant);
    set.ask(first, put("/a", "1", 7));
    set.simulation.runFor(15_000);
    set.crash(first);
    const second = set.leader();
    const left = set.ask<LeaseResponse>(second, { kind: "etcd.lease.timeToLive", id: 7, keys: true });
    expect(left.ttlSeconds).toBeLessThanOrEqual(7);
    expect(left.keys.map(text)).toEqual(["/a"]);
    const told = set.facts.map(({ fact }) => fact);
    expect(told).toContainEqual({ kind: "etcd.leaseCheckpoint", leases: 1, kept: true });
    expect(told).toContainEqual({ kind: "etcd.leaseClocks", resumed: 1, anew: 0 });
    set.simulation.runFor(8_000);
    expect(set.ask<RangeResponse>(second, range("/a")).count).toBe(0);
  });

  test("is forgotten when it is renewed: a later leader counts from the full time", () => {
    const set = new ReplicaSet({ settings: { "lease-checkpoint-interval": 15_000 } });
    const first = set.leader();
    set.ask(first, grant);
    set.simulation.runFor(16_000);
    set.ask(first, { kind: "etcd.lease.keepAlive", id: 7 });
    set.crash(first);
    const second = set.leader();
    set.simulation.runFor(15_000);
    expect(set.ask<LeaseResponse>(second, { kind: "etcd.lease.timeToLive", id: 7, keys: false }).ttlSeconds).toBeGreaterThan(0);
  });

  test("of one that is not there is -1", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    expect(set.ask(leader, { kind: "etcd.lease.timeToLive", id: 9, keys: false })).toMatchObject({ ttlSeconds: -1 });
    expect(set.ask(leader, { kind: "etcd.lease.keepAlive", id: 9 })).toMatchObject({ ttlSeconds: -1 });
    expect(set.ask<EtcdError>(leader, { kind: "etcd.lease.revoke", id: 9 }).message).toBe("etcdserver: requested lease not found");
    set.ask(leader, grant);
    expect(set.ask<EtcdError>(leader, grant).message).toBe("etcdserver: lease already exists");
    expect(set.ask(leader, { kind: "etcd.lease.list" })).toMatchObject({ leases: [7] });
  });
});
