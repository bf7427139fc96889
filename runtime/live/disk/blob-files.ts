import { type FileHandle, open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { syncDirectory } from "./directory";
import { CorruptFile } from "./log-files";

/** A blob's file ends in magic 4 · length 8 · CRC 4, so that a damaged one is found out. */
const trailerBytes = 16;
const magic = 0x5754_4231;

/** The blob's name that is in a file name, or undefined where it is no finished blob. */
export function parseBlobName(file: string): string | undefined {
  return file.startsWith("blob.") ? decodeURIComponent(file.slice("blob.".length)) : undefined;
}

/** True of a file in which a blob was being written when its writer ended. */
export function isUnfinishedBlob(file: string): boolean {
  return file.startsWith("part.");
}

/** The blobs of one actor. A blob is written aside and takes its name only when it is whole and on disk. */
export class BlobFiles {
  private readonly writing = new Map<string, { readonly handle: FileHandle; length: number; crc: number }>();

  constructor(private readonly directory: string) {}

  private file(blob: string): string {
    return join(this.directory, `blob.${encodeURIComponent(blob)}`);
  }
  private partFile(blob: string): string {
    return join(this.directory, `part.${encodeURIComponent(blob)}`);
  }

  /** Throws CorruptFile where the file's checksum does not match. */
  async read(blob: string): Promise<Uint8Array> {
    const file = this.file(blob);
    const bytes = await readFile(file);
    const end = bytes.length - trailerBytes;
    if (end < 0 || bytes.readUInt32BE(end) !== magic) throw new CorruptFile(file, Math.max(0, end), "the blob has no end mark");
    if (bytes.readBigUInt64BE(end + 4) !== BigInt(end))
      throw new CorruptFile(file, end, `the blob is ${end} bytes long, not what its end mark says`);
    if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end + 12))
      throw new CorruptFile(file, 0, `the checksum of bytes 0 to ${end - 1} does not match`);
    return new Uint8Array(bytes.subarray(0, end));
  }

  async write(blob: string, chunk: Uint8Array, last: boolean): Promise<void> {
    let part = this.writing.get(blob);
    if (part === undefined) {
      part = { handle: await open(this.partFile(blob), "w"), length: 0, crc: 0 };
      this.writing.set(blob, part);
    }
    await part.handle.appendFile(chunk);
    part.length += chunk.length;
    part.crc = crc32(chunk, part.crc);
    if (!last) return;
    const trailer = Buffer.alloc(trailerBytes);
    trailer.writeUInt32BE(magic, 0);
    trailer.writeBigUInt64BE(BigInt(part.length), 4);
    trailer.writeUInt32BE(part.crc, 12);
    await part.handle.appendFile(trailer);
    await part.handle.sync();
    await part.handle.close();
    this.writing.delete(blob);
    await rename(this.partFile(blob), this.file(blob));
    await syncDirectory(this.directory);
  }

  async delete(blob: string): Promise<void> {
    await this.writing.get(blob)?.handle.close();
    this.writing.delete(blob);
    await unlink(this.file(blob)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await syncDirectory(this.directory);
  }

  async close(): Promise<void> {
    for (const part of this.writing.values()) await part.handle.close();
    this.writing.clear();
  }
}
