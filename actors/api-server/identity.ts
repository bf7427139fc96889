import type { Address } from "../../protocol/address";
import type { ApiRequest } from "../../protocol/api";
import type { Secret } from "../../protocol/kinds/generated";
import { type Failure, isFailure, unauthorized } from "../../protocol/status";
import { letsInAnonymous } from "./authentication/anonymous";
import { authenticate } from "./authentication/authenticate";
import { bootstrapSecretName, bootstrapUser } from "./authentication/bootstrap-token";
import { impersonated, impersonationQuestions } from "./authentication/impersonation";
import { isIssuedElsewhere, verifyJwt } from "./authentication/oidc/provider";
import { type BoundLookup, bindingFault, type ParsedToken, serviceAccountUser, tokenFault } from "./authentication/token";
import type { User } from "./authentication/user";
import type { Attributes } from "./authorization/attributes";
import { type Decision, forbiddenRequest } from "./authorization/rbac";
import { withAccess } from "./authorization-chain";
import { verifyLegacyToken } from "./legacy-token-use";
import type { Ctx, ServerState } from "./state";
import { cacheOf } from "./storage/feed";
import { keyOfObject, resourceNamed } from "./storage/keys";

/** The cluster's key for service account tokens, and what stands in them as issuer and audience. */
export const tokenKey = "service-account";
export const tokenIssuer = "https://kubernetes.default.svc.cluster.local";

/** `original` is who showed the credential, where the request is made in another's name. */
type Then = (state: ServerState, user: User | Failure, ctx: Ctx, original?: User) => undefined;

/** Who asks: the credential believed, and the person it is used for where the request impersonates somebody. */
export function identify(
  state: ServerState,
  ctx: Ctx,
  request: Pick<ApiRequest, "credential" | "impersonation" | "path">,
  from: Address,
  then: Then,
): undefined {
  const { credential, impersonation } = request;
  const { staticTokens = [], actorAccounts, anonymous } = state.config;
  if (credential.type === "anonymous" && !letsInAnonymous(anonymous, request.path)) return then(state, unauthorized(), ctx);
  const authentication = authenticate(credential, from, staticTokens, (token) => isIssuedElsewhere(state, token), actorAccounts);
  const proceed: Then = (state, user, ctx) => {
    if (isFailure(user) || !impersonation) return then(state, user, ctx);
    const questions = impersonationQuestions(impersonation);
    if (isFailure(questions)) return then(state, questions, ctx);
    const find = (authorize: (user: User, wanted: Attributes) => Decision) => questions.find((each) => !authorize(user, each).allowed);
    const deadlineUs = ctx.monotonicUs() + state.knobs["request-timeout"] * 1000;
    return withAccess(state, ctx, deadlineUs, find, (state, refused, ctx) =>
      then(state, refused ? forbiddenRequest(user, refused) : impersonated(impersonation), ctx, user),
    );
  };
  switch (authentication.type) {
    case "user":
      return proceed(state, authentication.user, ctx);
    case "refused":
      return then(state, authentication.status, ctx);
    case "bootstrap":
      return proceed(state, verifyBootstrapToken(state, ctx, authentication.token) ?? unauthorized(), ctx);
    case "token":
      return verifyToken(state, ctx, authentication.token, [tokenIssuer], (state, verdict, ctx) =>
        proceed(state, typeof verdict === "string" ? unauthorized() : verdict, ctx),
      );
    case "legacy":
      return verifyLegacyToken(state, ctx, { ...authentication.token, key: tokenKey }, (state, verdict, ctx) =>
        proceed(state, typeof verdict === "string" ? unauthorized() : verdict, ctx),
      );
    case "jwt":
      return verifyJwt(state, ctx, authentication.token, (state, verdict, ctx) =>
        proceed(state, typeof verdict === "string" ? unauthorized() : verdict, ctx),
      );
  }
}

/** The user that a bootstrap token stands for, by the Secret that the cache has of it. */
export function verifyBootstrapToken(
  state: ServerState,
  ctx: Ctx,
  token: { readonly id: string; readonly secret: string },
): User | undefined {
  const secrets = resourceNamed("", "v1", "secrets");
  const entry = cacheOf(state.feed, secrets).get(keyOfObject(secrets, "kube-system", bootstrapSecretName(token.id)));
  return bootstrapUser(token, entry?.object as unknown as Secret | undefined, ctx.wallUs() / 1000);
}

/** Believes a service account's token, or says why not: signature, claims, and that what it is bound to still lives. */
export function verifyToken(
  _state: ServerState,
  ctx: Ctx,
  { claims, signed, signature }: ParsedToken,
  audiences: readonly string[],
  then: (state: ServerState, verdict: User | string, ctx: Ctx) => undefined,
): undefined {
  ctx.sign({ type: "verify", key: tokenKey, bytes: signed, signature }, (state, result, ctx) => {
    if (!result.ok) return then(state, result.detail, ctx);
    if (!result.valid) return then(state, "the signature is not good", ctx);
    const nowMs = ctx.wallUs() / 1000;
    const fault = tokenFault(claims, { issuer: tokenIssuer, audiences, nowMs }) ?? bindingFault(claims, lookupIn(state), nowMs);
    return then(state, fault ?? serviceAccountUser(claims), ctx);
  });
}

function lookupIn(state: ServerState): BoundLookup {
  return (resource, namespace, name) => {
    const stored = resourceNamed("", "v1", resource);
    const metadata = cacheOf(state.feed, stored).get(keyOfObject(stored, namespace, name))?.object.metadata;
    return metadata && { uid: metadata.uid, deletionTimestamp: metadata.deletionTimestamp };
  };
}
