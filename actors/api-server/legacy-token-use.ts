import type { Secret, ServiceAccount } from "../../protocol/kinds/generated";
import type { ApiObject } from "../../protocol/kinds/object";
import { dateOf, type LegacyClaims, lastUsedLabel, legacyFault, legacyUser, trackingConfigMap } from "./authentication/legacy-token";
import type { Jwt } from "./authentication/oidc/jwt";
import type { User } from "./authentication/user";
import type { Ctx, ServerState } from "./state";
import { encodeStored } from "./storage/entry";
import { cacheOf } from "./storage/feed";
import { guaranteedUpdate } from "./storage/guaranteed-update";
import { keyOfObject, resourceNamed } from "./storage/keys";

const secrets = resourceNamed("", "v1", "secrets");
const accounts = resourceNamed("", "v1", "serviceaccounts");

/** Believes a token that lies in a Secret, or says why not, and notes on the Secret that it was used on this day. */
export function verifyLegacyToken(
  _state: ServerState,
  ctx: Ctx,
  token: { readonly text: string; readonly jwt: Jwt; readonly claims: LegacyClaims; readonly key: string },
  then: (state: ServerState, verdict: User | string, ctx: Ctx) => undefined,
): undefined {
  const { text, jwt, claims, key } = token;
  ctx.sign({ type: "verify", key, bytes: jwt.signed, signature: jwt.signature }, (state, result, ctx) => {
    if (!result.ok) return then(state, result.detail, ctx);
    if (!result.valid) return then(state, "the signature is not good", ctx);
    const at = keyOfObject(secrets, claims.namespace, claims.secret);
    const secret = cacheOf(state.feed, secrets).get(at)?.object as Secret | undefined;
    const account = cacheOf(state.feed, accounts).get(keyOfObject(accounts, claims.namespace, claims.account))?.object;
    const fault = legacyFault(text, claims, secret, account as ServiceAccount | undefined);
    if (fault !== undefined) return then(state, fault, ctx);
    noteUse(state, ctx, at);
    return then(state, legacyUser(claims), ctx);
  });
}

/** At most one write a day for each token; if it fails the next use tries again. */
function noteUse(state: ServerState, ctx: Ctx, key: string): undefined {
  const today = dateOf(ctx.wallUs() / 1000);
  const cached = cacheOf(state.feed, secrets).get(key);
  if (!cached || cached.object.metadata.labels?.[lastUsedLabel] === today) return;
  const plan = {
    key,
    cached,
    deadlineUs: ctx.monotonicUs() + 5e6,
    change(current: typeof cached | undefined) {
      if (!current || current.object.metadata.labels?.[lastUsedLabel] === today) return { type: "keep" } as const;
      const { metadata } = current.object;
      const labelled = { ...current.object, metadata: { ...metadata, labels: { ...metadata.labels, [lastUsedLabel]: today } } };
      return { type: "put", stored: encodeStored(labelled) } as const;
    },
  };
  return guaranteedUpdate(state, ctx, plan, () => undefined);
}

/** Since when the API servers of this cluster note the use of such tokens. */
export function tokenTracking(nowMs: number): ApiObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: trackingConfigMap, namespace: "kube-system" },
    data: { since: dateOf(nowMs) },
  } as ApiObject;
}
