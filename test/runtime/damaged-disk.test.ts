import { address } from "../../protocol/address";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { defaultSyncUs, SimulatedDisk } from "../../runtime/simulated/disk";
import { EventHeap } from "../../runtime/simulated/event-heap";
import { SimulatedRandom } from "../../runtime/simulated/random";
import { StoredBytes } from "../../runtime/simulated/stored-bytes";
import { ReplicaSet } from "../etcd/replica-set";
import { put, range, text } from "../etcd/store/requests";

const etcd = address("etcd", 0);

function diskWith(faults: Partial<SimulatedDisk["faults"]>, stored = new StoredBytes()) {
  const heap = new EventHeap();
  const disk = new SimulatedDisk("etcd-0", heap, new SimulatedRandom(1), defaultSyncUs, stored);
  const write = (...operations: DiskOperation[]) => {
    let result = "nothing";
    disk.write(
      etcd,
      operations,
      () => (result = "done"),
      (detail) => (result = detail),
    );
    while (heap.step());
    return result;
  };
  const recover = (): Recovered | string => {
    let found: Recovered | string = "nothing";
    disk.recover(
      etcd,
      (recovered) => (found = recovered),
      (detail) => (found = detail),
    );
    while (heap.step());
    return found;
  };
  const append = (...records: string[]) => write({ type: "append", log: "raft", records: records.map((one) => Buffer.from(one)) });
  append("one", "two", "three");
  Object.assign(disk.faults, faults);
  return { disk, write, recover, append };
}

describe("a simulated disk that damages what it stores", () => {
  test("leaves other disks' copies of the same bytes alone, though these are kept in memory once", () => {
    const stored = new StoredBytes();
    const [one, other, damaged] = [diskWith({}, stored), diskWith({}, stored), diskWith({ corruptProbability: 1 }, stored)];
    const snapshot = Buffer.alloc(100_000, "x");
    for (const { append, write } of [one, other, damaged]) {
      append("four");
      write({ type: "writeBlob", blob: "snapshot", chunk: Buffer.from(snapshot), last: true });
    }
    const [kept, same, wrong] = [one, other, damaged].map(({ disk }) => disk.peek(etcd));
    expect(same!.logs.get("raft")!.records[3]).toBe(kept!.logs.get("raft")!.records[3]);
    expect(Buffer.from(kept!.logs.get("raft")!.records[3]!).toString()).toBe("four");
    expect(wrong!.logs.get("raft")!.records[3]).not.toEqual(kept!.logs.get("raft")!.records[3]);
    expect(same!.blobs.get("snapshot")).toBe(kept!.blobs.get("snapshot"));
    expect(snapshot.equals(kept!.blobs.get("snapshot")!)).toBe(true);
    expect(snapshot.equals(wrong!.blobs.get("snapshot")!)).toBe(false);
    expect(damaged.recover()).toContain("corrupt");
  });

  test("says that a write is done, and refuses at the next recovery by the name of the log and the record", () => {
    const { disk, append, recover } = diskWith({ corruptProbability: 1 });
    expect(append("four")).toBe("done");
    expect(disk.counts.corruptedWrites).toBe(1);
    expect(recover()).toBe("etcd-0: log raft: corrupt at record 4: the checksum does not match");
    expect(append("five")).toBe("log raft: corrupt at record 4: the checksum does not match");
  });

  test("refuses a blob with a wrong bit, and a blob that was written anew is well", () => {
    const { disk, write, recover } = diskWith({ corruptProbability: 1 });
    const blob: DiskOperation = { type: "writeBlob", blob: "snapshot", chunk: Buffer.from("the whole store"), last: true };
    write(blob);
    disk.faults.corruptProbability = 0;
    write(blob);
    expect(typeof recover()).toBe("object");
    disk.faults.corruptProbability = 1;
    write(blob);
    expect(recover()).toBe("etcd-0: blob snapshot: corrupt: the checksum does not match");
  });

  test("notices a write that went to another place: at the place that was struck and at its own", () => {
    const { disk, write, append, recover } = diskWith({ misdirectProbability: 1 });
    expect(append("quite another")).toBe("done");
    expect(disk.counts.misdirectedWrites).toBe(1);
    expect(recover()).toMatch(/^etcd-0: log raft: corrupt at record [1-3]: /);
    const fresh = diskWith({ misdirectProbability: 1 });
    fresh.append("quite another");
    fresh.write({ type: "dropPrefix", log: "raft", beforeIndex: 4 });
    expect(fresh.recover()).toMatch(/corrupt at record 4: /);
    expect(write({ type: "deleteBlob", blob: "none" })).not.toBe("done");
  });

  test("and damage to what was dropped since does no harm", () => {
    const { disk, write, append, recover } = diskWith({ corruptProbability: 1 });
    append("four");
    disk.faults.corruptProbability = 0;
    append("five");
    write({ type: "dropPrefix", log: "raft", beforeIndex: 5 });
    const found = recover() as Recovered;
    expect(found.logs.get("raft")!.records.map((record) => Buffer.from(record).toString())).toEqual(["five"]);
  });

  test.each([{ corruptProbability: 0.3 }, { misdirectProbability: 0.3 }])(
    "costs a replica set one member and no acknowledged write: %j",
    (faults) => {
      const set = new ReplicaSet({ seed: 5 });
      const sick = set.followers()[0]!;
      Object.assign(set.simulation.host(set.hostOf(sick)).disk.faults, faults);
      for (let n = 0; n < 30; n++) set.ask(set.leader(), put(`/k/${n}`, `v${n}`));
      set.crash(sick);
      set.restart(sick);
      set.simulation.runFor(5_000);
      expect(String(set.crashes[0])).toMatch(/disk: etcd-\d: log raft: corrupt at record \d+/);
      expect(set.state(sick)).toBeUndefined();
      const found = set.ask(set.leader(), range("/k/", { to: "/k0" }));
      expect(found.kind === "etcd.range.response" && found.kvs.map((kv) => text(kv.value)).sort()).toEqual(
        Array.from({ length: 30 }, (_, n) => `v${n}`).sort(),
      );
    },
  );
});
