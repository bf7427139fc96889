import { frozen } from "../protocol/told";
import { hashBytes } from "./hash";

/**
 * JSON bytes to deeply frozen values. Decoding is a pure function of the bytes; since every API server, every informer and the checks of a simulated cluster decode
 * the same object, one process keeps what it decoded last and hands out the same frozen value again. Nothing observable depends on whether it was kept.
 */

const generationLimit = 4096;
const largestKept = 256 * 1024;

interface Kept {
  readonly bytes: Uint8Array;
  readonly value: unknown;
}

/** Two generations: when the younger is full the older is dropped, so what is in use stays and nothing grows without bound. */
class Memo {
  private young = new Map<number, Kept>();
  private old = new Map<number, Kept>();

  find(hash: number, bytes: Uint8Array): Kept | undefined {
    const kept = this.young.get(hash) ?? this.old.get(hash);
    return kept === undefined || kept.bytes.length !== bytes.length || Buffer.compare(kept.bytes, bytes) !== 0 ? undefined : kept;
  }

  keep(hash: number, kept: Kept): void {
    if (this.young.size >= generationLimit) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(hash, kept);
  }
}

const memo = new Memo();

/** The value in these JSON bytes, frozen through and through. Throws a SyntaxError on what is not JSON. The bytes must not change afterwards. */
export function decodeFrozen(bytes: Uint8Array): unknown {
  if (bytes.length > largestKept) return parse(bytes);
  const hash = hashBytes(bytes);
  const known = memo.find(hash, bytes);
  if (known) return known.value;
  const value = parse(bytes);
  memo.keep(hash, { bytes, value });
  return value;
}

function parse(bytes: Uint8Array): unknown {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return frozen(JSON.parse(buffer.toString("utf8")) as unknown);
}
