import { decode, type Message } from "./codec";

/** How many of the last datagrams are remembered, and how large they may be. */
const remembered = 16;
const largestBytes = 64 * 1024;

interface Told {
  readonly bytes: Uint8Array;
  readonly message: Message;
}

/** Heartbeats and their answers say the same again and again: these are known by what they say. */
const smallBytes = 64;
const smallRemembered = 256;

/** Remembers the last datagrams that were read, by the memory they lie in. */
class LastTold {
  private readonly told: (Told | undefined)[] = new Array(remembered).fill(undefined);
  private next = 0;
  private readonly small = new Map<string, Message>();

  read(bytes: Uint8Array): Message {
    if (bytes.length <= smallBytes) return this.readSmall(bytes);
    for (const known of this.told) if (known?.bytes === bytes) return known.message;
    const message = decode(bytes);
    if (bytes.length > largestBytes) return message;
    this.told[this.next] = { bytes, message: frozen(message) };
    this.next = (this.next + 1) % remembered;
    return message;
  }

  private readSmall(bytes: Uint8Array): Message {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = buffer.toString("latin1");
    const known = this.small.get(text);
    if (known !== undefined) return known;
    const message = frozen(decode(bytes));
    if (this.small.size >= smallRemembered) this.small.clear();
    this.small.set(text, message);
    return message;
  }
}

const last = new LastTold();

/**
 * A datagram's message. What a leader says to all is one body with several receivers, and heartbeats differ seldom: it is decoded once, and what comes back is
 * frozen (but for bytes, which nobody changes), so that nothing can pass from one receiver to another.
 */
export function decodeTold(bytes: Uint8Array): Message {
  return last.read(bytes);
}

/** Freezes a decoded value through and through, but for bytes, which cannot be. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) for (const item of value) frozen(item);
  else for (const field in value) frozen(value[field]);
  return value;
}
