/** Hashes that are quick and the same everywhere. Not for secrets. */

// Looked up once: where tests run in a context of their own, each use of a global in a loop over bytes costs more than the hash.
const { imul } = Math;

/** 32-bit FNV-1a over the UTF-16 units of a text, going on from `h`. */
export function hashText(text: string, h = 0x811c9dc5): number {
  for (let i = 0; i < text.length; i++) h = imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** 32 bits over bytes, going on from `h`: FNV-1a in steps of four bytes, with a rotation so that each bit comes to count in all others. */
export function hashBytes(bytes: Uint8Array, h = 0x811c9dc5): number {
  const { length } = bytes;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    h = imul(h ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)), 0x9e3779b1);
    h = (h << 13) | (h >>> 19);
  }
  for (; i < length; i++) h = imul(h ^ bytes[i]!, 0x01000193);
  return mix(h ^ length);
}

/** Spreads a number's bits over 32 (the finalizer of MurmurHash3). */
export function mix(h: number): number {
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
