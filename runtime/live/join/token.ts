import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** What lets a host join: ID names the token, SECRET proves it, and CAHASH tells the cluster from an impostor. */
export interface JoinToken {
  readonly id: string;
  readonly secret: string;
  /** SHA-256 of the public key of the cluster's authority, 64 hex digits. */
  readonly authorityHash: string;
}

export function newToken(authorityHash: string): JoinToken {
  return { id: randomBytes(3).toString("hex"), secret: randomBytes(16).toString("hex"), authorityHash };
}

export function formatToken(token: JoinToken): string {
  return `${token.id}.${token.secret}.${token.authorityHash}`;
}

/** Throws an Error that says what a token looks like. */
export function parseToken(text: string): JoinToken {
  const match = /^([0-9a-f]{6})\.([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(text);
  if (!match) throw new Error("the token is not of the form ID.SECRET.CAHASH: 6, 32 and 64 hex digits, as `wavetank up` prints it");
  return { id: match[1]!, secret: match[2]!, authorityHash: match[3]! };
}

/** Compares without telling by the time it takes how much of it was right. */
export function isSameToken(expected: Pick<JoinToken, "id" | "secret">, given: Pick<JoinToken, "id" | "secret">): boolean {
  const digest = ({ id, secret }: Pick<JoinToken, "id" | "secret">) => createHash("sha256").update(`${id}.${secret}`).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
