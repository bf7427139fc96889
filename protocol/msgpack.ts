import { depthMax, notPlain, Reader } from "./msgpack-reader";

/**
 * Msgpack for the plain values that messages are made of: numbers, strings, booleans, null, undefined, bytes, arrays and records. Byte for byte what the
 * general codec writes, without what that does for classes and extensions: in a simulation, every other microsecond would go there. What is anything
 * else, too deep or not well-formed is left to the general codec, and so are its errors.
 */

/** Bytes of one slab, from which messages are cut. */
const slabBytes = 16_384;
/** A longer message gets memory of its own, so that whoever keeps a short one keeps no long one with it. */
const ownBytes = 2_048;

class Writer {
  private room = Buffer.allocUnsafeSlow(65_536);
  private view = new DataView(this.room.buffer);
  private at = 0;
  private depth = 0;
  private slab = new Uint8Array(slabBytes);
  private slabAt = 0;

  write(value: unknown): Uint8Array | undefined {
    this.at = 0;
    this.depth = 0;
    try {
      this.value(value);
    } catch (error) {
      if (error === notPlain) return undefined;
      throw error;
    }
    return this.cut();
  }

  /** What was written, as bytes that nobody else writes to. */
  private cut(): Uint8Array {
    const { at, room } = this;
    if (at > ownBytes) return Uint8Array.prototype.slice.call(new Uint8Array(room.buffer, 0, at));
    if (this.slabAt + at > slabBytes) {
      this.slab = new Uint8Array(slabBytes);
      this.slabAt = 0;
    }
    const bytes = new Uint8Array(this.slab.buffer, this.slabAt, at);
    this.slabAt += at;
    if (at > 48) bytes.set(new Uint8Array(room.buffer, 0, at));
    else for (let i = 0; i < at; i++) bytes[i] = room[i]!;
    return bytes;
  }

  private grow(bytes: number): void {
    const { room } = this;
    this.room = Buffer.allocUnsafeSlow(Math.max(room.length * 2, this.at + bytes + 1_024));
    this.room.set(room);
    this.view = new DataView(this.room.buffer);
  }

  private value(value: unknown): void {
    if (this.at + 16 > this.room.length) this.grow(16);
    switch (typeof value) {
      case "string":
        return this.string(value);
      case "number":
        return this.number(value);
      case "boolean":
        this.room[this.at++] = value ? 0xc3 : 0xc2;
        return;
      case "undefined":
        this.room[this.at++] = 0xd4;
        this.room[this.at++] = 0;
        this.room[this.at++] = 0;
        return;
      case "object":
        if (value === null) this.room[this.at++] = 0xc0;
        else if (Array.isArray(value)) this.list(value);
        else this.object(value);
        return;
      default:
        throw notPlain;
    }
  }

  private object(value: object): void {
    const made: unknown = value.constructor;
    if (made === Object) this.record(value as Readonly<Record<string, unknown>>);
    else if (made === Uint8Array || made === Buffer) this.bytes(value as Uint8Array);
    else throw notPlain;
  }

  private record(value: Readonly<Record<string, unknown>>): void {
    if (++this.depth > depthMax) throw notPlain;
    const keys = Object.keys(value);
    this.start(0x80, 0xde, keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      this.string(key);
      this.value(value[key]);
    }
    this.depth--;
  }

  private list(value: readonly unknown[]): void {
    const made: unknown = value.constructor;
    if (made !== Array || ++this.depth > depthMax) throw notPlain;
    this.start(0x90, 0xdc, value.length);
    for (let i = 0; i < value.length; i++) this.value(value[i]);
    this.depth--;
  }

  /** The head of a list or a record: `small` with a length under 16 in it, or the byte for 16 bits of length, or the next one for 32. */
  private start(small: number, wide: number, length: number): void {
    if (length < 16) {
      this.room[this.at++] = small | length;
    } else if (length < 0x10000) {
      this.room[this.at++] = wide;
      this.room[this.at++] = length >> 8;
      this.room[this.at++] = length & 0xff;
    } else {
      this.room[this.at++] = wide + 1;
      this.view.setUint32(this.at, length);
      this.at += 4;
    }
  }

