import { crc32 } from "node:zlib";
import type { Address } from "../../protocol/address";
import type { DiskOperation, Recovered } from "../actor";
import type { Disk, Random } from "../world";
import type { EventHeap } from "./event-heap";
import { StoredBytes } from "./stored-bytes";

interface Log {
  firstIndex: number;
  records: Uint8Array[];
  /** Of records that may have been damaged: the checksums that were stored with them, by index. */
  readonly checksums: Map<number, number>;
}

interface Files {
  readonly logs: Map<string, Log>;
  readonly blobs: Map<string, Uint8Array>;
  /** Of blobs that have been damaged: the checksums that were stored with them. */
  readonly blobChecksums: Map<string, number>;
  /** Chunks of blobs that are not whole yet. */
  readonly chunks: Map<string, Uint8Array[]>;
}

type Job =
  | {
      readonly type: "write";
      readonly actor: Address;
      readonly operations: readonly DiskOperation[];
      readonly done: () => void;
      readonly failed: (detail: string) => void;
    }
  | {
      readonly type: "read";
      readonly actor: Address;
      readonly done: (recovered: Recovered) => void;
      readonly failed: (detail: string) => void;
    };

/** What a disk can suffer. All of it can be undone by setting the field back. */
export interface DiskFaults {
  /** A sync takes this many times as long; Infinity stalls the disk until it is set back. */
  slowdown: number;
  full: boolean;
  /** Chance that a write is refused with an input/output error. */
  errorProbability: number;
  /** Chance that of what was under way at a crash a part reached the disk, in order. */
  tornProbability: number;
  /** Chance that of a record or blob that is written one bit is stored wrong. Nobody notices until it is read again. */
  corruptProbability: number;
  /** Chance that a record is stored over an earlier one of its log, and its own place keeps what was there before: nothing that makes sense. */
  misdirectProbability: number;
}

/** What a sync takes at least, in microseconds. */
export const defaultSyncUs = 800;

/** One host's disk. Writes wait for a sync that serves all that wait by then; what was not synced when the host crashes is lost. */
export class SimulatedDisk implements Disk {
  private readonly files = new Map<Address, Files>();
  /** After a failed write nobody knows what the files hold: an actor's writes are refused until it has recovered, as on the live disk. */
  private readonly unusable = new Map<Address, string>();
  private waiting: Job[] = [];
  private syncing: Job[] = [];
  private busy = false;
  private life = 0;
  private syncs = 0;
  private stored = 0;
  readonly faults: DiskFaults = {
    slowdown: 1,
    full: false,
    errorProbability: 0,
    tornProbability: 0.5,
    corruptProbability: 0,
    misdirectProbability: 0,
  };
  readonly counts = { syncs: 0, lostWrites: 0, tornWrites: 0, failedWrites: 0, corruptedWrites: 0, misdirectedWrites: 0 };

  constructor(
    private readonly host: string,
    private readonly heap: EventHeap,
    private readonly random: Random,
    private readonly syncUs = defaultSyncUs,
    private readonly bytes = new StoredBytes(),
  ) {}

  /** Fails where a checksum does not match, and says where: what a damaged disk holds is not to be believed. */
  recover(actor: Address, done: (recovered: Recovered) => void, failed: (detail: string) => void): void {
    this.add({ type: "read", actor, done, failed });
  }

  write(actor: Address, operations: readonly DiskOperation[], done: () => void, failed: (detail: string) => void): void {
    this.add({ type: "write", actor, operations, done, failed });
  }

  /** The host lost power or its process was killed: what was not synced is gone, but for a part of it where writes are torn. */
  crash(): void {
    this.life++;
    const underWay = [...this.syncing, ...this.waiting];
    this.syncing = [];
    this.waiting = [];
    this.busy = false;
    const torn = this.random.draw(this.host, "torn", this.life) < this.faults.tornProbability;
    let survivors = torn ? Math.floor(this.random.draw(this.host, "torn length", this.life) * (underWay.length + 1)) : 0;
    for (const job of underWay) {
      if (job.type !== "write" || this.unusable.has(job.actor)) continue;
      if (survivors-- > 0) {
        this.counts.tornWrites++;
        for (const operation of job.operations) this.apply(job.actor, operation);
      } else this.counts.lostWrites++;
    }
    for (const files of this.files.values()) files.chunks.clear();
  }

  /** Everything on it is gone, as after a disk was replaced. */
  wipe(): void {
    this.files.clear();
  }

  /** Puts these on it at once, as somebody does who prepares the disk of a machine that does not run. */
  provision(actor: Address, operations: readonly DiskOperation[]): void {
    for (const operation of operations) this.apply(actor, operation);
  }

  /** Takes effect of changed faults, such as the end of a stall. */
  resume(): void {
    if (!this.busy) this.next();
  }

  /** What an actor would find now; for checks. */
  peek(actor: Address): Recovered {
    const files = this.of(actor);
    return {
      logs: new Map([...files.logs].map(([name, log]) => [name, { firstIndex: log.firstIndex, records: [...log.records] }])),
      blobs: new Map(files.blobs),
    };
  }

  private add(job: Job): void {
    this.waiting.push(job);
    if (!this.busy) this.next();
  }

  private next(): void {
    if (this.waiting.length === 0 || this.faults.slowdown === Number.POSITIVE_INFINITY) return;
    this.busy = true;
    this.syncing = this.waiting;
    this.waiting = [];
    this.syncs++;
    const { life } = this;
    let bytes = 0;
    for (const job of this.syncing) if (job.type === "write") for (const operation of job.operations) bytes += sizeOf(operation);
    const jitter = 1 + this.random.draw(this.host, "sync", this.syncs) * 0.5;
    const delayUs = Math.floor((this.syncUs * jitter + bytes / 200) * this.faults.slowdown);
    this.heap.after(delayUs, () => {
      if (this.life === life) this.finish();
    });
  }

