import { crc32 } from "node:zlib";
import type { Entry } from "../files";

/**
 * Archives as tar writes them: blocks of 512 bytes, a header before each file's bytes, two empty blocks at the end. Written is POSIX ustar, with
 * GNU's extra header for names that do not fit; read are ustar, GNU's long names and pax headers. Source: POSIX pax, "ustar Interchange Format".
 */
const blockBytes = 512;
const latin = new TextDecoder("latin1");
const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** The longest header that goes before a file to say more of it: names and links are no longer than paths. */
const extensionBytesMax = 64 * 1024;

/** One file's header and bytes, filled up to whole blocks. A directory's name ends with "/". */
export function archived(name: string, entry: Entry): readonly Uint8Array[] {
  const path = encoder.encode(name);
  const target = encoder.encode(entry.is === "link" ? entry.target : "");
  const before: Uint8Array[] = [];
  const slash = splitAt(path);
  if (slash === undefined) before.push(...extension("L", path));
  if (target.length > 100) before.push(...extension("K", target));
  const [prefix, last] = slash === undefined || slash < 0 ? [nothing, path] : [path.subarray(0, slash), path.subarray(slash + 1)];
  const size = entry.is === "file" ? entry.size : 0;
  const type = entry.is === "file" ? "0" : entry.is === "directory" ? "5" : "2";
  const head = header({ name: last, prefix, target, type, size, mode: entry.mode, mtimeS: entry.mtimeS });
  return [...before, head, ...(entry.is === "file" ? [...entry.parts, padding(size)] : [])];
}

/** What ends an archive; tar fills it up to 20 blocks, which nobody needs. */
export const archiveEnd = () => new Uint8Array(2 * blockBytes);

const nothing = new Uint8Array(0);
const padding = (size: number) => new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);

/** Where a path is cut in prefix and name: -1 where the name alone will do, undefined where neither will. */
function splitAt(path: Uint8Array): number | undefined {
  if (path.length <= 100) return -1;
  for (let at = path.length - 101; at <= Math.min(155, path.length - 2); at++) if (at > 0 && path[at] === 0x2f) return at;
  return undefined;
}

function extension(type: "L" | "K", text: Uint8Array): readonly Uint8Array[] {
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  const name = encoder.encode("././@LongLink");
  return [
    header({ name, prefix: nothing, target: nothing, type, size: bytes.length, mode: 0o644, mtimeS: 0 }),
    bytes,
    padding(bytes.length),
  ];
}

interface Header {
  readonly name: Uint8Array;
  readonly prefix: Uint8Array;
  readonly target: Uint8Array;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly mtimeS: number;
}

function header({ name, prefix, target, type, size, mode, mtimeS }: Header): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const octal = (value: number, at: number, digits: number) =>
    block.set(encoder.encode(Math.max(0, Math.floor(value)).toString(8).padStart(digits, "0").slice(-digits)), at);
  block.set(name.subarray(0, 100));
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(mtimeS, 136, 11);
  block.set(encoder.encode(type), 156);
  block.set(target.subarray(0, 100), 157);
  block.set(encoder.encode("ustar\x0000root"), 257);
  block.set(encoder.encode("root"), 297);
  octal(0, 329, 7);
  octal(0, 337, 7);
  block.set(prefix.subarray(0, 155), 345);
  octal(sumOf(block), 148, 6);
  block[155] = 0x20;
  return block;
}

/** The sum of a header, its own field taken for spaces. */
function sumOf(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += at >= 148 && at < 156 ? 0x20 : block[at]!;
  return sum;
}

/** What an archive holds at one place; other kinds of files than these are "other". */
export interface Member {
  readonly name: string;
  readonly is: "file" | "directory" | "link" | "hardLink" | "other";
  readonly target: string;
  readonly mode: number;
  readonly mtimeS: number;
  readonly bytes: Uint8Array;
}

export type ArchiveError = "invalid tar magic" | "short read" | "invalid tar header checksum" | "file is too large";

/** Reads an archive in the pieces in which it comes. `sizeMax` bounds one file. */
export class ArchiveReader {
  private held: Uint8Array = nothing;
  private readonly pieces: Uint8Array[] = [];
  private pending = 0;
  private names: { readonly path?: string; readonly target?: string; readonly size?: number } = {};
  /** The archive's own end has been read: what comes after means nothing. */
  done = false;

  constructor(private readonly sizeMax: number) {}

  /** The members that are whole now. */
  take(bytes: Uint8Array): readonly Member[] | ArchiveError {
    if (this.done) return [];
    this.pieces.push(bytes);
    this.pending += bytes.length;
    // A large file comes in many pieces: they are joined once it can be whole.
    if (this.held.length + this.pending < this.needed) return [];
    const whole = new Uint8Array(this.held.length + this.pending);
    whole.set(this.held);
    let at = this.held.length;
    for (const piece of this.pieces.splice(0)) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.pending = 0;
    this.held = whole;
    return this.members();
  }