  private number(value: number): void {
    const { room } = this;
    if (value >>> 0 === value) {
      if (value < 0x80) room[this.at++] = value;
      else if (value < 0x100) {
        room[this.at++] = 0xcc;
        room[this.at++] = value;
      } else if (value < 0x10000) {
        room[this.at++] = 0xcd;
        room[this.at++] = value >> 8;
        room[this.at++] = value & 0xff;
      } else {
        room[this.at++] = 0xce;
        this.view.setUint32(this.at, value);
        this.at += 4;
      }
    } else if (value >> 0 === value) {
      if (value >= -0x20) room[this.at++] = 0x100 + value;
      else if (value >= -0x80) {
        room[this.at++] = 0xd0;
        room[this.at++] = value + 0x100;
      } else if (value >= -0x8000) {
        room[this.at++] = 0xd1;
        this.view.setInt16(this.at, value);
        this.at += 2;
      } else {
        room[this.at++] = 0xd2;
        this.view.setInt32(this.at, value);
        this.at += 4;
      }
    } else {
      room[this.at++] = 0xcb;
      this.view.setFloat64(this.at, value);
      this.at += 8;
    }
  }

  private string(value: string): void {
    const { length } = value;
    const bytesMax = length * 3 + 5;
    if (this.at + bytesMax > this.room.length) this.grow(bytesMax);
    if (length < 64) {
      const { room } = this;
      const start = this.at;
      // Most are ASCII, whose head is known beforehand.
      let at = start + (length < 0x20 ? 1 : 2);
      let all = 0;
      for (let i = 0; i < length; i++) {
        const code = value.charCodeAt(i);
        all |= code;
        room[at++] = code;
      }
      if (all < 0x80) {
        if (length < 0x20) room[start] = 0xa0 | length;
        else {
          room[start] = 0xd9;
          room[start + 1] = length;
        }
        this.at = at;
        return;
      }
      // The general codec writes half of a pair in a short string as it is, and in a long one as U+FFFD.
      if (/[\ud800-\udfff]/.test(value)) throw notPlain;
    }
    this.longString(value);
  }

  private longString(value: string): void {
    const guess = headOf(value.length);
    const start = this.at;
    const length = this.room.write(value, start + guess, "utf8");
    const head = headOf(length);
    if (head !== guess) this.room.copyWithin(start + head, start + guess, start + guess + length);
    if (head === 1) this.room[start] = 0xa0 | length;
    else if (head === 2) {
      this.room[start] = 0xd9;
      this.room[start + 1] = length;
    } else if (head === 3) {
      this.room[start] = 0xda;
      this.view.setUint16(start + 1, length);
    } else {
      this.room[start] = 0xdb;
      this.view.setUint32(start + 1, length);
    }
    this.at = start + head + length;
  }

  private bytes(value: Uint8Array): void {
    const { length } = value;
    if (this.at + length + 5 > this.room.length) this.grow(length + 5);
    const { room } = this;
    if (length < 0x100) {
      room[this.at++] = 0xc4;
      room[this.at++] = length;
    } else if (length < 0x10000) {
      room[this.at++] = 0xc5;
      room[this.at++] = length >> 8;
      room[this.at++] = length & 0xff;
    } else {
      room[this.at++] = 0xc6;
      this.view.setUint32(this.at, length);
      this.at += 4;
    }
    if (length > 48) room.set(value, this.at);
    else for (let i = 0; i < length; i++) room[this.at + i] = value[i]!;
    this.at += length;
  }
}

/** How many bytes say how long a string of so many bytes is. */
function headOf(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}

const writer = new Writer();
const reader = new Reader();

/** The value as msgpack bytes, which nobody else writes to; undefined for what is not plain. */
export function writePlain(value: unknown): Uint8Array | undefined {
  return writer.write(value);
}

/** The value of those bytes, wherein bytes are copies; undefined for what is not plain or not well-formed. */
export function readPlain(bytes: Uint8Array): { readonly value: unknown } | undefined {
  return reader.read(bytes);
}
