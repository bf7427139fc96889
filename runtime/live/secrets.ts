import { constants, createPublicKey, type JsonWebKeyInput, type KeyObject, sign, verify } from "node:crypto";
import type { SignRequest, SignResult } from "../actor";
import type { Secrets } from "../world";
import type { Authority } from "./certificates";

const none = new Uint8Array(0);

/** A cluster's keys in the process that holds them. Signatures are RS256 (RSASSA-PKCS1-v1_5 with SHA-256), which are deterministic. */
export class LiveSecrets implements Secrets {
  /** `keys` are RSA private keys by name; the name "ca" means the authority. */
  constructor(
    private readonly authority: Authority,
    private readonly keys: ReadonlyMap<string, KeyObject>,
  ) {}

  perform(request: SignRequest): SignResult {
    try {
      return this.tryTo(request);
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
  }

  private tryTo(request: SignRequest): SignResult {
    switch (request.type) {
      case "sign":
        return { ok: true, bytes: new Uint8Array(sign("sha256", request.bytes, this.key(request.key))), valid: true, pem: "" };
      case "verify":
        return {
          ok: true,
          bytes: none,
          valid: verify("sha256", request.bytes, createPublicKey(this.key(request.key)), request.signature),
          pem: "",
        };
      case "verifyWith":
        return { ok: true, bytes: none, valid: verifyWith(request), pem: "" };
      case "certificate":
        return { ok: true, bytes: none, valid: true, pem: this.certificate(request) };
      case "public":
        return {
          ok: true,
          bytes: none,
          valid: true,
          pem: request.key === "ca" ? this.authority.certificate : this.publicPart(request.key),
        };
      default:
        return request satisfies never;
    }
  }

  private certificate(request: Extract<SignRequest, { type: "certificate" }>): string {
    return this.authority.signRequest(request.request, request);
  }

  private publicPart(name: string): string {
    return createPublicKey(this.key(name)).export({ type: "spki", format: "pem" }).toString();
  }

  private key(name: string): KeyObject {
    const key = this.keys.get(name);
    if (key === undefined) throw new Error(`no key is named ${JSON.stringify(name)}; there are ${[...this.keys.keys()].join(", ")}`);
    return key;
  }
}

/** Source: RFC 7518, sections 3.3 to 3.5: what each algorithm says of hash, padding and form. Throws an Error for a key that it is not for. */
function verifyWith({ key, algorithm, bytes, signature }: Extract<SignRequest, { type: "verifyWith" }>): boolean {
  const [, family = "", bits = ""] = /^(RS|PS|ES)(256|384|512)$/.exec(algorithm) ?? [];
  if (family === "") throw new Error(`${algorithm} is no algorithm for signatures`);
  const publicKey = createPublicKey({ key: key as JsonWebKeyInput["key"], format: "jwk" });
  const hash = `sha${bits}`;
  if (family !== "ES") {
    if (publicKey.asymmetricKeyType !== "rsa") throw new Error(`${algorithm} is for RSA keys`);
    const padding = family === "PS" ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    return verify(hash, bytes, { key: publicKey, padding, ...(family === "PS" ? { saltLength: Number(bits) / 8 } : {}) }, signature);
  }
  if (publicKey.asymmetricKeyType !== "ec") throw new Error(`${algorithm} is for EC keys`);
  return verify(hash, bytes, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
}

/** What a joined host has: none of the cluster's keys. */
export class NoSecrets implements Secrets {
  perform(request: SignRequest): SignResult {
    return { ok: false, detail: `${request.type}: this host holds none of the cluster's keys` };
  }
}