  /** Whether bytes are missing should nothing more come. */
  get short(): boolean {
    return !this.done && this.held.length + this.pending > 0;
  }

  private needed = blockBytes;

  private members(): readonly Member[] | ArchiveError {
    const members: Member[] = [];
    let at = 0;
    this.needed = blockBytes;
    while (this.held.length - at >= blockBytes) {
      const block = this.held.subarray(at, at + blockBytes);
      if (block.every((byte) => byte === 0)) {
        this.done = true;
        this.held = nothing;
        return members;
      }
      if (latin.decode(block.subarray(257, 262)) !== "ustar") return "invalid tar magic";
      if (octalOf(block, 148, 8) !== sumOf(block)) return "invalid tar header checksum";
      const type = String.fromCharCode(block[156]!);
      const extends_ = "LKxg".includes(type);
      const size = hasBytes(type) ? ((extends_ ? undefined : this.names.size) ?? octalOf(block, 124, 12)) : 0;
      if (size > (extends_ ? extensionBytesMax : this.sizeMax)) return "file is too large";
      const length = blockBytes + size + padding(size).length;
      if (this.held.length - at < length) {
        this.needed = length;
        break;
      }
      const bytes = this.held.slice(at + blockBytes, at + blockBytes + size);
      at += length;
      if (type === "L") this.names = { ...this.names, path: textOf(bytes) };
      else if (type === "K") this.names = { ...this.names, target: textOf(bytes) };
      else if (type === "x") this.names = { ...this.names, ...paxOf(bytes) };
      else if (type !== "g") {
        members.push(memberOf(block, type, bytes, this.names));
        this.names = {};
      }
    }
    this.held = this.held.slice(at);
    return members;
  }
}

/** Which types are followed by bytes; links and directories are not, whatever their size says. */
const hasBytes = (type: string) => !"123456".includes(type);

function memberOf(block: Uint8Array, type: string, bytes: Uint8Array, names: { readonly path?: string; readonly target?: string }): Member {
  // GNU keeps other things where ustar has the prefix.
  const prefix = block[262] === 0 ? textOf(block.subarray(345, 500)) : "";
  const own = textOf(block.subarray(0, 100));
  const name = names.path ?? (prefix === "" ? own : `${prefix}/${own}`);
  const file = type === "0" || type === "\0" || type === "7";
  return {
    name,
    // Archives from before ustar mark a directory by its name alone.
    is:
      type === "5" || (file && name.endsWith("/"))
        ? "directory"
        : file
          ? "file"
          : type === "2"
            ? "link"
            : type === "1"
              ? "hardLink"
              : "other",
    target: names.target ?? textOf(block.subarray(157, 257)),
    mode: octalOf(block, 100, 8) & 0o7777,
    mtimeS: octalOf(block, 136, 12),
    bytes,
  };
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A number in octal digits, or, with the first bit set, in binary as GNU writes large ones. */
function octalOf(block: Uint8Array, at: number, length: number): number {
  if (block[at]! >= 0x80) return block.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, block[at]! & 0x7f);
  const digits = /^ *([0-7]*)/.exec(latin.decode(block.subarray(at, at + length)))![1]!;
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The records of a pax header, "27 path=some/long/name\n", as far as they are understood. */
function paxOf(bytes: Uint8Array): { readonly path?: string; readonly target?: string; readonly size?: number } {
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? 0 : Number(latin.decode(bytes.subarray(at, space)));
    if (!Number.isSafeInteger(length) || length < 3 || at + length > bytes.length) break;
    const record = utf8.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) found.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  const size = Number(found.get("size"));
  return {
    ...(found.has("path") ? { path: found.get("path")! } : {}),
    ...(found.has("linkpath") ? { target: found.get("linkpath")! } : {}),
    ...(found.has("size") && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
  };
}

/**
 * Bytes in the form of gzip, stored as they are: nothing is gained by making them shorter, and no two versions of a library
 * store them differently. Source: RFC 1951, 3.2.4, and RFC 1952.
 */
export function zipped(bytes: Uint8Array): Uint8Array {
  const storedMax = 65_535;
  const blocks = Math.max(1, Math.ceil(bytes.length / storedMax));
  const out = new Uint8Array(10 + blocks * 5 + bytes.length + 8);
  out.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const view = new DataView(out.buffer);
  let at = 10;
  for (let block = 0; block < blocks; block++) {
    const piece = bytes.subarray(block * storedMax, (block + 1) * storedMax);
    out[at] = block === blocks - 1 ? 1 : 0;
    view.setUint16(at + 1, piece.length, true);
    view.setUint16(at + 3, ~piece.length & 0xffff, true);
    out.set(piece, at + 5);
    at += 5 + piece.length;
  }
  view.setUint32(at, crc32(bytes), true);
  view.setUint32(at + 4, bytes.length >>> 0, true);
  return out;
}
