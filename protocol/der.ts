/** The Distinguished Encoding Rules of ASN.1 (X.690), as far as certificates need them: elements found in bytes, and elements made. */

/** One element: its tag, its content, and the whole of it with tag and length. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** The elements that stand in a row in these bytes. Throws an Error on what is cut off or not DER. */
export function derElements(bytes: Uint8Array): readonly DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    if (first === undefined || first === 0x80 || first > 0x84) throw new Error("not DER: an element without a length");
    let start = at + 2;
    let length = first;
    if (first > 0x80) {
      length = 0;
      for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += first & 0x7f;
    }
    const end = start + length;
    if (end > bytes.length) throw new Error("not DER: an element is cut off");
    found.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

/** The elements inside of the one element that these bytes are. Throws an Error. */
export function derChildren(bytes: Uint8Array): readonly DerElement[] {
  const [only, ...more] = derElements(bytes);
  if (only === undefined || more.length > 0) throw new Error("not DER: expected one element");
  return derElements(only.content);
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime. Throws an Error. */
export function derTimeMs({ tag, content }: DerElement): number {
  const text = Buffer.from(content).toString("latin1");
  const [, year = "", ...rest] =
    (tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text) ?? [];
  if (year === "") throw new Error(`not a time of a certificate: ${text}`);
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  // Source: RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
  const full = tag === 0x17 ? Number(year) + (Number(year) >= 50 ? 1900 : 2000) : Number(year);
  return Date.UTC(full, month - 1, day, hour, minute, second);
}

/** An element of these parts, one after the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) size.unshift(left % 256);
  return Buffer.concat([Buffer.from(length < 0x80 ? [tag, length] : [tag, 0x80 | size.length, ...size]), content]);
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** A time as certificates write it: UTCTime until 2049, GeneralizedTime from then on; whole seconds. */
export function derTime(atMs: number): Uint8Array {
  const text = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const year = Number(text.slice(0, 4));
  return year >= 1950 && year < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

export function derBitString(bytes: Uint8Array): Uint8Array {
  return der(0x03, Buffer.from([0]), bytes);
}
