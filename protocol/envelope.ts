import type { Address } from "./address";

/**
 * What the envelope asks of the runtime at the other end:
 * - tell: a datagram; may be lost, duplicated or reordered
 * - ask / answer / refuse: a request and the one thing that may come back
 * - open / item / credit / close: a stream, ordered and without gaps until it breaks
 */
export type Operation = "tell" | "ask" | "answer" | "refuse" | "open" | "item" | "credit" | "close";

/**
 * The version of the envelope and of the messages in it. Neighbouring versions understand each other: fields are only added behind those that are there,
 * and whoever does not know them passes over them. Version 2 added the frame's checksum (codec.ts).
 */
export const protocolVersion = 2;

/**
 * A small header around a body that is bytes, so that a hop that only forwards decodes nothing.
 * `kind` repeats the body's message kind, so that faults and traces can tell messages apart without decoding them.
 */
export interface Envelope {
  readonly operation: Operation;
  readonly to: Address;
  readonly from: Address;
  /** The incarnation that is meant; 0 means whichever lives. */
  readonly toIncarnation: number;
  readonly fromIncarnation: number;
  /** Of an ask or a stream: unique among those of the incarnation that began it. */
  readonly id: number;
  /** Of a stream's items: 1, 2, 3, … in each direction. Of a credit: how many more items may be sent. */
  readonly sequence: number;
  /** True where the sender is the side that opened the stream or asked. */
  readonly fromOpener: boolean;
  /** Of an ask: milliseconds that are left; relative, because hosts' clocks differ. 0 means none. */
  readonly deadlineMs: number;
  readonly kind: string;
  readonly body: Uint8Array;
}

const operations: readonly Operation[] = ["tell", "ask", "answer", "refuse", "open", "item", "credit", "close"];

/** The header as a flat array for the codec: the order of the fields on the wire. */
export function toFrame(e: Envelope, version: number): readonly unknown[] {
  return [
    version,
    operations.indexOf(e.operation),
    e.to,
    e.from,
    e.toIncarnation,
    e.fromIncarnation,
    e.id,
    e.sequence,
    e.fromOpener,
    e.deadlineMs,
    e.kind,
    e.body,
  ];
}

/** Reads a header back. Frames come from peers, so each field is checked; throws an Error that names the field. `own` is the version of who reads. */
export function fromFrame(frame: unknown, own: number): Envelope {
  if (!Array.isArray(frame) || frame.length < 12) throw new Error("envelope: expected an array of at least 12 fields");
  const [version, operation, to, from, toIncarnation, fromIncarnation, id, sequence, fromOpener, deadlineMs, kind, body] = frame;
  if (typeof version !== "number" || Math.abs(version - own) > 1)
    throw new Error(`envelope: version ${String(version)} is not a neighbour of ${own}`);
  const name = typeof operation === "number" ? operations[operation] : undefined;
  if (name === undefined) throw new Error(`envelope: unknown operation ${String(operation)}`);
  for (const [field, value] of Object.entries({ to, from, kind }))
    if (typeof value !== "string" || value.length > 512) throw new Error(`envelope: ${field}: expected a string of at most 512 characters`);
  for (const [field, value] of Object.entries({ toIncarnation, fromIncarnation, id, sequence, deadlineMs }))
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`envelope: ${field}: expected a safe integer, 0 or more`);
  if (typeof fromOpener !== "boolean") throw new Error("envelope: fromOpener: expected a boolean");
  if (!(body instanceof Uint8Array)) throw new Error("envelope: body: expected bytes");
  return { operation: name, to, from, toIncarnation, fromIncarnation, id, sequence, fromOpener, deadlineMs, kind, body };
}

/** Streams and asks travel on ordered connections; datagrams do not. */
export function isDatagram(e: Envelope): boolean {
  return e.operation === "tell";
}
