import { Packr } from "msgpackr";
import { type Envelope, fromFrame, toFrame } from "./envelope";

/** Anything an actor says: a record with a kind. Fields are plain values, Uint8Array, arrays and records of those. */
export interface Message {
  readonly kind: string;
}

// useRecords would make bytes depend on what was encoded before; variableMapSize keeps them canonical for one insertion order.
const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true, int64AsType: "number" });

/** A message as msgpack bytes. The same insertion order of fields gives the same bytes. */
export function encode(message: Message): Uint8Array {
  return packr.pack(message);
}

/** Bytes back to a message; throws an Error on what is not msgpack or has no string `kind`. Bytes in it are copies. */
export function decode(bytes: Uint8Array): Message {
  const value: unknown = packr.unpack(bytes);
  if (typeof value !== "object" || value === null || typeof (value as { kind?: unknown }).kind !== "string")
    throw new Error("message: expected a record with a string `kind`");
  return value as Message;
}

/** A whole envelope as one frame for a wire that leaves the process. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return packr.pack(toFrame(envelope));
}

/** A frame back to an envelope; throws an Error that says which field is wrong. The body stays undecoded bytes. */
export function decodeEnvelope(frame: Uint8Array): Envelope {
  return fromFrame(packr.unpack(frame));
}

/** Any plain value as msgpack bytes (records in a log, snapshots). Sort maps before hashing: their order follows insertion. */
export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** The value that `encodeValue` encoded. The caller checks its shape. */
export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
