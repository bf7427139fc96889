import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "../../protocol/address";
import type { DiskOperation, Recovered } from "../../runtime/actor";
import { FileDisk } from "../../runtime/live/disk/file-disk";

const etcd = address("etcd", 0);
const append = (...records: string[]): DiskOperation => ({
  type: "append",
  log: "raft",
  records: records.map((text) => Buffer.from(text)),
});

function recover(disk: FileDisk): Promise<Recovered> {
  return new Promise((resolve, reject) => disk.recover(etcd, resolve, (detail) => reject(new Error(detail))));
}

function write(disk: FileDisk, ...operations: DiskOperation[]): Promise<void> {
  return new Promise((resolve, reject) => disk.write(etcd, operations, resolve, (detail) => reject(new Error(detail))));
}

/** The records of the log, as text; closes the disk. */
async function recordsIn(directory: string): Promise<string[]> {
  const disk = new FileDisk(directory);
  try {
    return ((await recover(disk)).logs.get("raft")?.records ?? []).map((record) => Buffer.from(record).toString());
  } finally {
    await disk.close();
  }
}

describe("a host's data directory", () => {
  let root: string;
  let directory: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "wavetank-files-"));
    directory = join(root, "disk");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const files = () => readdirSync(join(directory, "etcd~0")).sort();
  const file = (name: string) => join(directory, "etcd~0", name);

  async function written(groups: readonly (readonly string[])[], segmentBytes = 1_000_000): Promise<void> {
    const disk = new FileDisk(directory, { segmentBytes });
    await recover(disk);
    for (const group of groups) await write(disk, append(...group));
    await disk.close();
  }

  test("cut off at any byte, the log ends with the last group that is whole: a torn tail is repaired", async () => {
    await written([["one"], ["two", "three"], ["four"]]);
    const name = files()[0]!;
    const whole = readFileSync(file(name));
    const ends = [0, 36 + 7, 36 + 7 + 36 + 16, whole.length];
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(file(name), whole.subarray(0, length));
      const expected = ["one", "two", "three", "four"].slice(0, [0, 1, 3, 4][ends.filter((end) => end <= length).length - 1]);
      expect(await recordsIn(directory)).toEqual(expected);
      expect(readFileSync(file(name)).length).toBe(ends.filter((end) => end <= length).at(-1));
    }
  });

  test("sectors of the last group that were never written are a torn tail, wherever in it they lie", async () => {
    await written([["one"], ["x".repeat(2_000)]]);
    const name = files()[0]!;
    const whole = readFileSync(file(name));
    for (let sector = 0; sector < whole.length; sector += 512) {
      const torn = Buffer.from(whole);
      torn.fill(0, Math.max(sector, 36 + 7), Math.min(sector + 512, whole.length));
      writeFileSync(file(name), torn);
      expect(await recordsIn(directory)).toEqual(["one"]);
    }
  });

  test("after a torn tail was repaired, what is appended is found", async () => {
    await written([["one"], ["two"]]);
    truncateSync(file(files()[0]!), 60);
    await written([["three"]]);
    expect(await recordsIn(directory)).toEqual(["one", "three"]);
  });

  test("a byte that changed is corruption, in the last group too: nothing is guessed, the message names file and offset", async () => {
    await written([["one"], ["two", "three"], ["four"]]);
    const name = files()[0]!;
    const whole = readFileSync(file(name));
    const secondFrame = 36 + 7;
    const lastFrame = secondFrame + 36 + 16;
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x40;
      writeFileSync(file(name), damaged);
      const offset = at < secondFrame ? 0 : at < lastFrame ? secondFrame : lastFrame;
      await expect(recordsIn(directory)).rejects.toThrow(`${file(name)}: corrupt at byte ${offset}: `);
    }
    expect(readFileSync(file(name)).length).toBe(whole.length);
  });

  test("a segment that is missing is noticed, in the middle and at the beginning", async () => {
    const groups = Array.from({ length: 12 }, (_, i) => [`record ${i + 1}`]);
    await written(groups, 100);
    expect(files()).toHaveLength(4);
    for (const missing of [0, 1]) {
      const name = files()[missing]!;
      copyFileSync(file(name), join(root, "aside"));
      rmSync(file(name));
      await expect(recordsIn(directory)).rejects.toThrow(/records \d+ to \d+ are missing/);
      copyFileSync(join(root, "aside"), file(name));
    }
    expect(await recordsIn(directory)).toHaveLength(12);
  });

  test("segments that lie wholly before the dropped index are removed", async () => {
    await written(
      Array.from({ length: 12 }, (_, i) => [`record ${i + 1}`]),
      100,
    );
    const disk = new FileDisk(directory, { segmentBytes: 100 });
    await recover(disk);
    await write(disk, { type: "dropPrefix", log: "raft", beforeIndex: 8 });
    await disk.close();
    expect(files().map((name) => Number(name.split(".").at(-1)))).toEqual([7, 10, 13]);
    expect(await recordsIn(directory)).toEqual(["record 8", "record 9", "record 10", "record 11", "record 12"]);
  });

  test("a blob whose bytes changed is refused by name", async () => {
    const disk = new FileDisk(directory);
    await recover(disk);
    await write(disk, { type: "writeBlob", blob: "snapshot", chunk: Buffer.from("the whole store"), last: true });
    await disk.close();
    const bytes = readFileSync(file("blob.snapshot"));
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      writeFileSync(file("blob.snapshot"), damaged);
      await expect(recordsIn(directory)).rejects.toThrow(`${file("blob.snapshot")}: corrupt at byte `);
    }
  });

  test("a file that does not belong there is refused by name", async () => {
    await written([["one"]]);
    writeFileSync(file("notes.txt"), "mine");
    await expect(recordsIn(directory)).rejects.toThrow(`${file("notes.txt")}: not a file of this data directory`);
  });

  test("after a write has failed the disk refuses until it was read again, and then holds all that was reported as done", async () => {
    const disk = new FileDisk(directory, { segmentBytes: 1 });
    await recover(disk);
    await write(disk, append("one"));
    // The next segment cannot be created where a directory has its name.
    mkdirSync(file("log.raft.0000000000000002"));
    await expect(write(disk, append("two"))).rejects.toThrow("EISDIR");
    rmSync(file("log.raft.0000000000000002"), { recursive: true });
    await expect(write(disk, append("three"))).rejects.toThrow("an earlier write failed");
    expect((await recover(disk)).logs.get("raft")!.records).toHaveLength(1);
    await write(disk, append("four"));
    await disk.close();
    expect(await recordsIn(directory)).toEqual(["one", "four"]);
  });

  test("at any moment the files alone hold every write that was reported as done (kill -9 leaves the files)", async () => {
    const disk = new FileDisk(directory, { segmentBytes: 2_000 });
    await recover(disk);
    let done = 0;
    let asked = 0;
    const copy = join(root, "copy");
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 8; i++) disk.write(etcd, [append(`record ${++asked}`)], () => done++, fail);
      await new Promise((resolve) => setTimeout(resolve, round % 3));
      const promised = done;
      rmSync(copy, { recursive: true, force: true });
      cpSync(directory, copy, { recursive: true });
      const found = await recordsIn(copy);
      expect(found.length).toBeGreaterThanOrEqual(promised);
      expect(found).toEqual(found.map((_, i) => `record ${i + 1}`));
    }
    await disk.close();
    expect(done).toBe(200);
  });
});

function fail(detail: string): never {
  throw new Error(detail);
}
