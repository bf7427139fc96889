/** Thrown at what is not plain; never leaves the codec of plain values. */
export const notPlain = new Error("not plain");
/** How deep lists and records may stand in each other. */
export const depthMax = 64;

/** Of short strings, the last one of each hash is kept: keys, kinds and addresses come again and again. */
const cachedStrings = 4_096;

/** Reads plain values, as msgpack.ts says, of which one is in use at a time. */
export class Reader {
  private from: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private depth = 0;
  private readonly strings: string[] = new Array<string>(cachedStrings).fill("");

  read(bytes: Uint8Array): { readonly value: unknown } | undefined {
    // A plain view: a Buffer's slice makes Buffers, one call of its constructor for each field that holds bytes.
    this.from = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
    this.depth = 0;
    try {
      const value = this.value();
      return this.at === this.end ? { value } : undefined;
    } catch (error) {
      if (error === notPlain) return undefined;
      throw error;
    }
  }

  private value(): unknown {
    if (this.at >= this.end) throw notPlain;
    const first = this.from[this.at++]!;
    if (first < 0x80) return first;
    if (first < 0x90) return this.record(first & 0x0f);
    if (first < 0xa0) return this.list(first & 0x0f);
    if (first < 0xc0) return this.string(first & 0x1f);
    if (first >= 0xe0) return first - 0x100;
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.bytes(this.number(1));
      case 0xc5:
        return this.bytes(this.number(2));
      case 0xc6:
        return this.bytes(this.number(4));
      case 0xcb:
        return this.float();
      case 0xcc:
        return this.number(1);
      case 0xcd:
        return this.number(2);
      case 0xce:
        return this.number(4);
      case 0xd0:
        return (this.number(1) << 24) >> 24;
      case 0xd1:
        return (this.number(2) << 16) >> 16;
      case 0xd2:
        return this.number(4) | 0;
      case 0xd4:
        // The extension by which "undefined" is said.
        if (this.number(2) !== 0) throw notPlain;
        return undefined;
      case 0xd9:
        return this.string(this.number(1));
      case 0xda:
        return this.string(this.number(2));
      case 0xdb:
        return this.string(this.number(4));
      case 0xdc:
        return this.list(this.number(2));
      case 0xdd:
        return this.list(this.number(4));
      case 0xde:
        return this.record(this.number(2));
      case 0xdf:
        return this.record(this.number(4));
      default:
        throw notPlain;
    }
  }

  /** An unsigned number of so many bytes. */
  private number(width: 1 | 2 | 4): number {
    const { from, at } = this;
    if (at + width > this.end) throw notPlain;
    this.at = at + width;
    if (width === 1) return from[at]!;
    if (width === 2) return (from[at]! << 8) | from[at + 1]!;
    return ((from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!) >>> 0;
  }

  private float(): number {
    const { from, at } = this;
    if (at + 8 > this.end) throw notPlain;
    this.at = at + 8;
    return new DataView(from.buffer, from.byteOffset + at, 8).getFloat64(0);
  }

  private bytes(length: number): Uint8Array {
    const { from, at } = this;
    if (at + length > this.end) throw notPlain;
    this.at = at + length;
    return from.slice(at, at + length);
  }

  private record(length: number): Record<string, unknown> {
    // Each field takes two bytes at least: a length that lies makes no work.
    if (length * 2 > this.end - this.at || ++this.depth > depthMax) throw notPlain;
    const value: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) {
      const first = this.from[this.at++]!;
      const key = first >= 0xa0 && first < 0xc0 ? this.string(first & 0x1f) : first === 0xd9 ? this.string(this.number(1)) : "__proto__";
      if (key === "__proto__") throw notPlain;
      value[key] = this.value();
    }
    this.depth--;
    return value;
  }

  private list(length: number): unknown[] {
    if (length > this.end - this.at || ++this.depth > depthMax) throw notPlain;
    const value: unknown[] = [];
    for (let i = 0; i < length; i++) value.push(this.value());
    this.depth--;
    return value;
  }

  private string(length: number): string {
    const { from, at } = this;
    if (at + length > this.end) throw notPlain;
    this.at = at + length;
    return length < 40 ? this.shortString(at, length) : this.decoded(from, at, length);
  }

  private decoded(from: Uint8Array, at: number, length: number): string {
    const value = Buffer.prototype.utf8Slice.call(from, at, at + length);
    if (value.includes("\ufffd")) throw notPlain;
    return value;
  }

  private shortString(at: number, length: number): string {
    const { from } = this;
    let hash = length;
    let all = 0;
    for (let i = at; i < at + length; i++) {
      const byte = from[i]!;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all > 0x7f) return this.decoded(from, at, length);
    const slot = (hash ^ (hash >>> 15)) & (cachedStrings - 1);
    const known = this.strings[slot]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === from[at + i]) i++;
      if (i === length) return known;
    }
    const value = Buffer.prototype.latin1Slice.call(from, at, at + length);
    this.strings[slot] = value;
    return value;
  }
}
