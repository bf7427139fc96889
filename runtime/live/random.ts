import { createHmac, randomBytes } from "node:crypto";
import type { Random } from "../world";

/** Draws from a seed of 32 bytes, by default the system's; a keyed hash, so that draws say nothing about one another. */
export class LiveRandom implements Random {
  constructor(private readonly seed: Uint8Array = randomBytes(32)) {}

  draw(who: string, purpose: string, index: number): number {
    // Lengths in front keep ("a", "bc") and ("ab", "c") apart.
    const digest = createHmac("sha256", this.seed).update(`${who.length}:${who}${purpose.length}:${purpose}${index}`).digest();
    return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
  }
}
