/** SHA-256, HMAC and the expanding half of HKDF (FIPS 180-4, RFC 2104, RFC 5869) as functions of their inputs alone, for keys that are derived inside of an actor. */

const firstPrimes = (count: number): readonly number[] => {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
};
/** The first 32 bits behind the point. */
const fraction = (root: number) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
const constants = Int32Array.from(firstPrimes(64), (prime) => fraction(Math.cbrt(prime)));
const initial = Int32Array.from(firstPrimes(8), (prime) => fraction(Math.sqrt(prime)));

const blockBytes = 64;
const turned = (word: number, by: number) => (word >>> by) | (word << (32 - by));

export function sha256(bytes: Uint8Array): Buffer {
  const padded = Buffer.alloc(Math.ceil((bytes.length + 9) / blockBytes) * blockBytes);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  padded.writeUInt32BE(Math.floor(bytes.length / 2 ** 29), padded.length - 8);
  padded.writeUInt32BE((bytes.length * 8) >>> 0, padded.length - 4);
  const sum = Int32Array.from(initial);
  const words = new Int32Array(64);
  for (let at = 0; at < padded.length; at += blockBytes) mix(sum, words, padded, at);
  const digest = Buffer.alloc(32);
  sum.forEach((word, index) => {
    digest.writeInt32BE(word, index * 4);
  });
  return digest;
}

function mix(sum: Int32Array, w: Int32Array, block: Buffer, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = block.readInt32BE(at + t * 4);
  for (let t = 16; t < 64; t++) {
    const [early, late] = [w[t - 15]!, w[t - 2]!];
    const small = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const large = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    w[t] = (w[t - 16]! + small + w[t - 7]! + large) | 0;
  }
  let [a, b, c, d, e, f, g, h] = sum as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + constants[t]! + w[t]!) | 0;
    const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    sum[index] = (sum[index]! + word) | 0;
  });
}

export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.set(key.length > blockBytes ? sha256(key) : key);
  const pad = (other: number) => block.map((byte) => byte ^ other);
  return sha256(Buffer.concat([pad(0x5c), sha256(Buffer.concat([pad(0x36), bytes]))]));
}

/** HKDF-Expand to 32 bytes, which is one round. */
export function hkdfExpand(secret: Uint8Array, info: Uint8Array): Buffer {
  return hmacSha256(secret, Buffer.concat([info, Buffer.of(1)]));
}
