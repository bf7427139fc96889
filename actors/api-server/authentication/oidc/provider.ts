import type { JsonWebKey } from "../../../../runtime/actor";
import type { Ctx, ServerState } from "../../state";
import { fetchJson } from "../../web/fetch";
import type { User } from "../user";
import { type JwtAuthenticator, signingAlgorithms } from "./configuration";
import type { Jwt } from "./jwt";
import { compileMapping, type Mapping, userOfClaims } from "./mapping";

/** An issuer whose tokens are believed, and its keys as they were last seen. Keys come over the wire when a token names one that is not known. */
interface Provider {
  readonly mapping: Mapping;
  keys: readonly JsonWebKey[];
  /** Monotonic; the keys are not asked for again at once, whoever shows what tokens. */
  askedUs: number;
  waiting: ((state: ServerState, ctx: Ctx, why: string | undefined) => undefined)[] | undefined;
}

export type Oidc = ReadonlyMap<string, Provider>;

/** At most so often an issuer is asked for its keys; at most so long it is waited for. */
const againMs = 1_000;
const fetchMs = 5_000;

/**
 * By issuer. Throws an Error where an expression cannot be compiled; what else may be wrong was found when the configuration was read. An issuer of
 * which the earlier configuration said the same keeps its keys.
 */
export function newOidc(authenticators: readonly JwtAuthenticator[] = [], earlier: Oidc = new Map()): Oidc {
  const providers = new Map<string, Provider>();
  authenticators.forEach((authenticator, index) => {
    const { mapping, problems } = compileMapping(authenticator, `jwt[${index}]`);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    const known = earlier.get(authenticator.issuer.url);
    if (known && JSON.stringify(known.mapping.authenticator) === JSON.stringify(authenticator))
      providers.set(authenticator.issuer.url, known);
    else providers.set(authenticator.issuer.url, { mapping, keys: [], askedUs: Number.NEGATIVE_INFINITY, waiting: undefined });
  });
  return providers;
}

/** Whether an issuer of this name is configured. */
export function isIssuedElsewhere({ oidc }: ServerState, { claims }: Jwt): boolean {
  return oidc.has(String(claims.iss));
}

/** Believes a token of a configured issuer, or says why not. */
export function verifyJwt(
  state: ServerState,
  ctx: Ctx,
  token: Jwt,
  then: (state: ServerState, verdict: User | string, ctx: Ctx) => undefined,
): undefined {
  const issuer = String(token.claims.iss);
  const provider = state.oidc.get(issuer)!;
  const { authenticator } = provider.mapping;
  const allowed = authenticator.signingAlgorithms ?? signingAlgorithms;
  if (!signingAlgorithms.includes(token.algorithm) || !allowed.includes(token.algorithm))
    return then(state, `oidc: verify token: unexpected signature algorithm ${JSON.stringify(token.algorithm)}`, ctx);
  if (candidates(provider, token).length > 0) return tryKeys(state, ctx, provider, token, candidates(provider, token), true, then);
  return refresh(state, ctx, provider, (state, ctx, why) => {
    const keys = candidates(provider, token);
    if (keys.length === 0) return then(state, why ?? "oidc: verify token: failed to verify signature: no key of that name", ctx);
    return tryKeys(state, ctx, provider, token, keys, false, then);
  });
}

/** The keys that may have signed it: those of its name, or all where it names none; never one that is meant for something else. */
function candidates({ keys }: Provider, { keyId, algorithm }: Jwt): readonly JsonWebKey[] {
  const kind = algorithm.startsWith("ES") ? "EC" : "RSA";
  return keys.filter(
    ({ kid, kty, use, alg }) =>
      kty === kind && (keyId === "" || kid === keyId) && (use ?? "sig") === "sig" && (alg ?? algorithm) === algorithm,
  );
}

/** A key may have been replaced under its old name: where the known ones do not fit, they are fetched once more. */
function tryKeys(
  state: ServerState,
  ctx: Ctx,
  provider: Provider,
  token: Jwt,
  [key, ...others]: readonly JsonWebKey[],
  mayRefresh: boolean,
  then: (state: ServerState, verdict: User | string, ctx: Ctx) => undefined,
): undefined {
  if (key === undefined) {
    const failed = "oidc: verify token: failed to verify signature: failed to verify id token signature";
    if (!mayRefresh) return then(state, failed, ctx);
    return refresh(state, ctx, provider, (state, ctx) => tryKeys(state, ctx, provider, token, candidates(provider, token), false, then));
  }
  const { algorithm, signed, signature } = token;
  ctx.sign({ type: "verifyWith", key, algorithm, bytes: signed, signature }, (state, result, ctx) => {
    if (!result.ok || !result.valid) return tryKeys(state, ctx, provider, token, others, mayRefresh, then);
    return then(state, userOfClaims(provider.mapping, token.claims, ctx.wallUs() / 1000), ctx);
  });
}

/** Asks the issuer for its configuration, and where that says for its keys. Whoever comes meanwhile waits for the same answer. */
function refresh(state: ServerState, ctx: Ctx, provider: Provider, then: NonNullable<Provider["waiting"]>[number]): undefined {
  if (provider.waiting) {
    provider.waiting.push(then);
    return;
  }
  const nowUs = ctx.monotonicUs();
  if (nowUs < provider.askedUs + againMs * 1000) return then(state, ctx, undefined);
  provider.askedUs = nowUs;
  provider.waiting = [then];
  const { url, discoveryURL, certificateAuthority: ca = "" } = provider.mapping.authenticator.issuer;
  const done = (state: ServerState, ctx: Ctx, why: string | undefined): undefined => {
    const { waiting = [] } = provider;
    provider.waiting = undefined;
    if (why !== undefined) ctx.log("warn", "an issuer's keys could not be had", { issuer: url, why });
    for (const each of waiting) each(state, ctx, why);
  };
  const configurationUrl = discoveryURL ?? `${url.replace(/\/$/, "")}/.well-known/openid-configuration`;
  return fetchJson(state, ctx, { url: configurationUrl, ca }, fetchMs, (state, configuration, ctx) => {
    if (typeof configuration === "string")
      return done(state, ctx, `oidc: authenticator for issuer ${JSON.stringify(url)} is not healthy: ${configuration}`);
    const { issuer, jwks_uri: keysUrl } = configuration;
    if (issuer !== url)
      return done(
        state,
        ctx,
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(issuer)}`,
      );
    if (typeof keysUrl !== "string") return done(state, ctx, "oidc: the issuer's configuration names no jwks_uri");
    return fetchJson(state, ctx, { url: keysUrl, ca }, fetchMs, (state, document, ctx) => {
      if (typeof document === "string") return done(state, ctx, `oidc: fetching keys ${document}`);
      const { keys } = document;
      if (!Array.isArray(keys)) return done(state, ctx, "oidc: failed to decode keys");
      provider.keys = keys.filter((key): key is JsonWebKey => typeof key === "object" && key !== null);
      return done(state, ctx, undefined);
    });
  });
}
