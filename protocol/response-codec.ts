import type { ApiResponse } from "./api";

/**
 * An API server's answer as the very msgpack that the general codec would make of it, which takes four times the room of a list of some megabytes
 * and copies it twice. What does not have just this form (a field that is not known, a header that is not ASCII) is left to that one.
 */

/** Room that bytes have before them, for the head of the message whose body they are: a list then is not copied. */
const headroom = 1_024;
/** Bodies that have it, each with the message that was made of it, once there is one. */
const roomy = new WeakMap<Uint8Array, Uint8Array | null>();

/**
 * Bytes of that length for the body of an api.response, to be filled before it is said and never changed afterwards. Said again with the same
 * head, as many clients are told of the same list, it is the same bytes.
 */
export function bodyOf(length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(headroom + length).subarray(headroom);
  roomy.set(body, null);
  return body;
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value)]);
const responseStart = Buffer.concat([Buffer.from([0x85]), text("kind"), text("api.response"), text("code")]);
const contentTypeKey = text("contentType");
const headersKey = text("headers");
const bodyKey = text("body");

/** What stands before the body, which many answers share. The parts are those that were written, and never change. */
interface Head {
  readonly code: number;
  readonly contentType: string;
  readonly headers: ApiResponse["headers"];
  readonly bytes: Buffer;
}

/** Heads that were written, by the first of their headers: whoever answers often has each of its headers as one and the same pair. */
const written = new WeakMap<object, Head>();
/** Heads that were read, the last one first. */
const read: Head[] = [];
const readMax = 8;

/** The answer's bytes; undefined for what the general codec has to write. */
export function encodeResponse(response: ApiResponse): Uint8Array | undefined {
  const { code, contentType, headers, body } = response;
  let fields = 0;
  for (const _ in response) fields++;
  if (fields !== 5 || !(code >= 0 && code < 65_536)) return undefined;
  const writer = new Writer(scratch);
  const first = headers[0];
  const known = first && written.get(first);
  if (known && known.code === code && known.contentType === contentType && isSame(known.headers, headers)) {
    writer.bytes(known.bytes);
    return writer.endWith(body);
  }
  writer.bytes(responseStart);
  writer.number(code);
  writer.bytes(contentTypeKey);
  writer.string(contentType);
  writer.bytes(headersKey);
  if (!writer.listStart(headers.length)) return undefined;
  for (const pair of headers) {
    if (pair.length !== 2) return undefined;
    writer.listStart(2);
    writer.string(pair[0]);
    writer.string(pair[1]);
  }
  writer.bytes(bodyKey);
  const bytes = first && writer.written();
  if (bytes) written.set(first, { code, contentType, headers: [...headers], bytes });
  return writer.endWith(body);
}

function isSame(a: ApiResponse["headers"], b: ApiResponse["headers"]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The answer; undefined for what the general codec has to read. Its body is a view of `bytes`, and answers with the same head share their headers. */
export function decodeResponse(bytes: Uint8Array): ApiResponse | undefined {
  if (bytes[0] !== responseStart[0]) return undefined;
  const from = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(from);
  const known = read.findIndex((head) => startsWith(from, head.bytes));
  if (known >= 0) {
    const { code, contentType, headers, bytes: passed } = read[known]!;
    if (known > 0) read.unshift(...read.splice(known, 1));
    reader.skip(passed.length);
    const body = reader.binary();
    return reader.isOver ? { kind: "api.response", code, contentType, headers, body } : undefined;
  }
  if (!reader.isNext(responseStart)) return undefined;
  const code = reader.number();
  if (!reader.isNext(contentTypeKey)) return undefined;
  const contentType = reader.string();
  if (!reader.isNext(headersKey)) return undefined;
  const count = reader.listStart();
  const headers: (readonly [string, string])[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.listStart() !== 2) return undefined;
    headers.push([reader.string(), reader.string()]);
  }
  if (!reader.isNext(bodyKey)) return undefined;
  const headLength = reader.passed;
  const body = reader.binary();
  // One without headers is read as quickly as it is found.
  if (reader.isOver && count > 0 && headLength <= rememberedMax) {
    read.unshift({ code, contentType, headers, bytes: Buffer.from(from.subarray(0, headLength)) });
    read.length = Math.min(read.length, readMax);
  }
  return reader.isOver ? { kind: "api.response", code, contentType, headers, body } : undefined;
}

function startsWith(bytes: Buffer, head: Buffer): boolean {
  return bytes.length >= head.length && head.compare(bytes, 0, head.length) === 0;
}

/** Longer heads hardly come twice. */
const rememberedMax = 512;

/** Longer heads the general codec writes. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Writes into a buffer that is used again: what it ends with are bytes of their own. */
class Writer {
  private at = 0;
  private failed = false;

  constructor(private readonly to: Buffer) {}

  byte(value: number): void {
    this.to[this.at++] = value;
  }

