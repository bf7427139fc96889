import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** scrypt's cost for new hashes: about 50 ms and 16 MiB. */
const cost = { N: 16_384, r: 8, p: 1 };
const hashBytes = 32;

/**
 * Passwords are hashed here, slowly and with a random salt, before anything is proposed: what members replicate is the hash.
 * "scrypt:N:r:p:SALT:HASH", the last two as base64.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64"), hash.toString("base64")].join(":");
}

/** A hash that no password has, so that a user who is not there takes as long to refuse as one who is. */
const nobodys = ["scrypt", cost.N, cost.r, cost.p, Buffer.alloc(16).toString("base64"), Buffer.alloc(hashBytes).toString("base64")].join(
  ":",
);

/** Whether a hash is this password's; null for nobody's. */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  const [, N, r, p, salt, hash] = (passwordHash ?? nobodys).split(":");
  const expected = Buffer.from(hash!, "base64");
  const given = await derive(password, Buffer.from(salt!, "base64"), { N: Number(N), r: Number(r), p: Number(p) });
  return timingSafeEqual(given, expected);
}

function derive(password: string, salt: Buffer, options: typeof cost): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(password, salt, hashBytes, options, (error, hash) => (error ? reject(error) : resolve(hash))),
  );
}
