import { authenticated, serviceAccountGroups, serviceAccountName, type User } from "./user";

/**
 * Service account tokens: JSON Web Tokens (RFC 7519) signed with RS256, with Kubernetes' own claims about what they are bound to. Here
 * they are written, taken apart and judged; signing and verifying are effects, and happen elsewhere.
 */

export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly iss: string;
  /** "system:serviceaccount:NAMESPACE:NAME" */
  readonly sub: string;
  readonly aud: readonly string[];
  /** Seconds since 1970, as are nbf and iat. */
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly namespace: string;
  readonly serviceAccount: BoundObject;
  /** Tokens that are mounted into a Pod die with it. */
  readonly pod: BoundObject | undefined;
  readonly node: BoundObject | undefined;
  readonly secret: BoundObject | undefined;
}

/** A token taken apart. Nothing in it may be believed before the signature over `signed` has been verified. */
export interface ParsedToken {
  readonly claims: TokenClaims;
  /** The bytes that were signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const algorithm = "RS256";

/** The bytes to sign for a token with these claims: header and claims, base64url, with a dot between. */
export function tokenToSign(claims: TokenClaims, keyId: string): Uint8Array {
  const { namespace, serviceAccount, pod, node, secret, jti, ...registered } = claims;
  const bound = { namespace, serviceaccount: serviceAccount, ...(pod && { pod }), ...(node && { node }), ...(secret && { secret }) };
  const header = { alg: algorithm, kid: keyId };
  return Buffer.from(`${base64url(header)}.${base64url({ ...registered, jti, "kubernetes.io": bound })}`);
}

/** The finished token. */
export function assembleToken(signed: Uint8Array, signature: Uint8Array): string {
  return `${Buffer.from(signed).toString()}.${Buffer.from(signature).toString("base64url")}`;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Whether a bearer token has the form of a JSON Web Token at all; static tokens do not. */
export function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

/** Takes a token apart; a text that says what is wrong with it otherwise. Only RS256 is understood: "none" would let anybody in. */
export function parseToken(token: string): ParsedToken | string {
  if (!looksLikeJwt(token)) return "expected three parts in base64url with dots between them";
  const [header = "", payload = "", signature = ""] = token.split(".");
  const head = jsonRecord(header);
  if (head === undefined) return "the header is not a JSON object";
  if (head.alg !== algorithm) return `the algorithm is ${JSON.stringify(head.alg)}, expected ${algorithm}`;
  const body = jsonRecord(payload);
  if (body === undefined) return "the claims are not a JSON object";
  const claims = readClaims(body);
  if (typeof claims === "string") return claims;
  return { claims, signed: Buffer.from(`${header}.${payload}`), signature: Buffer.from(signature, "base64url") };
}

type Json = Readonly<Record<string, unknown>>;

function jsonRecord(part: string): Json | undefined {
  try {
    return record(JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    return undefined;
  }
}

function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function readClaims(body: Json): TokenClaims | string {
  const { iss, sub, aud, exp, nbf, iat, jti } = body;
  if (typeof iss !== "string" || typeof sub !== "string") return "iss and sub have to be texts";
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (!Array.isArray(audiences) || !audiences.every((a) => typeof a === "string")) return "aud has to be a text or a list of texts";
  if (typeof exp !== "number") return "exp has to be a number";
  const bound = record(body["kubernetes.io"]);
  const serviceAccount = boundObject(bound?.serviceaccount);
  if (typeof bound?.namespace !== "string" || serviceAccount === undefined)
    return "kubernetes.io has to name a namespace and a serviceaccount";
  if (sub !== serviceAccountName(bound.namespace, serviceAccount.name)) return "sub is not the service account that kubernetes.io names";
  const seconds = (value: unknown) => (typeof value === "number" ? value : 0);
  return {
    iss,
    sub,
    aud: audiences,
    exp,
    nbf: seconds(nbf),
    iat: seconds(iat),
    jti: typeof jti === "string" ? jti : "",
    namespace: bound.namespace,
    serviceAccount,
    pod: boundObject(bound.pod),
    node: boundObject(bound.node),
    secret: boundObject(bound.secret),
  };
}

function boundObject(value: unknown): BoundObject | undefined {
  const { name, uid } = record(value) ?? {};
  return typeof name === "string" && typeof uid === "string" ? { name, uid } : undefined;
}

export interface TokenExpectations {
  readonly issuer: string;
  /** The token must be meant for one of these. */
  readonly audiences: readonly string[];
  readonly nowMs: number;
}

/** Judges the claims of a token whose signature is good; undefined where it may be used, else why not. */
export function tokenFault({ iss, aud, exp, nbf }: TokenClaims, { issuer, audiences, nowMs }: TokenExpectations): string | undefined {
  const now = nowMs / 1_000;
  // A second of difference between clocks is nobody's fault; a token is never believed long after its end.
  const leewaySeconds = 1;
  if (iss !== issuer) return `the issuer is ${JSON.stringify(iss)}, expected ${JSON.stringify(issuer)}`;
  if (!aud.some((audience) => audiences.includes(audience))) return `the token is meant for ${aud.join(", ") || "nobody"}`;
  if (now >= exp + leewaySeconds) return "the token has expired";
  if (now < nbf - leewaySeconds) return "the token is not valid yet";
  return undefined;
}

/** What the cluster holds of an object that a token is bound to. */
export type BoundLookup = (
  resource: "serviceaccounts" | "pods" | "nodes" | "secrets",
  namespace: string,
  name: string,
) => { readonly uid: string; readonly deletionTimestamp?: string | undefined } | undefined;

/** After the end of a deleted Pod's grace its token is believed for this long, so that it can still say goodbye. */
const afterDeletionMs = 60_000;

/** Whether everything that the token is bound to is still the same object; undefined where it is, else why not. */
export function bindingFault(
  { namespace, serviceAccount, pod, node, secret }: TokenClaims,
  lookup: BoundLookup,
  nowMs: number,
): string | undefined {
  const bound = [
    ["serviceaccounts", namespace, serviceAccount],
    ["pods", namespace, pod],
    ["secrets", namespace, secret],
  ] as const;
  for (const [resource, where, object] of bound) {
    if (object === undefined) continue;
    const found = lookup(resource, where, object.name);
    if (found === undefined || found.uid !== object.uid) return `${resource} ${where}/${object.name} is gone`;
    if (found.deletionTimestamp !== undefined && nowMs > Date.parse(found.deletionTimestamp) + afterDeletionMs)
      return `${resource} ${where}/${object.name} has been deleted`;
  }
  // Only a token that is bound to a node and to no Pod depends on the node: a Pod's token goes with the Pod.
  if (node !== undefined && pod === undefined && lookup("nodes", "", node.name)?.uid !== node.uid) return `nodes ${node.name} is gone`;
  return undefined;
}

/** The user that a good token stands for. */
export function serviceAccountUser({ sub, namespace, serviceAccount, pod, node, jti }: TokenClaims): User {
  const prefix = "authentication.kubernetes.io";
  const extra = {
    ...(jti === "" ? {} : { [`${prefix}/credential-id`]: [`JTI=${jti}`] }),
    ...(pod === undefined ? {} : { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] }),
    ...(node === undefined ? {} : { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] }),
  };
  return authenticated(sub, serviceAccountGroups(namespace), { uid: serviceAccount.uid, extra });
}
