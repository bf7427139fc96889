import { internalError } from "../../protocol/status";
import type { Call } from "./call";
import { json, refuse, respond } from "./call";
import { tokenIssuer, tokenKey } from "./identity";
import type { Ctx, ServerState } from "./state";
import { encodeJson } from "./storage/entry";

/**
 * What others need to believe this cluster's service account tokens: the issuer's configuration and its public keys. Source: "Managing
 * Service Accounts", service account issuer discovery; OpenID Connect Discovery 1.0; RFC 7517.
 */
const configurationPath = "/.well-known/openid-configuration";
const keysPath = "/openid/v1/jwks";

export function isIssuerPath(path: string): boolean {
  return path === configurationPath || path === keysPath;
}

export function serveIssuer(state: ServerState, ctx: Ctx, call: Call): undefined {
  if (call.request.path === configurationPath) {
    const { ip, port } = state.membership.advertised;
    const configuration = {
      issuer: tokenIssuer,
      jwks_uri: `https://${ip}:${port}${keysPath}`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    };
    return respond(ctx, call, json(200, encodeJson(configuration)));
  }
  ctx.sign({ type: "public", key: tokenKey }, (_state, result, ctx) => {
    if (!result.ok) return refuse(ctx, call, internalError(`the public key cannot be had: ${result.detail}`));
    const key = rsaKeyIn(result.pem);
    const keys = key ? [{ use: "sig", kty: "RSA", kid: tokenKey, alg: "RS256", ...key }] : [];
    return respond(ctx, call, { ...json(200, encodeJson({ keys })), contentType: "application/jwk-set+json" });
  });
}

/** Modulus and exponent of a public key as a JSON Web Key has them; undefined where the PEM holds no RSA key (a simulated one, say). */
export function rsaKeyIn(pem: string): { readonly n: string; readonly e: string } | undefined {
  const [, base64] = /-----BEGIN PUBLIC KEY-----([\s\S]*?)-----END PUBLIC KEY-----/.exec(pem) ?? [];
  if (base64 === undefined) return undefined;
  const der = Buffer.from(base64, "base64");
  // SubjectPublicKeyInfo: an algorithm, and a bit string in which there is a sequence of two integers. Source: RFC 5280, RFC 8017.
  const info = element(der, 0);
  const algorithm = element(der, info.start);
  const bits = element(der, algorithm.end);
  const pair = element(der, bits.start + 1);
  const modulus = element(der, pair.start);
  const exponent = element(der, modulus.end);
  const text = ({ start, end }: Element) => der.subarray(der[start] === 0 ? start + 1 : start, end).toString("base64url");
  return { n: text(modulus), e: text(exponent) };
}

/** Where an element's content begins and ends. */
interface Element {
  readonly start: number;
  readonly end: number;
}

function element(der: Uint8Array, at: number): Element {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const lengthBytes = first & 0x7f;
  let length = 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  return { start: at + 2 + lengthBytes, end: at + 2 + lengthBytes + length };
}
