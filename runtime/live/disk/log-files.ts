import { type FileHandle, open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "./directory";
import { encodeFrame, type Frame, scanFrames } from "./frame";

/** A data file that cannot be what was written. Names the file and the byte offset. */
export class CorruptFile extends Error {
  constructor(
    readonly file: string,
    readonly offset: number,
    why: string,
  ) {
    super(`${file}: corrupt at byte ${offset}: ${why}`);
  }
}

interface Segment {
  readonly file: string;
  readonly firstIndex: number;
}

const pattern = /^log\.(.+)\.(\d{16})$/;

/** The log's name and first index that are in a segment's file name, or undefined where it is no segment. */
export function parseSegmentName(file: string): { readonly log: string; readonly firstIndex: number } | undefined {
  const match = pattern.exec(file);
  return match ? { log: decodeURIComponent(match[1]!), firstIndex: Number(match[2]) } : undefined;
}

/** One append log of one actor: segment files, of which only the last grows. */
export class LogFiles {
  private readonly segments: Segment[];
  private handle: FileHandle | undefined;
  private size = 0;
  private nextIndex = 1;
  private droppedBefore = 1;

  private constructor(
    private readonly directory: string,
    private readonly log: string,
    private readonly segmentBytes: number,
    segments: readonly Segment[],
  ) {
    this.segments = [...segments];
  }

  /** Opens a log with the segments found on disk, repairs a torn tail and reads all records. Throws CorruptFile. */
  static async open(directory: string, log: string, firstIndices: readonly number[], segmentBytes: number) {
    const name = (firstIndex: number) => `log.${encodeURIComponent(log)}.${String(firstIndex).padStart(16, "0")}`;
    const sorted = [...firstIndices].sort((a, b) => a - b).map((firstIndex) => ({ file: join(directory, name(firstIndex)), firstIndex }));
    const files = new LogFiles(directory, log, segmentBytes, sorted);
    try {
      return { files, recovered: await files.recover() };
    } catch (error) {
      await files.close();
      throw error;
    }
  }

  private async recover(): Promise<{ firstIndex: number; records: Uint8Array[] }> {
    const records: Uint8Array[] = [];
    let first = this.segments[0]?.firstIndex ?? 1;
    this.nextIndex = first;
    for (const [position, segment] of this.segments.entries()) {
      const isLast = position === this.segments.length - 1;
      if (segment.firstIndex !== this.nextIndex)
        throw new CorruptFile(segment.file, 0, `records ${this.nextIndex} to ${segment.firstIndex - 1} are missing: no file holds them`);
      const scan = scanFrames(await readFile(segment.file), segment.firstIndex);
      if (scan.state === "corrupt") throw new CorruptFile(segment.file, scan.offset, scan.why);
      if (scan.state === "torn" && !isLast)
        throw new CorruptFile(segment.file, scan.end, "the frame is cut short, though later files exist");
      for (const frame of scan.frames) {
        for (const record of frame.records) records.push(record);
        this.droppedBefore = Math.max(this.droppedBefore, frame.droppedBefore);
        this.nextIndex += frame.records.length;
      }
      if (isLast) await this.resume(segment, scan.end, scan.state === "torn");
    }
    if (first > this.droppedBefore) {
      const { file } = this.segments[0]!;
      throw new CorruptFile(file, 0, `records ${this.droppedBefore} to ${first - 1} are missing: no file holds them`);
    }
    records.splice(0, this.droppedBefore - first);
    first = this.droppedBefore;
    return { firstIndex: first, records };
  }

  private async resume(segment: Segment, end: number, torn: boolean): Promise<void> {
    this.handle = await open(segment.file, "r+");
    this.size = end;
    if (!torn) return;
    await this.handle.truncate(end);
    await this.handle.sync();
  }

  /** Writes the records as one frame and returns when they are on disk. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    await this.write({ firstIndex: this.nextIndex, records, droppedBefore: 0 });
    this.nextIndex += records.length;
  }

  /** Moves the log's beginning, durably, and then removes the segments that lie before it. */
  async dropPrefix(beforeIndex: number): Promise<void> {
    const before = Math.min(beforeIndex, this.nextIndex);
    if (before <= this.droppedBefore) return;
    await this.write({ firstIndex: this.nextIndex, records: [], droppedBefore: before });
    this.droppedBefore = before;
    let removed = false;
    while (this.segments.length > 1 && this.segments[1]!.firstIndex <= before) {
      await unlink(this.segments.shift()!.file);
      removed = true;
    }
    if (removed) await syncDirectory(this.directory);
  }

  private async write(frame: Frame): Promise<void> {
    const isFull = this.size >= this.segmentBytes && this.nextIndex > (this.segments.at(-1)?.firstIndex ?? 0);
    const isNew = this.handle === undefined || isFull;
    if (isNew) await this.roll();
    const bytes = encodeFrame(frame);
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.handle!.write(bytes, written, bytes.length - written, this.size + written);
      written += bytesWritten;
    }
    await this.handle!.datasync();
    if (isNew) await syncDirectory(this.directory);
    this.size += bytes.length;
  }

  private async roll(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
    const file = join(this.directory, `log.${encodeURIComponent(this.log)}.${String(this.nextIndex).padStart(16, "0")}`);
    // A segment of that name can only be an empty one, from a roll whose first write failed.
    this.handle = await open(file, "w+");
    if (this.segments.at(-1)?.file !== file) this.segments.push({ file, firstIndex: this.nextIndex });
    this.size = 0;
  }

  async close(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }
}
