import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "../../protocol/address";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { FileDisk } from "../../runtime/live/disk/file-disk";
import { MemoryDisk } from "../../runtime/live/disk/memory-disk";
import { SimulatedDisk } from "../../runtime/simulated/disk";
import { EventHeap } from "../../runtime/simulated/event-heap";
import { SimulatedRandom } from "../../runtime/simulated/random";
import type { Disk } from "../../runtime/world";
import { eventually } from "./worlds";

interface Twin {
  readonly disk: Disk;
  until(condition: () => boolean): Promise<void>;
  /** The same disk as another process would find it, where it outlives processes. */
  reopened(): Promise<Disk>;
  clean(): Promise<void>;
}

const twins: readonly (readonly [string, () => Twin])[] = [
  [
    "simulated",
    () => {
      const heap = new EventHeap();
      const disk = new SimulatedDisk("host", heap, new SimulatedRandom(1));
      const until = async (condition: () => boolean) => {
        while (!condition() && heap.step());
      };
      const reopened = async () => {
        disk.crash();
        return disk;
      };
      return { disk, until, reopened, clean: async () => {} };
    },
  ],
  [
    "file",
    () => {
      const directory = mkdtempSync(join(tmpdir(), "wavetank-disk-"));
      let disk = new FileDisk(directory, { segmentBytes: 256 });
      const reopened = async () => {
        await disk.close({ flush: false });
        disk = new FileDisk(directory, { segmentBytes: 256 });
        return disk;
      };
      const clean = async () => {
        await disk.close();
        rmSync(directory, { recursive: true });
      };
      return { disk, until: eventually, reopened, clean };
    },
  ],
  [
    "memory",
    () => {
      const disk = new MemoryDisk();
      return { disk, until: eventually, reopened: async () => disk, clean: async () => {} };
    },
  ],
];

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const append = (log: string, ...records: string[]): DiskOperation => ({ type: "append", log, records: records.map(bytes) });
const dropPrefix = (log: string, beforeIndex: number): DiskOperation => ({ type: "dropPrefix", log, beforeIndex });
const writeBlob = (blob: string, chunk: string, last: boolean): DiskOperation => ({ type: "writeBlob", blob, chunk: bytes(chunk), last });
const deleteBlob = (blob: string): DiskOperation => ({ type: "deleteBlob", blob });

const etcd0 = address("etcd", 0);
const etcd1 = address("etcd", 1);

