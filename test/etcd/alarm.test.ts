import type { Address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, StatusResponse } from "../../protocol/etcd";
import type { Alarm, AlarmResponse } from "../../protocol/etcd-auth";
import { ReplicaSet } from "./replica-set";
import { range } from "./store/requests";

const bytes = (text: string) => Buffer.from(text);
const put = (key: string, size: number): EtcdRequest => ({
  kind: "etcd.put",
  key: bytes(key),
  value: Buffer.alloc(size, 1),
  lease: 0,
  prevKv: false,
});
const remove = (key: string): EtcdRequest => ({ kind: "etcd.delete", key: bytes(key), rangeEnd: bytes(""), prevKv: false });
const noSpace = "etcdserver: mvcc: database space exceeded";

function said(set: ReplicaSet, member: Address, request: EtcdRequest): string {
  const answer = set.ask<EtcdResponse>(member, request);
  return answer.kind === "etcd.error" ? answer.message : answer.kind;
}
function alarms(set: ReplicaSet, member: Address): readonly Alarm[] {
  return set.ask<AlarmResponse>(member, { kind: "etcd.alarm.list" }).alarms;
}
const disarm = (alarm: Alarm): EtcdRequest => ({ kind: "etcd.alarm", action: "deactivate", alarm });

describe("the NOSPACE alarm (etcd: --quota-backend-bytes)", () => {
  const quota = 10_000;

  /** A replica set in which a follower has found that there is no more room. */
  function full(seed = 1): { readonly set: ReplicaSet; readonly raisedBy: Address } {
    const set = new ReplicaSet({ seed, settings: { "quota-backend-bytes": quota } });
    const raisedBy = set.followers()[0]!;
    for (let i = 0; i < 9; i++) expect(said(set, raisedBy, put(`k${i}`, 1_000))).toBe("etcd.put.response");
    expect(said(set, raisedBy, put("k9", 1_000))).toBe(noSpace);
    set.until(() => alarms(set, set.leader()).length > 0, "no alarm was raised");
    return { set, raisedBy };
  }

  test("is raised by the member that finds the quota exceeded, and then every member refuses what takes space, and nothing else", () => {
    const { set, raisedBy } = full();
    for (const member of set.members) {
      expect(alarms(set, member)).toEqual([{ member: raisedBy, alarm: "NOSPACE" }]);
      expect(said(set, member, put("small", 1))).toBe(noSpace);
      expect(said(set, member, { kind: "etcd.lease.grant", id: 0, ttlSeconds: 60 })).toBe(noSpace);
      const txn = (success: readonly EtcdRequest[]) => ({ kind: "etcd.txn", compare: [], success, failure: [] }) as EtcdRequest;
      expect(said(set, member, txn([put("small", 1)]))).toBe(noSpace);
      expect(said(set, member, txn([remove("absent")]))).toBe("etcd.txn.response");
      expect(said(set, member, remove(`k${set.members.indexOf(member)}`))).toBe("etcd.delete.response");
    }
  });

  test("stays until it is disarmed, through compaction and a restart, and comes again where nothing was freed", () => {
    const { set, raisedBy } = full(2);
    expect(said(set, raisedBy, disarm({ member: raisedBy, alarm: "NOSPACE" }))).toBe("etcd.alarm.response");
    expect(said(set, raisedBy, put("k9", 1_000))).toBe(noSpace);
    set.until(() => alarms(set, set.leader()).length > 0, "the alarm was not raised again");
    for (let i = 0; i < 9; i++) said(set, set.leader(), remove(`k${i}`));
    const { revision } = set.ask<StatusResponse>(set.leader(), { kind: "etcd.status" }).header;
    expect(said(set, set.leader(), { kind: "etcd.compact", revision })).toBe("etcd.compact.response");
    for (const member of set.members) set.crash(member);
    for (const member of set.members) set.restart(member);
    set.leader();
    set.until(() => set.members.every((member) => (set.state(member)?.store.sizeBytes ?? quota) < 1_000), "compaction frees nothing");
    expect(said(set, set.leader(), put("k9", 1_000))).toBe(noSpace);
    expect(alarms(set, set.leader())).toEqual([{ member: raisedBy, alarm: "NOSPACE" }]);
    said(set, set.leader(), disarm({ member: raisedBy, alarm: "NOSPACE" }));
    for (const member of set.members) expect(said(set, member, put("k9", 1_000))).toBe("etcd.put.response");
    expect(set.ask<AlarmResponse>(set.leader(), disarm({ member: raisedBy, alarm: "NOSPACE" })).alarms).toEqual([]);
  });
});

describe("the CORRUPT alarm (etcd: --experimental-corrupt-check-time)", () => {
  test("is raised when a member's data differs from the leader's, and then nothing is read or written", () => {
    const set = new ReplicaSet({ settings: { "corrupt-check-time": 1_000 } });
    const leader = set.leader();
    for (let i = 0; i < 5; i++) said(set, leader, put(`k${i}`, 10));
    set.simulation.runFor(5_000);
    expect(alarms(set, leader)).toEqual([]);
    const bad = set.followers()[0]!;
    const version = set.state(bad)!.store.index.get("k3")!.versions[0]!;
    (version.value as Uint8Array)[4] = 2;
    set.until(() => alarms(set, leader).length > 0, "the difference was not found");
    expect(alarms(set, leader)).toEqual([{ member: bad, alarm: "CORRUPT" }]);
    for (const member of set.members)
      for (const request of [put("k", 1), remove("k1"), range("k1")])
        expect(said(set, member, request)).toBe("etcdserver: corrupt cluster");
    said(set, leader, disarm({ member: bad, alarm: "CORRUPT" }));
    expect(said(set, leader, range("k1"))).toBe("etcd.range.response");
  });
});

describe("defragmenting", () => {
  test("writes the state anew and lets go of the log behind it: the disk holds less, and all that is stored", () => {
    const set = new ReplicaSet();
    const leader = set.leader();
    for (let i = 0; i < 50; i++) said(set, leader, put("same", 1_000));
    const status = () => set.ask<StatusResponse>(leader, { kind: "etcd.status" });
    said(set, leader, { kind: "etcd.compact", revision: status().header.revision });
    set.until(() => set.state(leader)!.store.sizeBytes < 2_000, "compaction frees nothing");
    const before = status();
    expect(before.diskBytes).toBeGreaterThan(50_000);
    expect(said(set, leader, { kind: "etcd.defragment" })).toBe("etcd.defragment.response");
    expect(status().diskBytes).toBeLessThan(5_000);
    expect(said(set, leader, { kind: "etcd.defragment" })).toBe("etcd.defragment.response");
    set.crash(leader);
    set.restart(leader);
    set.leader();
    set.until(() => set.state(leader)?.store.get("same") !== undefined, "the key is gone");
    expect(set.state(leader)!.store.get("same")!.version).toBe(50);
  });
});
