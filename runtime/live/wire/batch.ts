import type { HostName } from "../../../protocol/address";

/**
 * What travels in one WebSocket frame. A batch is the byte 1 and packets: length of the sending host's name 1 · name · length of the
 * receiving host's name 1 · name · length of the envelope 4 · envelope. A control is the byte 2 and a msgpack value.
 */
export interface Packet {
  readonly from: HostName;
  readonly to: HostName;
  /** An encoded envelope: whoever only forwards it does not decode its body. */
  readonly envelope: Uint8Array;
}

const batch = 1;
const control = 2;

/** Bytes that a packet takes in a batch. */
export function packetBytes(packet: Packet): number {
  return 6 + packet.from.length + packet.to.length + packet.envelope.length;
}

/** Host names are ASCII and at most 255 long. */
export function encodeBatch(packets: readonly Packet[]): Buffer {
  let length = 1;
  for (const packet of packets) length += packetBytes(packet);
  const bytes = Buffer.allocUnsafe(length);
  let at = bytes.writeUInt8(batch, 0);
  for (const { from, to, envelope } of packets) {
    at = bytes.writeUInt8(from.length, at);
    at += bytes.write(from, at, "latin1");
    at = bytes.writeUInt8(to.length, at);
    at += bytes.write(to, at, "latin1");
    at = bytes.writeUInt32BE(envelope.length, at);
    bytes.set(envelope, at);
    at += envelope.length;
  }
  return bytes;
}

export function encodeControl(value: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + value.length);
  bytes.writeUInt8(control, 0);
  bytes.set(value, 1);
  return bytes;
}

export type Frame =
  | { readonly type: "batch"; readonly packets: readonly Packet[] }
  | { readonly type: "control"; readonly value: Uint8Array };

/** Reads a frame back; throws an Error on one that is cut short or of no known type. Packets' bytes are views of the frame. */
export function decodeWireFrame(bytes: Buffer): Frame {
  if (bytes[0] === control) return { type: "control", value: bytes.subarray(1) };
  if (bytes[0] !== batch) throw new Error(`wire: unknown type of frame ${bytes[0]}`);
  const packets: Packet[] = [];
  let at = 1;
  const take = (length: number) => {
    const end = at + length;
    if (end > bytes.length) throw new Error("wire: a batch is cut short");
    const part = bytes.subarray(at, end);
    at = end;
    return part;
  };
  while (at < bytes.length) {
    const from = take(take(1).readUInt8()).toString("latin1");
    const to = take(take(1).readUInt8()).toString("latin1");
    const envelope = take(take(4).readUInt32BE());
    packets.push({ from, to, envelope });
  }
  return { type: "batch", packets };
}
