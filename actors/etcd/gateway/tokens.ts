import { createHmac, timingSafeEqual } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type { AuthResponse, Credential } from "../../../protocol/etcd-auth";
import { Refusal } from "./refusal";

/**
 * Tokens are signed, as etcd's of type jwt are: any member's gateway knows those of the others by the key that came into the log when auth
 * was enabled, and nothing has to be kept of them. One says who it is and of which auth revision; after any change of users and roles it is
 * of an old revision, and the client authenticates anew, as etcd's clients do by themselves.
 */
export class Tokens {
  private key: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly ttlMs: number,
    /** Asks the member for the key. */
    private readonly secrets: () => Promise<AuthResponse>,
  ) {}

  issue(user: string, { authRevision, tokenKey }: AuthResponse, nowMs: number): string {
    const claims = Buffer.from(JSON.stringify([user, authRevision, nowMs + this.ttlMs])).toString("base64url");
    return `${claims}.${signature(claims, tokenKey).toString("base64url")}`;
  }

  /** Whose token it is. Throws a Refusal where it is nobody's or has run out; while auth is not enabled, tokens mean nothing. */
  async verify(token: string, nowMs: number): Promise<Credential> {
    const [claims = "", signed = ""] = token.split(".");
    if (!this.isSigned(claims, signed)) {
      const { enabled, tokenKey } = await this.secrets();
      this.key = tokenKey;
      if (!enabled) return { user: "", authRevision: null };
      if (!this.isSigned(claims, signed)) throw invalidToken();
    }
    const [user, authRevision, untilMs] = JSON.parse(Buffer.from(claims, "base64url").toString()) as [string, number, number];
    if (untilMs <= nowMs) throw invalidToken();
    return { user, authRevision };
  }

  private isSigned(claims: string, signed: string): boolean {
    if (this.key.length === 0) return false;
    const expected = signature(claims, this.key);
    const given = Buffer.from(signed, "base64url");
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

function signature(claims: string, key: Uint8Array): Buffer {
  return createHmac("sha256", key).update(claims).digest();
}

function invalidToken(): Refusal {
  return new Refusal(status.UNAUTHENTICATED, "etcdserver: invalid auth token");
}