  bytes(value: Uint8Array): void {
    if (this.at + value.length > this.to.length) this.failed = true;
    else this.to.set(value, this.at);
    this.at += value.length;
  }

  number(value: number): void {
    if (value < 0x80) return this.byte(value);
    this.byte(value < 0x100 ? 0xcc : 0xcd);
    if (value >= 0x100) this.byte(value >> 8);
    this.byte(value & 0xff);
  }

  /** Only ASCII: how others are written is for the general codec to say. */
  string(value: string): void {
    if (typeof value !== "string" || this.at + value.length + 3 > this.to.length) {
      this.failed = true;
      return;
    }
    const { length } = value;
    if (length < 0x20) this.byte(0xa0 | length);
    else {
      this.byte(length < 0x100 ? 0xd9 : 0xda);
      if (length >= 0x100) this.byte(length >> 8);
      this.byte(length & 0xff);
    }
    const { to } = this;
    let at = this.at;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) this.failed = true;
      to[at++] = code;
    }
    this.at = at;
  }

  /** False for a list that is too long to be written here. */
  listStart(length: number): boolean {
    this.byte(0x90 | length);
    return length < 16;
  }

  private binaryStart(length: number): void {
    this.byte(length < 0x100 ? 0xc4 : length < 0x10000 ? 0xc5 : 0xc6);
    if (length >= 0x10000) {
      this.byte(length >>> 24);
      this.byte((length >>> 16) & 0xff);
    }
    if (length >= 0x100) this.byte((length >>> 8) & 0xff);
    this.byte(length & 0xff);
  }

  /** A copy of what was written; undefined where that failed or is too long to be remembered. */
  written(): Buffer | undefined {
    return this.failed || this.at > rememberedMax ? undefined : Buffer.from(this.to.subarray(0, this.at));
  }

  /** Ends with bytes of any length: they get the head before them where there is room for it, otherwise both are put together. */
  endWith(last: Uint8Array): Uint8Array | undefined {
    if (!(last instanceof Uint8Array)) return undefined;
    this.binaryStart(last.length);
    if (this.failed || this.at > this.to.length) return undefined;
    const head = this.to.subarray(0, this.at);
    const said = head.length <= headroom ? roomy.get(last) : undefined;
    if (said && said.length === head.length + last.length && head.equals(said.subarray(0, head.length))) return said;
    if (said === null) {
      const whole = Buffer.from(last.buffer, last.byteOffset - head.length, head.length + last.length);
      whole.set(head);
      roomy.set(last, whole);
      return whole;
    }
    const whole = Buffer.allocUnsafe(head.length + last.length);
    whole.set(head);
    whole.set(last, head.length);
    return whole;
  }
}

/** Reads what a Writer has written. What is not of that form leaves it failed, and what it then answers means nothing. */
class Reader {
  private at = 0;
  private failed = false;

  constructor(private readonly from: Buffer) {}

  /** Whether all was read, and was of the form that was expected. */
  get isOver(): boolean {
    return !this.failed && this.at === this.from.length;
  }

  /** Whether just these bytes come now; then they are passed over. */
  isNext(expected: Buffer): boolean {
    const { from, at } = this;
    const { length } = expected;
    if (from.length - at < length) return false;
    for (let i = 0; i < length; i++) if (from[at + i] !== expected[i]) return false;
    this.at += length;
    return true;
  }

  /** How much was read. */
  get passed(): number {
    return this.at;
  }

  skip(length: number): void {
    this.at += length;
  }

  byte(): number {
    return this.from[this.at++] ?? 0;
  }

  number(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    if (first === 0xcc) return this.byte();
    if (first === 0xcd) return (this.byte() << 8) | this.byte();
    this.failed = true;
    return 0;
  }

  string(): string {
    const { from } = this;
    const first = this.byte();
    const length =
      first >= 0xa0 && first < 0xc0 ? first & 0x1f : first === 0xd9 ? this.byte() : first === 0xda ? (this.byte() << 8) | this.byte() : -1;
    if (this.failed || length <= 0) {
      if (length < 0) this.failed = true;
      return "";
    }
    const { at } = this;
    this.at += length;
    let all = 0;
    for (let i = at; i < at + length; i++) all |= from[i] ?? 0x80;
    if (all < 0x80) return from.toString("latin1", at, at + length);
    this.failed = true;
    return "";
  }

  listStart(): number {
    const first = this.byte();
    if (first >= 0x90 && first < 0xa0) return first & 0x0f;
    this.failed = true;
    return 0;
  }

  binary(): Uint8Array {
    const first = this.byte();
    let width = first === 0xc4 ? 1 : first === 0xc5 ? 2 : first === 0xc6 ? 4 : 0;
    if (width === 0) this.failed = true;
    let length = 0;
    for (; width > 0; width--) length = length * 256 + this.byte();
    const { at } = this;
    this.at += length;
    if (this.at > this.from.length) this.failed = true;
    return this.from.subarray(at, at + length);
  }
}
