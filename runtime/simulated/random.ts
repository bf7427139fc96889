import { hashText, mix } from "../hash";
import type { Random } from "../world";

/**
 * Draws are hashes of (seed, who, purpose, index), so each stream of draws stands alone: taking one fault or one actor away does not reshuffle
 * what the others draw.
 */
export class SimulatedRandom implements Random {
  private readonly streams = new Map<string, Map<string, readonly [number, number]>>();

  constructor(readonly seed: number) {}

  draw(who: string, purpose: string, index: number): number {
    const stream = this.streams.get(who)?.get(purpose) ?? this.stream(who, purpose);
    const high = mix(stream[0] ^ mix(index + 0x3c6ef372)) >>> 5;
    const low = mix(stream[1] + Math.imul(index, 0x9e3779b1)) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
  private stream(who: string, purpose: string): readonly [number, number] {
    const high = Math.floor(this.seed / 2 ** 32);
    const a = mix(hashText(`${who} ${purpose}`, mix(this.seed | 0) ^ mix(high + 0x9e3779b9)));
    const stream = [a, mix(a ^ 0x6a09e667)] as const;
    // Streams are named by incarnations too, so that there is no end of them in a long run; forgetting one only costs its two hashes.
    if (this.streams.size >= 20_000) this.streams.clear();
    const own = this.streams.get(who);
    if (own === undefined) this.streams.set(who, new Map([[purpose, stream]]));
    else own.set(purpose, stream);
    return stream;
  }
}
