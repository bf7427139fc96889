import { crc32 } from "node:zlib";

/**
 * A log on disk is frames, one for each group of records that was written and synced together:
 * magic 4 · body length 4 · index of the first record 8 · record count 4 · dropped before 8 · CRC of the body 4 · CRC of this header 4 · body.
 * The body is each record with its length (4) in front. A frame with no records only moves the log's beginning ("dropped before").
 * Since a group is synced before the next one is written, only the last frame of a log may ever be incomplete.
 */
export const headerBytes = 36;
const magic = 0x57544c31;
const sectorBytes = 512;

export interface Frame {
  readonly firstIndex: number;
  readonly records: readonly Uint8Array[];
  /** Records before this index are gone; 0 says nothing about it. */
  readonly droppedBefore: number;
}

export function encodeFrame(frame: Frame): Buffer {
  let bodyLength = 0;
  for (const record of frame.records) bodyLength += 4 + record.length;
  const bytes = Buffer.allocUnsafe(headerBytes + bodyLength);
  let at = headerBytes;
  for (const record of frame.records) {
    at = bytes.writeUInt32BE(record.length, at);
    bytes.set(record, at);
    at += record.length;
  }
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32BE(bodyLength, 4);
  bytes.writeBigUInt64BE(BigInt(frame.firstIndex), 8);
  bytes.writeUInt32BE(frame.records.length, 16);
  bytes.writeBigUInt64BE(BigInt(frame.droppedBefore), 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(headerBytes)), 28);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 32)), 32);
  return bytes;
}

type Read =
  | { readonly ok: true; readonly frame: Frame; readonly end: number }
  /** `isCut`: the bytes end before the frame does. */
  | { readonly ok: false; readonly why: string; readonly isCut: boolean };

function bad(why: string, isCut = false): Read {
  return { ok: false, why, isCut };
}

function readFrame(bytes: Buffer, at: number): Read {
  if (bytes.length - at < headerBytes) return bad("the frame's header is cut short", true);
  if (bytes.readUInt32BE(at) !== magic) return bad("no frame begins here");
  if (crc32(bytes.subarray(at, at + 32)) !== bytes.readUInt32BE(at + 32)) return bad("the header's checksum does not match");
  const body = at + headerBytes;
  const end = body + bytes.readUInt32BE(at + 4);
  if (end > bytes.length) return bad("the frame is cut short", true);
  if (crc32(bytes.subarray(body, end)) !== bytes.readUInt32BE(at + 28)) return bad("the body's checksum does not match");
  const count = bytes.readUInt32BE(at + 16);
  const records: Uint8Array[] = [];
  for (let next = body; records.length < count; ) {
    const length = bytes.readUInt32BE(next);
    records.push(new Uint8Array(bytes.subarray(next + 4, next + 4 + length)));
    next += 4 + length;
  }
  const frame = { firstIndex: Number(bytes.readBigUInt64BE(at + 8)), records, droppedBefore: Number(bytes.readBigUInt64BE(at + 20)) };
  return { ok: true, frame, end };
}

/** What a segment's bytes hold. `end` is where the last good frame ends; "torn" means that only bytes of one unfinished write follow. */
export type Scan =
  | { readonly state: "whole" | "torn"; readonly frames: readonly Frame[]; readonly end: number }
  | { readonly state: "corrupt"; readonly offset: number; readonly why: string };

/**
 * Reads the frames of a segment, the first of which must begin with record `firstIndex`. A bad frame with a good one behind it was once
 * whole and has been damaged. With nothing good behind it, it is the end of a write that a crash cut off if bytes are missing, at its end or as
 * sectors that were never written; if all are there, it has been damaged too, and may have been acknowledged.
 */
export function scanFrames(bytes: Buffer, firstIndex: number): Scan {
  const frames: Frame[] = [];
  let at = 0;
  let next = firstIndex;
  while (at < bytes.length) {
    const read = readFrame(bytes, at);
    if (!read.ok) {
      const torn = (read.isCut || hasBlankSector(bytes, at)) && !goodFrameAfter(bytes, at);
      return torn ? { state: "torn", frames, end: at } : { state: "corrupt", offset: at, why: read.why };
    }
    if (read.frame.firstIndex !== next)
      return { state: "corrupt", offset: at, why: `the frame begins with record ${read.frame.firstIndex}, expected ${next}` };
    frames.push(read.frame);
    next += read.frame.records.length;
    at = read.end;
  }
  return { state: "whole", frames, end: at };
}

function goodFrameAfter(bytes: Buffer, bad: number): boolean {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(magic);
  for (let at = bytes.indexOf(mark, bad + 1); at !== -1; at = bytes.indexOf(mark, at + 1)) if (readFrame(bytes, at).ok) return true;
  return false;
}

/** A file that has grown holds zeros where its new bytes never reached the disk; disks write whole sectors. */
function hasBlankSector(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; ) {
    const end = Math.min(bytes.length, at - (at % sectorBytes) + sectorBytes);
    if (bytes.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
