import { crc32 } from "node:zlib";
import { Packr } from "msgpackr";
import type { ApiRequest, ApiResponse } from "./api";
import { type Envelope, fromFrame, protocolVersion, toFrame } from "./envelope";
import { RequestReader, RequestWriter } from "./request-codec";
import { decodeResponse, encodeResponse } from "./response-codec";

/** Anything an actor says: a record with a kind. Fields are plain values, Uint8Array, arrays and records of those. */
export interface Message {
  readonly kind: string;
}

// useRecords would make bytes depend on what was encoded before; variableMapSize keeps them canonical for one insertion order.
const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true, int64AsType: "number" });

/** Remembers what it has read: the same bytes are the same request, whoever reads them. */
const requests = new RequestReader();
const requestWriter = new RequestWriter();

const unpack = (bytes: Uint8Array): unknown => packr.unpack(bytes);
const pack = (message: Message): Uint8Array => packr.pack(message);

/** A message as msgpack bytes. The same insertion order of fields gives the same bytes. */
export function encode(message: Message): Uint8Array {
  switch (message.kind) {
    case "api.response":
      return encodeResponse(message as ApiResponse) ?? pack(message);
    case "api.request":
      return requestWriter.write(message as ApiRequest, pack) ?? pack(message);
    default:
      return pack(message);
  }
}

/**
 * Bytes back to a message; throws an Error on what is not msgpack or has no string `kind`. Bytes in it are copies, but for the body of an API
 * server's answer, which is nearly all of its message and keeps that in memory.
 */
export function decode(bytes: Uint8Array): Message {
  const known = decodeResponse(bytes);
  if (known !== undefined) return known;
  const value = requests.read(bytes, unpack);
  if (typeof value !== "object" || value === null || typeof (value as { kind?: unknown }).kind !== "string")
    throw new Error("message: expected a record with a string `kind`");
  return value as Message;
}

/** Since version 2 a frame's array ends with an unsigned 32-bit number, which msgpack writes as this byte and four more. */
const uint32 = 0xce;
const checksumBytes = 5;
const arrayOf = 0x90;

/**
 * A whole envelope as one frame for a wire that leaves the process: a msgpack array of the header's fields and, last, the CRC-32 of all bytes before.
 * A version later than ours would say more than we know; what it says here stands for that.
 */
export function encodeEnvelope(envelope: Envelope, version = protocolVersion): Uint8Array {
  const fields = version > protocolVersion ? [...toFrame(envelope, version), "of a later version"] : toFrame(envelope, version);
  const packed = packr.pack(fields);
  if (version < 2) return packed;
  const frame = Buffer.allocUnsafe(packed.length + checksumBytes);
  packed.copy(frame);
  frame[0] = arrayOf + fields.length + 1;
  frame[packed.length] = uint32;
  frame.writeUInt32BE(crc32(frame.subarray(0, packed.length)), packed.length + 1);
  return frame;
}

/** A frame back to an envelope, as a reader of version `own` understands it; throws an Error that says what is wrong. The body stays undecoded bytes. */
export function decodeEnvelope(frame: Uint8Array, own = protocolVersion): Envelope {
  // The version is the first element: a small number, one byte.
  if (own >= 2 && frame[1] !== 1 && !hasItsChecksum(frame)) throw new Error("envelope: the checksum does not match");
  return fromFrame(packr.unpack(frame), own);
}

function hasItsChecksum(frame: Uint8Array): boolean {
  const at = frame.length - checksumBytes;
  if (at < 0 || frame[at] !== uint32) return false;
  return Buffer.from(frame.buffer, frame.byteOffset, frame.length).readUInt32BE(at + 1) === crc32(frame.subarray(0, at));
}

/** Any plain value as msgpack bytes (records in a log, snapshots). Sort maps before hashing: their order follows insertion. */
export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** The value that `encodeValue` encoded. The caller checks its shape. */
export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