  private finish(): void {
    const jobs = this.syncing;
    this.syncing = [];
    this.busy = false;
    this.counts.syncs++;
    for (const [i, job] of jobs.entries()) {
      if (job.type === "read") {
        // Half a blob of an earlier life must not be joined to a new one.
        this.of(job.actor).chunks.clear();
        const damage = damageIn(this.of(job.actor));
        if (damage !== null) {
          this.unusable.set(job.actor, damage);
          job.failed(`${this.host}: ${damage}`);
          continue;
        }
        this.unusable.delete(job.actor);
        job.done(this.peek(job.actor));
      } else {
        const refused = this.unusable.get(job.actor) ?? this.refusal(i);
        if (refused !== null) {
          this.unusable.set(job.actor, refused.startsWith("an earlier") ? refused : `an earlier write failed: ${refused}`);
          this.counts.failedWrites++;
          job.failed(refused);
        } else {
          for (const operation of job.operations) this.apply(job.actor, operation);
          job.done();
        }
      }
    }
    if (!this.busy) this.next();
  }

  private refusal(index: number): string | null {
    if (this.faults.full) return "no space left on device";
    if (this.faults.errorProbability === 0) return null;
    return this.random.draw(`${this.host} ${this.syncs}`, "disk error", index) < this.faults.errorProbability ? "input/output error" : null;
  }

  private apply(actor: Address, operation: DiskOperation): void {
    const files = this.of(actor);
    switch (operation.type) {
      case "append": {
        const log = files.logs.get(operation.log) ?? { firstIndex: 1, records: [], checksums: new Map() };
        files.logs.set(operation.log, log);
        for (const record of operation.records) this.store(log, this.bytes.keep(record));
        return;
      }
      case "dropPrefix": {
        const log = files.logs.get(operation.log);
        if (log === undefined) return;
        const drop = Math.min(Math.max(operation.beforeIndex - log.firstIndex, 0), log.records.length);
        log.records.splice(0, drop);
        log.firstIndex += drop;
        return;
      }
      case "writeBlob": {
        const chunks = files.chunks.get(operation.blob) ?? [];
        chunks.push(operation.chunk);
        if (operation.last) {
          const bytes = this.bytes.keep(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
          files.blobs.set(operation.blob, this.faultStrikes("corrupt") ? this.flipped(bytes) : bytes);
          if (files.blobs.get(operation.blob) === bytes) files.blobChecksums.delete(operation.blob);
          else files.blobChecksums.set(operation.blob, crc32(bytes));
          files.chunks.delete(operation.blob);
        } else files.chunks.set(operation.blob, chunks);
        return;
      }
      case "deleteBlob":
        files.blobs.delete(operation.blob);
        files.blobChecksums.delete(operation.blob);
        files.chunks.delete(operation.blob);
        return;
      default:
        return operation satisfies never;
    }
  }

  /** Puts a record at the end of a log, or what a fault makes of that. */
  private store(log: Log, record: Uint8Array): void {
    const index = log.firstIndex + log.records.length;
    if (this.faultStrikes("misdirect") && log.records.length > 0) {
      this.counts.misdirectedWrites++;
      const over = Math.floor(this.random.draw(this.host, "misdirected to", this.stored) * log.records.length);
      const struck = log.firstIndex + over;
      if (!log.checksums.has(struck)) log.checksums.set(struck, crc32(log.records[over]!));
      log.records[over] = record;
      log.records.push(new Uint8Array(record.length));
      log.checksums.set(index, crc32(record));
    } else if (this.faultStrikes("corrupt")) {
      log.records.push(this.flipped(record));
      log.checksums.set(index, crc32(record));
    } else log.records.push(record);
  }

  private faultStrikes(fault: "corrupt" | "misdirect"): boolean {
    const probability = fault === "corrupt" ? this.faults.corruptProbability : this.faults.misdirectProbability;
    return probability > 0 && this.random.draw(this.host, fault, this.stored++) < probability;
  }

  /** A copy with one bit changed. */
  private flipped(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    this.counts.corruptedWrites++;
    const bit = Math.floor(this.random.draw(this.host, "corrupted bit", this.stored) * bytes.length * 8);
    const copy = Uint8Array.from(bytes);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return copy;
  }

  private of(actor: Address): Files {
    let files = this.files.get(actor);
    if (files === undefined)
      this.files.set(actor, (files = { logs: new Map(), blobs: new Map(), blobChecksums: new Map(), chunks: new Map() }));
    return files;
  }
}

/** Where what is stored does not match its checksum; null where all is well. */
function damageIn({ logs, blobs, blobChecksums }: Files): string | null {
  for (const [name, { firstIndex, records, checksums }] of logs)
    for (const [index, checksum] of checksums)
      if (index >= firstIndex && crc32(records[index - firstIndex]!) !== checksum)
        return `log ${name}: corrupt at record ${index}: the checksum does not match`;
  for (const [name, checksum] of blobChecksums)
    if (crc32(blobs.get(name)!) !== checksum) return `blob ${name}: corrupt: the checksum does not match`;
  return null;
}

function sizeOf(operation: DiskOperation): number {
  if (operation.type === "append") return operation.records.reduce((sum, record) => sum + record.length, 0);
  return operation.type === "writeBlob" ? operation.chunk.length : 0;
}
