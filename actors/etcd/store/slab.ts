const slabBytes = 4096;
/** What is larger has memory of its own: its overhead does not count. */
const sharedMaxBytes = 1024;
const nothing = new Uint8Array(0);

/**
 * Memory for many small values: an allocation of its own costs each of them hundreds of bytes. A slab goes when all values in it are gone;
 * it is small, so that one that lives long keeps little else alive.
 */
export class Slabs {
  private slab = Buffer.alloc(0);
  private used = 0;

  /** A copy of the bytes, to be kept and never changed. */
  keep(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length === 0) return nothing;
    if (length > sharedMaxBytes) return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
    if (this.used + length > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(slabBytes);
      this.used = 0;
    }
    const kept = this.slab.subarray(this.used, this.used + length);
    kept.set(bytes);
    this.used += length;
    return kept;
  }
}
