import { hashBytes } from "../hash";

/** Small records lie one behind the other in memory of this size: each of its own would cost it hundreds of bytes more. */
const slabBytes = 64 * 1024;
const largestInSlab = 16 * 1024;
/** How many of the last records are looked for: members of one cluster write the same ones within moments. */
const generationLimit = 1024;
const largeOnes = 2;

/**
 * What the disks of one simulation hold. Replicas write the same bytes, each to a disk of its own: they are kept once, and stored bytes never change
 * (a fault puts others in their place). Nothing observable depends on what was found here.
 */
export class StoredBytes {
  private young = new Map<number, Uint8Array>();
  private old = new Map<number, Uint8Array>();
  /** The last large ones: snapshots, of which a disk holds one or two. */
  private large: readonly Uint8Array[] = [];
  private slab = Buffer.alloc(0);
  private used = 0;

  /** The same bytes, in memory that nothing else keeps alive. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.length > largestInSlab) return this.keepLarge(bytes);
    const hash = hashBytes(bytes);
    const known = this.young.get(hash) ?? this.old.get(hash);
    if (known !== undefined && isSame(known, bytes)) return known;
    if (this.used + bytes.length > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(slabBytes);
      this.used = 0;
    }
    const kept = this.slab.subarray(this.used, this.used + bytes.length);
    kept.set(bytes);
    this.used += bytes.length;
    if (this.young.size >= generationLimit) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(hash, kept);
    return kept;
  }

  private keepLarge(bytes: Uint8Array): Uint8Array {
    const known = this.large.find((held) => isSame(held, bytes));
    if (known !== undefined) return known;
    // A part of something larger would keep all of it.
    const kept = bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
    this.large = [kept, ...this.large].slice(0, largeOnes);
    return kept;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
