import { address } from "../../protocol/address";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { SimulatedDisk } from "../../runtime/simulated/disk";
import { EventHeap } from "../../runtime/simulated/event-heap";
import { SimulatedRandom } from "../../runtime/simulated/random";

const member = address("etcd", 0);
const append = (...bytes: number[]): readonly DiskOperation[] => [
  { type: "append", log: "raft", records: bytes.map((byte) => Uint8Array.of(byte)) },
];

describe("a simulated disk that fails (the live one behaves alike)", () => {
  it("refuses an actor's later writes after one that failed, until the actor has recovered: no log has a hole", () => {
    const heap = new EventHeap();
    const disk = new SimulatedDisk("etcd-0", heap, new SimulatedRandom(1));
    const told: string[] = [];
    const write = (name: string, operations: readonly DiskOperation[]) =>
      disk.write(
        member,
        operations,
        () => told.push(`${name} done`),
        (detail) => told.push(`${name}: ${detail}`),
      );
    const run = () => {
      while (heap.step());
    };
    write("first", append(1));
    run();
    disk.faults.full = true;
    write("second", append(2));
    run();
    disk.faults.full = false;
    write("third", append(3));
    run();
    expect(told).toEqual(["first done", "second: no space left on device", "third: an earlier write failed: no space left on device"]);

    let recovered: Recovered | undefined;
    disk.recover(
      member,
      (found) => {
        recovered = found;
      },
      (detail) => told.push(detail),
    );
    run();
    expect(recovered!.logs.get("raft")!.records.map((record) => record[0])).toEqual([1]);
    write("fourth", append(4));
    run();
    expect(told.at(-1)).toBe("fourth done");
  });

  it("does not let what failed survive a crash as a torn write", () => {
    for (let seed = 0; seed < 50; seed++) {
      const heap = new EventHeap();
      const disk = new SimulatedDisk("etcd-0", heap, new SimulatedRandom(seed));
      disk.faults.full = true;
      const ignore = () => undefined;
      disk.write(member, append(1), ignore, ignore);
      while (heap.step());
      disk.faults.full = false;
      disk.write(member, append(2), ignore, ignore);
      disk.crash();
      expect(disk.peek(member).logs.get("raft")?.records ?? []).toEqual([]);
    }
  });
});
