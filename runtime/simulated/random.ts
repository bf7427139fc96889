import { hashText, mix } from "../hash";
import type { Random } from "../world";

/**
 * Draws are hashes of (seed, who, purpose, index), so each stream of draws stands alone: taking one fault or one actor away does not reshuffle
 * what the others draw.
 */
export class SimulatedRandom implements Random {
  private readonly streams = new Map<string, readonly [number, number]>();

  constructor(readonly seed: number) {}

  draw(who: string, purpose: string, index: number): number {
    const name = `${who} ${purpose}`;
    let stream = this.streams.get(name);
    if (stream === undefined) {
      const high = Math.floor(this.seed / 2 ** 32);
      const a = mix(hashText(name, mix(this.seed | 0) ^ mix(high + 0x9e3779b9)));
      stream = [a, mix(a ^ 0x6a09e667)];
      // Streams are named by incarnations too, so that there is no end of them in a long run; forgetting one only costs its two hashes.
      if (this.streams.size >= 100_000) this.streams.clear();
      this.streams.set(name, stream);
    }
    const high = mix(stream[0] ^ mix(index + 0x3c6ef372)) >>> 5;
    const low = mix(stream[1] + Math.imul(index, 0x9e3779b1)) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
