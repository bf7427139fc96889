/**
 * msgpack for messages whose fields are known, and come in one order: what is the same in each is written and compared as a whole. The bytes are the
 * very ones that the general codec makes, and whatever is of another form is left to that one: a Writer or a Reader that meets it has failed.
 */

const head = (text: string): Buffer => Buffer.concat([Buffer.from([0xa0 | text.length]), Buffer.from(text)]);

/** A record's fields in their order: what stands before each value, with the head of the record before the first. */
export class Fields {
  readonly names: readonly string[];
  /** The record's head and its kind, where it has one; otherwise its head and the first name. */
  readonly start: Buffer;
  readonly keys: readonly Buffer[];

  /** Names of at most 31 letters; with a `kind` that is the first field, and `names` are those after it. */
  constructor(kind: string, names: readonly string[]) {
    this.names = kind === "" ? names : ["kind", ...names];
    const count = this.names.length;
    const size = count < 16 ? Buffer.from([0x80 | count]) : Buffer.from([0xde, 0, count]);
    const keys = names.map(head);
    if (kind === "") keys[0] = Buffer.concat([size, keys[0]!]);
    this.start = kind === "" ? keys[0]! : Buffer.concat([size, head("kind"), packedText(kind)]);
    this.keys = keys;
  }

  /** Whether a record has just these fields, in this order. */
  fit(record: object): boolean {
    const { names } = this;
    let at = 0;
    for (const name in record) if (name !== names[at++]) return false;
    return at === names.length;
  }
}

function packedText(text: string): Buffer {
  return text.length < 32 ? head(text) : Buffer.concat([Buffer.from([0xd9, text.length]), Buffer.from(text)]);
}

/** Messages that are longer are seldom, and not worth a larger buffer. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Writes into a buffer that is used again: `end` copies what was written. */
export class Writer {
  private readonly to = scratch;
  private at = 0;
  failed = false;

  begin(): void {
    this.at = 0;
    this.failed = false;
  }

  /** Undefined where something was of another form, or too long. */
  end(): Uint8Array | undefined {
    if (this.failed || this.at > this.to.length) return undefined;
    const whole = Buffer.allocUnsafe(this.at);
    this.to.copy(whole, 0, 0, this.at);
    return whole;
  }

  /** The head of a record with these fields; false where it has others. */
  record(fields: Fields, value: object): boolean {
    if (!fields.fit(value)) this.failed = true;
    if (fields.names.length !== fields.keys.length) this.raw(fields.start);
    return !this.failed;
  }

  raw(bytes: Buffer): void {
    const { to, at } = this;
    const { length } = bytes;
    if (at + length <= to.length) for (let i = 0; i < length; i++) to[at + i] = bytes[i]!;
    this.at += length;
  }

  private byte(value: number): void {
    this.to[this.at++] = value;
  }

  /** Only ASCII: how others are written is for the general codec to say. */
  text(value: unknown): void {
    if (typeof value !== "string" || this.at + value.length + 3 > this.to.length) {
      this.failed = true;
      return;
    }
    const { to } = this;
    const { length } = value;
    let { at } = this;
    if (length < 0x20) to[at++] = 0xa0 | length;
    else {
      to[at++] = length < 0x100 ? 0xd9 : 0xda;
      if (length >= 0x100) to[at++] = length >> 8;
      to[at++] = length & 0xff;
    }
    let all = 0;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      all |= code;
      to[at++] = code;
    }
    if (all > 0x7f) this.failed = true;
    this.at = at;
  }

  /** Whole numbers from 0; beyond 32 bits as the general codec writes them, as floating-point numbers. */
  number(value: unknown): void {
    if (typeof value !== "number" || !(value >= 0) || !Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.failed = true;
      return;
    }
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) {
      this.byte(0xcc);
      this.byte(value);
    } else if (value < 0x10000) {
      this.byte(0xcd);
      this.byte(value >> 8);
      this.byte(value & 0xff);
    } else if (value < 0x1_0000_0000) {
      this.byte(0xce);
      this.byte(value >>> 24);
      this.byte((value >>> 16) & 0xff);
      this.byte((value >>> 8) & 0xff);
      this.byte(value & 0xff);
    } else {
      this.byte(0xcb);
      if (this.at + 8 <= this.to.length) this.to.writeDoubleBE(value, this.at);
      this.at += 8;
    }
  }

  flag(value: unknown): void {
    if (typeof value !== "boolean") this.failed = true;
    this.byte(value ? 0xc3 : 0xc2);
  }

  nothing(): void {
    this.byte(0xc0);
  }

  /** Texts, flags and nothing, and short lists and records of these. */
  plain(value: unknown): void {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "boolean") return this.flag(value);
    if (value === null) return this.nothing();
    if (Array.isArray(value)) {
      if (this.list(value)) for (const item of value) this.plain(item);
      return;
    }
    if (typeof value !== "object" || ArrayBuffer.isView(value)) {
      this.failed = true;
      return;
    }
    let fields = 0;
    for (const _ in value) fields++;
    if (fields >= 16) this.failed = true;
    this.byte(0x80 | fields);
    for (const name in value) {
      this.text(name);
      this.plain((value as Record<string, unknown>)[name]);
    }
  }

  bytes(value: unknown): void {
    if (!(value instanceof Uint8Array) || this.at + value.length + 5 > this.to.length) {
      this.failed = true;
      return;
    }
    const { length } = value;
    this.byte(length < 0x100 ? 0xc4 : 0xc5);
    if (length >= 0x100) this.byte(length >> 8);
    this.byte(length & 0xff);
    this.to.set(value, this.at);
    this.at += length;
  }

  /** The head of a list. */
  list(value: unknown): value is readonly unknown[] {
    if (!Array.isArray(value) || value.length >= 16) {
      this.failed = true;
      return false;
    }
    this.byte(0x90 | value.length);
    return true;
  }
}

