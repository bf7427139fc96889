import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import type { Random } from "../world";

/** Draws that are made at once, and streams that are remembered. */
const drawsPerBlock = 128;
const bytesPerDraw = 8;
const cipherBlockBytes = 16;
const streamsMax = 4_096;
const zeros = Buffer.alloc(drawsPerBlock * bytesPerDraw);

/** The draws of one actor for one purpose: a key of their own, and the block of draws that was made last. */
interface Stream {
  readonly key: Buffer;
  block: number;
  bytes: Buffer;
}

/**
 * Draws from a seed of 32 bytes, by default the system's: each actor and purpose has the key stream of a cipher, so that draws say nothing about
 * one another. An API server draws eight for each object and each audit id: a hash for each draw would cost as much as serving the request.
 */
export class LiveRandom implements Random {
  private readonly streams = new Map<string, Map<string, Stream>>();
  private count = 0;

  constructor(private readonly seed: Uint8Array = randomBytes(32)) {}

  draw(who: string, purpose: string, index: number): number {
    const stream = this.streams.get(who)?.get(purpose) ?? this.begin(who, purpose);
    const block = Math.floor(index / drawsPerBlock);
    if (stream.block !== block) {
      const counter = Buffer.alloc(cipherBlockBytes);
      counter.writeBigUInt64BE(BigInt(block) * BigInt(zeros.length / cipherBlockBytes), cipherBlockBytes - 8);
      stream.bytes = createCipheriv("aes-256-ctr", stream.key, counter).update(zeros);
      stream.block = block;
    }
    const at = (index - block * drawsPerBlock) * bytesPerDraw;
    return (stream.bytes.readUInt32BE(at) * 2 ** 21 + (stream.bytes.readUInt32BE(at + 4) >>> 11)) / 2 ** 53;
  }

  private begin(who: string, purpose: string): Stream {
    // Incarnations come and go; those that are over are not told apart from the others, so all are forgotten together.
    if (this.count++ % streamsMax === 0) this.streams.clear();
    // Lengths in front keep ("a", "bc") and ("ab", "c") apart.
    const key = createHmac("sha256", this.seed).update(`${who.length}:${who}${purpose.length}:${purpose}`).digest();
    const stream: Stream = { key, block: -1, bytes: zeros };
    let own = this.streams.get(who);
    if (own === undefined) this.streams.set(who, (own = new Map()));
    own.set(purpose, stream);
    return stream;
  }
}
