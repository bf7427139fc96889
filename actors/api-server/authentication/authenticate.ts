import type { Address } from "../../../protocol/address";
import type { Credential } from "../../../protocol/api";
import { type Failure, unauthorized } from "../../../protocol/status";
import { type ActorAccounts, userOfActor } from "./actors";
import { parseBootstrapToken, sameText } from "./bootstrap-token";
import { type LegacyClaims, legacyClaims } from "./legacy-token";
import { type Jwt, parseJwt } from "./oidc/jwt";
import { type ParsedToken, parseToken } from "./token";
import { anonymous, authenticated, type User } from "./user";

/** A bearer token that is known in advance. */
export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly groups: readonly string[];
}

/**
 * What a credential is worth. A service account's token is only half believed: its signature, its claims (`tokenFault`) and what it is
 * bound to (`bindingFault`) have to be good before `serviceAccountUser` may be asked.
 */
export type Authentication =
  | { readonly type: "user"; readonly user: User }
  | { readonly type: "token"; readonly token: ParsedToken }
  /** Worth what the Secret of that id says. */
  | { readonly type: "bootstrap"; readonly token: { readonly id: string; readonly secret: string } }
  /** Perhaps of another issuer; worth what that one's keys and the configuration say. */
  | { readonly type: "jwt"; readonly token: Jwt }
  /** Lies in a Secret, which has to hold it still. */
  | { readonly type: "legacy"; readonly token: { readonly text: string; readonly jwt: Jwt; readonly claims: LegacyClaims } }
  | { readonly type: "refused"; readonly status: Failure };

/**
 * Turns a credential into a user. `from` is the actor that sent the request: only a gateway may pass on what others showed it, all
 * others are who they are, whatever they say. A client certificate has been checked against the cluster's authority by the gateway's
 * TLS handshake: its common name is the user, its organizations are the groups. `isIssuer` says whether a token comes from another issuer
 * whose tokens are believed; `accounts` which actors run as service accounts.
 */
export function authenticate(
  credential: Credential,
  from: Address,
  staticTokens: readonly StaticToken[],
  isIssuer: (token: Jwt) => boolean = () => false,
  accounts: ActorAccounts = {},
): Authentication {
  const actor = userOfActor(from, accounts);
  if (actor !== undefined) return credential.type === "actor" ? { type: "user", user: actor } : refused();
  switch (credential.type) {
    case "actor":
      return refused();
    case "anonymous":
      return { type: "user", user: anonymous };
    case "certificate":
      return credential.commonName === "" ? refused() : holderOf(credential);
    case "bearer":
      return bearer(credential.token, staticTokens, isIssuer);
  }
}

type Certificate = Extract<Credential, { readonly type: "certificate" }>;
type Known = Extract<Authentication, { readonly type: "user" }>;

const holders = new WeakMap<Certificate, Known>();

/** Whom a certificate stands for: what a connection sends is decoded once, and is the same object then. */
function holderOf(certificate: Certificate): Known {
  let holder = holders.get(certificate);
  if (holder === undefined) {
    holder = { type: "user", user: authenticated(certificate.commonName, certificate.organizations) };
    holders.set(certificate, holder);
  }
  return holder;
}

function bearer(token: string, staticTokens: readonly StaticToken[], isIssuer: (token: Jwt) => boolean): Authentication {
  const known = staticTokens.find((t) => sameText(t.token, token));
  if (known !== undefined) return { type: "user", user: authenticated(known.user, known.groups) };
  const bootstrap = parseBootstrapToken(token);
  if (bootstrap !== undefined) return { type: "bootstrap", token: bootstrap };
  const foreign = parseJwt(token);
  if (foreign && isIssuer(foreign)) return { type: "jwt", token: foreign };
  const legacy = foreign && legacyClaims(foreign);
  if (foreign && legacy) return { type: "legacy", token: { text: token, jwt: foreign, claims: legacy } };
  const parsed = parseToken(token);
  return typeof parsed === "string" ? refused() : { type: "token", token: parsed };
}

/** A refusal says nothing of why: that would help whoever guesses. */
function refused(): Authentication {
  return { type: "refused", status: unauthorized() };
}