describe.each(twins)("%s disk", (_name, make) => {
  let twin: Twin;
  beforeEach(async () => {
    twin = make();
    for (const actor of [etcd0, etcd1]) await recover(twin.disk, actor);
  });
  afterEach(() => twin.clean());

  async function recover(disk: Disk, actor = etcd0): Promise<{ logs: Record<string, unknown>; blobs: Record<string, string> }> {
    let recovered: Recovered | undefined;
    let problem: string | undefined;
    disk.recover(
      actor,
      (found) => (recovered = found),
      (detail) => (problem = detail),
    );
    await twin.until(() => recovered !== undefined || problem !== undefined);
    if (recovered === undefined) throw new Error(problem);
    const text = (record: Uint8Array) => Buffer.from(record).toString();
    const logs = [...recovered.logs].map(([name, { firstIndex, records }]) => [name, [firstIndex, ...records.map(text)]] as const);
    const blobs = [...recovered.blobs].map(([name, blob]) => [name, text(blob)] as const);
    return { logs: Object.fromEntries(logs), blobs: Object.fromEntries(blobs) };
  }

  async function write(disk: Disk, ...operations: DiskOperation[]): Promise<void> {
    let result: string | undefined;
    disk.write(
      etcd0,
      operations,
      () => (result = ""),
      (detail) => (result = detail),
    );
    await twin.until(() => result !== undefined);
    expect(result).toBe("");
  }

  test("an actor that never wrote finds nothing", async () => {
    expect(await recover(twin.disk)).toEqual({ logs: {}, blobs: {} });
  });

  test("what was reported as done is found again, in order, with indices from 1", async () => {
    await write(twin.disk, append("raft", "a", "", "c"));
    await write(twin.disk, append("raft", "d"), append("votes", "x"));
    expect(await recover(await twin.reopened())).toEqual({ logs: { raft: [1, "a", "", "c", "d"], votes: [1, "x"] }, blobs: {} });
  });

  test("completions of one actor come in the order of its writes, also when many wait together", async () => {
    const done: number[] = [];
    for (let i = 1; i <= 200; i++)
      twin.disk.write(
        etcd0,
        [append("raft", `record ${i}`)],
        () => done.push(i),
        () => done.push(-i),
      );
    await twin.until(() => done.length === 200);
    const expected = Array.from({ length: 200 }, (_, i) => i + 1);
    expect(done).toEqual(expected);
    expect((await recover(await twin.reopened())).logs).toEqual({ raft: [1, ...expected.map((i) => `record ${i}`)] });
  });

  test("nothing is reported as done inside of the call", () => {
    let done = false;
    twin.disk.write(
      etcd0,
      [append("raft", "a")],
      () => (done = true),
      () => {},
    );
    expect(done).toBe(false);
  });

  test("each actor has logs and blobs of its own", async () => {
    await write(twin.disk, append("raft", "of etcd/0"), writeBlob("snapshot", "of etcd/0", true));
    expect(await recover(await twin.reopened(), etcd1)).toEqual({ logs: {}, blobs: {} });
  });

  test("dropping a prefix removes exactly the records before the index; later records go on counting", async () => {
    for (let i = 1; i <= 40; i++) await write(twin.disk, append("raft", `record number ${i}`));
    await write(twin.disk, dropPrefix("raft", 38));
    await write(twin.disk, append("raft", "record number 41"));
    const left = [38, 39, 40, 41].map((i) => `record number ${i}`);
    expect((await recover(await twin.reopened())).logs).toEqual({ raft: [38, ...left] });
  });

  test("a whole log can be dropped, and goes on from where it was", async () => {
    await write(twin.disk, append("raft", "a", "b"), dropPrefix("raft", 1_000));
    expect((await recover(twin.disk)).logs).toEqual({ raft: [3] });
    await write(twin.disk, append("raft", "c"));
    expect((await recover(await twin.reopened())).logs).toEqual({ raft: [3, "c"] });
  });

  test("a blob appears as a whole with its last chunk; until then the old one stands", async () => {
    await write(twin.disk, writeBlob("snapshot", "old", true));
    await write(twin.disk, writeBlob("snapshot", "new, ", false));
    await write(twin.disk, writeBlob("snapshot", "in pieces, ", false));
    expect((await recover(await twin.reopened())).blobs).toEqual({ snapshot: "old" });
  });

  test("chunks that were left over by an earlier life are not joined to a new blob", async () => {
    await write(twin.disk, writeBlob("snapshot", "left over", false));
    const disk = await twin.reopened();
    await recover(disk);
    await write(disk, writeBlob("snapshot", "in ", false), writeBlob("snapshot", "pieces", true));
    expect((await recover(await twin.reopened())).blobs).toEqual({ snapshot: "in pieces" });
  });

  test("a deleted blob is gone; deleting what is not there is no failure", async () => {
    await write(twin.disk, writeBlob("snapshot", "x", true));
    await write(twin.disk, deleteBlob("snapshot"), deleteBlob("never was"));
    expect((await recover(await twin.reopened())).blobs).toEqual({});
  });

  test("an actor that starts again reads what it wrote before, though writes were still waiting", async () => {
    let done = 0;
    for (let i = 0; i < 20; i++)
      twin.disk.write(
        etcd0,
        [append("raft", `${i}`)],
        () => done++,
        () => {},
      );
    const { logs } = await recover(twin.disk);
    expect((logs.raft as unknown[]).length - 1).toBeGreaterThanOrEqual(done);
    expect(done).toBe(20);
  });
});
