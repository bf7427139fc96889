import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Address } from "../../../protocol/address";
import type { DiskOperation, Recovered } from "../../actor";
import type { Disk } from "../../world";
import { BlobFiles, isUnfinishedBlob, parseBlobName } from "./blob-files";
import { makeDirectory } from "./directory";
import { LogFiles, parseSegmentName } from "./log-files";

const segmentBytes = 8 * 2 ** 20;

/**
 * One host's disk as files: a directory for each actor, in it a chain of segment files for each log and one file for each blob.
 * What reaches an actor's files is always a prefix of the operations it asked for, in their order.
 */
export class FileDisk implements Disk {
  private readonly actors = new Map<Address, ActorFiles>();

  /** `directory` is this host's alone; it is made when first needed. */
  constructor(
    private readonly directory: string,
    private readonly options: { readonly segmentBytes?: number } = {},
  ) {}

  recover(actor: Address, done: (recovered: Recovered) => void, failed: (detail: string) => void): void {
    this.filesOf(actor).recover(done, failed);
  }

  write(actor: Address, operations: readonly DiskOperation[], done: () => void, failed: (detail: string) => void): void {
    this.filesOf(actor).write(operations, done, failed);
  }

  /** Waits for what was begun and closes the files. Writes that still wait are done when `flush` is true, otherwise forgotten, as a power cut would. */
  async close(options: { readonly flush: boolean } = { flush: true }): Promise<void> {
    await Promise.all([...this.actors.values()].map((files) => files.close(options.flush)));
    this.actors.clear();
  }

  private filesOf(actor: Address): ActorFiles {
    let files = this.actors.get(actor);
    if (files === undefined) {
      // "~" cannot stand in an address, so no two actors share a directory and none lies inside another's.
      files = new ActorFiles(join(this.directory, actor.replaceAll("/", "~")), this.options.segmentBytes ?? segmentBytes);
      this.actors.set(actor, files);
    }
    return files;
  }
}

type Task =
  | {
      readonly type: "write";
      readonly operations: readonly DiskOperation[];
      readonly done: () => void;
      readonly failed: (detail: string) => void;
    }
  | { readonly type: "recover"; readonly done: (recovered: Recovered) => void; readonly failed: (detail: string) => void };

type Write = Extract<Task, { type: "write" }>;

/** One actor's files, and the queue before them: all writes that wait while one is under way go to disk together in the next. */
class ActorFiles {
  private queue: Task[] = [];
  private running: Promise<void> | undefined;
  private logs = new Map<string, LogFiles>();
  private blobs: BlobFiles;
  /** After a failed write nobody knows what the files hold; they refuse until they have been read again. */
  private unusable: string | undefined = "the disk was not recovered yet";
  private closed = false;

  constructor(
    private readonly directory: string,
    private readonly segmentBytes: number,
  ) {
    this.blobs = new BlobFiles(directory);
  }

  recover(done: (recovered: Recovered) => void, failed: (detail: string) => void): void {
    this.enqueue({ type: "recover", done, failed });
  }

  write(operations: readonly DiskOperation[], done: () => void, failed: (detail: string) => void): void {
    this.enqueue({ type: "write", operations, done, failed });
  }

  async close(flush: boolean): Promise<void> {
    this.closed = true;
    if (!flush) this.queue = [];
    await this.running;
    await this.closeFiles();
  }

  private enqueue(task: Task): void {
    if (this.closed) return;
    this.queue.push(task);
    // Begun in a microtask, so that all that one turn of an actor asks for is one group.
    this.running ??= Promise.resolve().then(() => this.run());
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const first = this.queue[0]!;
      if (first.type === "recover") {
        this.queue.shift();
        await this.performRecovery(first);
        continue;
      }
      const next = this.queue.findIndex((task) => task.type === "recover");
      const group = this.queue.splice(0, next === -1 ? this.queue.length : next) as Write[];
      await this.performGroup(group);
    }
    this.running = undefined;
  }

  private async performGroup(group: readonly Write[]): Promise<void> {
    try {
      if (this.unusable !== undefined) throw new Error(this.unusable);
      await this.perform(group.flatMap((write) => write.operations));
    } catch (error) {
      const detail = (error as Error).message;
      this.unusable ??= `an earlier write failed: ${detail}`;
      for (const write of group) write.failed(detail);
      return;
    }
    for (const write of group) write.done();
  }

  private async perform(operations: readonly DiskOperation[]): Promise<void> {
    const appends = new Map<string, Uint8Array[]>();
    const flush = async () => {
      for (const [log, records] of appends) await (await this.log(log)).append(records);
      appends.clear();
    };
    for (const operation of operations) {
      switch (operation.type) {
        case "append": {
          const waiting = appends.get(operation.log);
          if (waiting) waiting.push(...operation.records);
          else appends.set(operation.log, [...operation.records]);
          break;
        }
        case "dropPrefix":
          await flush();
          await (await this.log(operation.log)).dropPrefix(operation.beforeIndex);
          break;
        case "writeBlob":
          if (operation.last) await flush();
          await this.blobs.write(operation.blob, operation.chunk, operation.last);
          break;
        case "deleteBlob":
          await flush();
          await this.blobs.delete(operation.blob);
          break;
        default:
          operation satisfies never;
      }
    }
    await flush();
  }

  private async log(name: string): Promise<LogFiles> {
    let files = this.logs.get(name);
    if (files === undefined) {
      files = (await LogFiles.open(this.directory, name, [], this.segmentBytes)).files;
      this.logs.set(name, files);
    }
    return files;
  }

  private async performRecovery(task: Extract<Task, { type: "recover" }>): Promise<void> {
    try {
      await this.closeFiles();
      this.blobs = new BlobFiles(this.directory);
      await makeDirectory(this.directory);
      const recovered = await this.readAll();
      this.unusable = undefined;
      task.done(recovered);
    } catch (error) {
      this.unusable = (error as Error).message;
      task.failed(this.unusable);
    }
  }

  private async readAll(): Promise<Recovered> {
    const segments = new Map<string, number[]>();
    const blobs = new Map<string, Uint8Array>();
    for (const file of (await readdir(this.directory)).sort()) {
      const segment = parseSegmentName(file);
      const blob = parseBlobName(file);
      if (segment) segments.set(segment.log, [...(segments.get(segment.log) ?? []), segment.firstIndex]);
      else if (blob !== undefined) blobs.set(blob, await this.blobs.read(blob));
      else if (isUnfinishedBlob(file)) await unlink(join(this.directory, file));
      else throw new Error(`${join(this.directory, file)}: not a file of this data directory: expected log.NAME.INDEX or blob.NAME`);
    }
    const logs = new Map<string, { firstIndex: number; records: Uint8Array[] }>();
    for (const [name, firstIndices] of segments) {
      const { files, recovered } = await LogFiles.open(this.directory, name, firstIndices, this.segmentBytes);
      this.logs.set(name, files);
      logs.set(name, recovered);
    }
    return { logs, blobs };
  }

  private async closeFiles(): Promise<void> {
    for (const log of this.logs.values()) await log.close();
    this.logs.clear();
    await this.blobs.close();
  }
}