/** All empty bytes that are read. */
const noBytes = Buffer.alloc(0);

/** Reads what a Writer has written. What is not of that form leaves it failed, and what it then answers means nothing. */
export class Reader {
  private at = 0;
  failed = false;
  private from: Buffer = noBytes;

  begin(bytes: Uint8Array): void {
    this.from = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.failed = false;
  }

  /** Whether all was read, and was of the form that was expected. */
  end(): boolean {
    const isOver = !this.failed && this.at === this.from.length;
    this.from = noBytes;
    return isOver;
  }

  /** Whether just these bytes come now. */
  isNext(expected: Buffer): boolean {
    const { from, at } = this;
    const { length } = expected;
    if (from.length - at < length) return false;
    for (let i = 0; i < length; i++) if (from[at + i] !== expected[i]) return false;
    return true;
  }

  /** Passes over what has to come now. */
  raw(expected: Buffer): void {
    if (!this.isNext(expected)) this.failed = true;
    this.at += expected.length;
  }

  private byte(): number {
    return this.from[this.at++] ?? 0;
  }

  text(): string {
    const { from } = this;
    const first = this.byte();
    const length =
      first >= 0xa0 && first < 0xc0 ? first & 0x1f : first === 0xd9 ? this.byte() : first === 0xda ? (this.byte() << 8) | this.byte() : -1;
    const { at } = this;
    if (length <= 0 || at + length > from.length) {
      if (length !== 0) this.failed = true;
      return "";
    }
    this.at += length;
    for (let i = at; i < at + length; i++) if (from[i]! > 0x7f) this.failed = true;
    return from.toString("latin1", at, at + length);
  }

  /** One of these words; another text is read as it is. */
  word(words: readonly string[], packed: readonly Buffer[]): string {
    for (let i = 0; i < words.length; i++)
      if (this.isNext(packed[i]!)) {
        this.at += packed[i]!.length;
        return words[i]!;
      }
    return this.text();
  }

  number(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    switch (first) {
      case 0xcc:
        return this.byte();
      case 0xcd:
        return (this.byte() << 8) | this.byte();
      case 0xce:
        return this.byte() * 0x100_0000 + ((this.byte() << 16) | (this.byte() << 8) | this.byte());
      case 0xcb: {
        const { at } = this;
        this.at += 8;
        if (this.at <= this.from.length) return this.from.readDoubleBE(at);
      }
    }
    this.failed = true;
    return 0;
  }

  flag(): boolean {
    const first = this.byte();
    if (first !== 0xc2 && first !== 0xc3) this.failed = true;
    return first === 0xc3;
  }

  /** Passes over a nothing that comes now; answers whether one did. */
  isNothing(): boolean {
    if (this.from[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  /** A copy: what is kept of a message must not keep all of it. */
  bytes(): Uint8Array {
    const first = this.byte();
    const length = first === 0xc4 ? this.byte() : first === 0xc5 ? (this.byte() << 8) | this.byte() : -1;
    const { at } = this;
    if (length <= 0 || at + length > this.from.length) {
      if (length !== 0) this.failed = true;
      return noBytes;
    }
    this.at += length;
    const copy = Buffer.allocUnsafeSlow(length);
    this.from.copy(copy, 0, at, this.at);
    return copy;
  }

  /** How many items a list has, whose head comes now; 0 where none does. */
  list(): number {
    const first = this.byte();
    if (first >= 0x90 && first < 0xa0) return first & 0x0f;
    this.failed = true;
    return 0;
  }
}

/** Words that are often said, with their bytes: for Reader.word. */
export function packedWords(words: readonly string[]): readonly Buffer[] {
  return words.map(packedText);
}

/** Messages are written and read one at a time, each by these. */
export const writer = new Writer();
export const reader = new Reader();
