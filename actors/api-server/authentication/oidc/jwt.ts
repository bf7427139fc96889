/** A JSON Web Token of any issuer, taken apart (RFC 7515, RFC 7519). Nothing in it may be believed before its signature was verified. */
export interface Jwt {
  readonly algorithm: string;
  /** "" where the header names no key. */
  readonly keyId: string;
  readonly claims: Claims;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

export type Claims = Readonly<Record<string, unknown>>;

/** undefined for what is no JSON Web Token. */
export function parseJwt(token: string): Jwt | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const [header = "", payload = "", signature = ""] = token.split(".");
  const head = json(header);
  const claims = json(payload);
  if (!head || !claims || typeof head.alg !== "string") return undefined;
  return {
    algorithm: head.alg,
    keyId: typeof head.kid === "string" ? head.kid : "",
    claims,
    signed: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, "base64url"),
  };
}

function json(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
