import type { Secret, ServiceAccount } from "../../../protocol/kinds/generated";
import type { Jwt } from "./oidc/jwt";
import { authenticated, serviceAccountGroups, serviceAccountName, type User } from "./user";

/**
 * Service account tokens of the old kind: they lie in a Secret of type kubernetes.io/service-account-token, never expire, and are good as long
 * as the Secret holds them. Source: "Managing Service Accounts", manual Secret management; "Configure Service Accounts for Pods".
 */
export const legacyIssuer = "kubernetes/serviceaccount";
export const legacyTokenType = "kubernetes.io/service-account-token";
export const accountNameAnnotation = "kubernetes.io/service-account.name";
export const accountUidAnnotation = "kubernetes.io/service-account.uid";
/** Dates, "2026-01-31": when a token was used last, and since when it is no longer believed because nobody used it. */
export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
/** In kube-system: since when uses are noted. Before that nothing follows from there being none. */
export const trackingConfigMap = "kube-apiserver-legacy-service-account-token-tracking";

const claim = (name: string) => `kubernetes.io/serviceaccount/${name}`;

export interface LegacyClaims {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly accountUid: string;
}

/** The bytes to sign for a token with these claims. */
export function legacyTokenToSign({ namespace, secret, account, accountUid }: LegacyClaims, keyId: string): Uint8Array {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: legacyIssuer,
    [claim("namespace")]: namespace,
    [claim("secret.name")]: secret,
    [claim("service-account.name")]: account,
    [claim("service-account.uid")]: accountUid,
    sub: serviceAccountName(namespace, account),
  };
  return Buffer.from(`${part({ alg: "RS256", kid: keyId })}.${part(claims)}`);
}

/** The claims of a token that has the form of one; undefined otherwise. Nothing in it may be believed before its signature was verified. */
export function legacyClaims({ algorithm, claims }: Jwt): LegacyClaims | undefined {
  if (claims.iss !== legacyIssuer || algorithm !== "RS256") return undefined;
  const text = (name: string) => (typeof claims[claim(name)] === "string" ? (claims[claim(name)] as string) : "");
  const found = {
    namespace: text("namespace"),
    secret: text("secret.name"),
    account: text("service-account.name"),
    accountUid: text("service-account.uid"),
  };
  const isWhole = found.namespace !== "" && found.secret !== "" && found.account !== "" && found.accountUid !== "";
  return isWhole && claims.sub === serviceAccountName(found.namespace, found.account) ? found : undefined;
}

/** Whether the Secret and the account that a token with a good signature names still stand behind it; undefined where they do, else why not. */
export function legacyFault(
  token: string,
  claims: LegacyClaims,
  secret: Secret | undefined,
  account: ServiceAccount | undefined,
): string | undefined {
  if (!secret || secret.metadata?.deletionTimestamp !== undefined) return "Token has been invalidated: its Secret is gone";
  if (Buffer.from(secret.data?.token ?? "", "base64").toString("latin1") !== token) return "Token does not match server's copy";
  if (secret.metadata?.labels?.[invalidSinceLabel])
    return `the token in secret ${claims.namespace}/${claims.secret} for service account ${claims.namespace}/${claims.account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`;
  if (!account || account.metadata?.deletionTimestamp !== undefined) return `service account ${claims.namespace}/${claims.account} is gone`;
  if (account.metadata?.uid !== claims.accountUid)
    return `service account UID (${account.metadata?.uid}) does not match claim (${claims.accountUid})`;
  return undefined;
}

/** The user that such a token stands for. */
export function legacyUser({ namespace, account, accountUid }: LegacyClaims): User {
  return authenticated(serviceAccountName(namespace, account), serviceAccountGroups(namespace), { uid: accountUid });
}

/** "2026-01-31" */
export function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}
