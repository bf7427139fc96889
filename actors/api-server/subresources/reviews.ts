import { address } from "../../../protocol/address";
import type {
  LocalSubjectAccessReview,
  PolicyRule,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from "../../../protocol/kinds/generated";
import type { Kind } from "../../../protocol/kinds/registry";
import { badRequest, type Failure, isFailure } from "../../../protocol/status";
import { admitSubresource } from "../admission/dynamic/subresource";
import { authenticate } from "../authentication/authenticate";
import { isIssuedElsewhere, verifyJwt } from "../authentication/oidc/provider";
import type { User } from "../authentication/user";
import { rulesOfPolicies } from "../authorization/abac";
import { rulesOf } from "../authorization/rbac";
import { reviewAccess, reviewRules, reviewSelf, reviewToken, type TokenVerdict } from "../authorization/reviews";
import { withAccess } from "../authorization-chain";
import { rbacObjects } from "../authorization-memo";
import { type Call, refuse, respondObject } from "../call";
import { tokenIssuer, tokenKey, verifyBootstrapToken, verifyToken } from "../identity";
import { verifyLegacyToken } from "../legacy-token-use";
import { parseBody, type Received, receiveObject } from "../registry/body";
import type { Ctx, ServerState } from "../state";
import { encodeJson } from "../storage/entry";

type Review = SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview | SelfSubjectRulesReview | SelfSubjectReview;

/** Questions that are posted as objects and answered in their status; nothing is stored. */
export function answerReview(state: ServerState, ctx: Ctx, call: Call, kind: Kind): undefined {
  const { request } = call;
  const json = parseBody(request, kind.kind);
  if (isFailure(json)) return refuse(ctx, call, json);
  const received = receiveObject(request, kind, json, request.namespace);
  if (isFailure(received)) return refuse(ctx, call, received);
  return admitSubresource(state, ctx, { ...call, kind }, "CREATE", kind, received.object, false, (state, admitted, ctx) =>
    isFailure(admitted)
      ? refuse(ctx, call, admitted)
      : answerAdmitted(state, ctx, call, kind, { object: admitted.object, warnings: [...received.warnings, ...admitted.warnings] }),
  );
}

function answerAdmitted(state: ServerState, ctx: Ctx, call: Call, kind: Kind, received: Received): undefined {
  const { request, user } = call;
  const answer = (ctx: Ctx, review: object | Failure) =>
    isFailure(review) ? refuse(ctx, call, review) : respondObject(ctx, call, 201, encodeJson(review), received.warnings);
  const review = received.object as unknown as Review;
  switch (kind.kind) {
    case "SubjectAccessReview":
    case "LocalSubjectAccessReview":
    case "SelfSubjectAccessReview":
      return withAccess(
        state,
        ctx,
        call.deadlineUs,
        (authorize) => reviewAccess(review as SubjectAccessReview, { requester: user, namespace: request.namespace, authorize }),
        (_state, reviewed, ctx) => answer(ctx, reviewed),
      );
    case "SelfSubjectRulesReview":
      return answer(
        ctx,
        reviewRules(review as SelfSubjectRulesReview, (namespace) => listedRules(state, user, namespace)),
      );
    case "SelfSubjectReview":
      return answer(ctx, reviewSelf(review as SelfSubjectReview, user));
    case "TokenReview":
      // In the words of a real server, which answers so to an empty token as well.
      if (!(review as unknown as TokenReview).spec?.token)
        return answer(ctx, badRequest("token is required for TokenReview in authentication"));
      return judge(state, ctx, review as unknown as TokenReview, (ctx, verdict) =>
        answer(ctx, reviewToken(review as unknown as TokenReview, verdict)),
      );
    default:
      throw new Error(`nobody answers a ${kind.kind}`);
  }
}

/** What may be done is only known of those authorizers that have rules; of a webhook it is not. */
function listedRules(state: ServerState, user: User, namespace: string) {
  const { chain, asksWebhooks } = state.authorizers;
  const all: readonly PolicyRule[] = [
    { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
    { verbs: ["*"], nonResourceURLs: ["*"] },
  ];
  const rules: PolicyRule[] = [];
  let incomplete = false;
  for (const link of chain) {
    if (link.type === "AlwaysAllow") rules.push(...all);
    if (link.type === "ABAC") rules.push(...rulesOfPolicies(link.policies, user, namespace));
    if (link.type !== "RBAC") continue;
    const found = rulesOf(user, namespace, rbacObjects(state));
    rules.push(...found.rules);
    incomplete ||= found.incomplete;
  }
  const found = { rules, incomplete };
  return asksWebhooks ? { ...found, incomplete: true, evaluationError: "webhook authorizer does not support user rule resolution" } : found;
}

/** Whom the token in a TokenReview stands for. */
function judge(state: ServerState, ctx: Ctx, { spec }: TokenReview, then: (ctx: Ctx, verdict: TokenVerdict) => undefined): undefined {
  const audiences = spec.audiences && spec.audiences.length > 0 ? spec.audiences : [tokenIssuer];
  const found = authenticate(
    { type: "bearer", token: spec.token ?? "" },
    address("gateway", "review"),
    state.config.staticTokens ?? [],
    (token) => isIssuedElsewhere(state, token),
  );
  switch (found.type) {
    case "user":
      return then(ctx, { ok: true, user: found.user, audiences });
    case "refused":
      return then(ctx, { ok: false, error: "invalid bearer token" });
    case "bootstrap": {
      const user = verifyBootstrapToken(state, ctx, found.token);
      return then(ctx, user ? { ok: true, user, audiences } : { ok: false, error: "invalid bearer token" });
    }
    // Such tokens are for the API servers, whoever asks: they say nothing about other audiences.
    case "jwt":
      return verifyJwt(state, ctx, found.token, (_state, verdict, ctx) => then(ctx, forApiServers(verdict, audiences)));
    case "legacy":
      return verifyLegacyToken(state, ctx, { ...found.token, key: tokenKey }, (_state, verdict, ctx) =>
        then(ctx, forApiServers(verdict, audiences)),
      );
    case "token":
      return verifyToken(state, ctx, found.token, audiences, (_state, verdict, ctx) => {
        const meant = audiences.filter((audience) => found.token.claims.aud.includes(audience));
        return then(ctx, typeof verdict === "string" ? { ok: false, error: verdict } : { ok: true, user: verdict, audiences: meant });
      });
  }
}

function forApiServers(verdict: User | string, audiences: readonly string[]): TokenVerdict {
  if (typeof verdict === "string") return { ok: false, error: verdict };
  const meant = audiences.filter((audience) => audience === tokenIssuer);
  return meant.length > 0 ? { ok: true, user: verdict, audiences: meant } : { ok: false, error: "invalid bearer token" };
}
