import type { Address } from "../../../../protocol/address";
import type { KeyValue } from "../../../../protocol/etcd";
import type { KmsRequest, KmsResponse } from "../../../../protocol/kms";
import type { Context } from "../../../../runtime/actor";
import type { HasEtcd } from "../etcd-client";
import type { KmsProvider } from "./configuration";
import { seedBytes, wrongWithKeyId, wrongWithSource } from "./envelope";
import { type DekQuestion, keyIdHash, pluginId, type WriteKey } from "./kms-keys";

/**
 * An API server's talk with key management plug-ins: their keys for what comes from etcd, and every minute how they are and by which key they encrypt. All of it is
 * asked ahead, so that opening and sealing values waits for nobody. Source: kube-apiserver's KMS v2, its intervals and words.
 */
export interface KmsConfig {
  /** Actors that play plug-ins, by the endpoint in the configuration. */
  readonly actors?: Readonly<Record<string, Address>>;
  /** The service that speaks to plug-ins at Unix sockets. */
  readonly gateway?: Address;
}

/** How a plug-in was found last. */
export interface KmsHealth {
  /** "" where it is well. */
  readonly error: string;
  readonly atUs: number;
  /** What it said first: a plug-in must not change it. */
  readonly version: string;
}

export const kmsTimer = "kms-status";
const wellIntervalMs = 60_000;
const unwellIntervalMs = 10_000;
/** A health check asks anew where what was found is older. */
const wellFreshMs = 20_000;
const unwellFreshMs = 3_000;
/** So long a key is written with while its plug-in does not say that it is well. */
const writeKeyMs = 3 * 60_000;

const timedOut = "rpc error: code = DeadlineExceeded desc = context deadline exceeded";

type Next<S> = (state: S, ctx: Context<S>) => undefined;

function ask<S extends HasEtcd>(
  state: S,
  ctx: Context<S>,
  provider: KmsProvider,
  request: KmsRequest,
  then: (state: S, answer: Exclude<KmsResponse, { kind: "kms.error" }> | string, ctx: Context<S>) => undefined,
): undefined {
  const { actors = {}, gateway } = state.etcd.kms ?? {};
  const to = actors[provider.endpoint] ?? gateway;
  const unavailable = (why: string) => `rpc error: code = Unavailable desc = connection error: desc = ${JSON.stringify(why)}`;
  const askedUs = ctx.monotonicUs();
  const told = (state: S, error: string, ctx: Context<S>) =>
    state.etcd.vault.figures?.asked(provider.name, request.kind, error, ctx.monotonicUs() - askedUs);
  if (to === undefined) return then(state, unavailable(`nobody answers at ${provider.endpoint}`), ctx);
  ctx.ask<KmsResponse>(to, request, { deadlineMs: provider.timeoutMs }, (state, answer, ctx) => {
    const why = answer.ok ? "" : answer.error === "timeout" ? timedOut : unavailable(answer.detail);
    const error = answer.ok && answer.body.kind === "kms.error" ? answer.body.message : why;
    told(state, error, ctx);
    return then(state, answer.ok && answer.body.kind !== "kms.error" ? answer.body : error, ctx);
  });
}

/** Asks plug-ins for the keys that these values need and that are not known yet; then they can be opened, or are known not to open. */
export function learnKeys<S extends HasEtcd>(state: S, ctx: Context<S>, kvs: Iterable<KeyValue>, then: Next<S>): undefined {
  return askAll(state, ctx, state.etcd.vault.questionsOf(kvs), then);
}

function askAll<S extends HasEtcd>(state: S, ctx: Context<S>, questions: readonly DekQuestion[], then: Next<S>): undefined {
  let open = questions.length;
  if (open === 0) return then(state, ctx);
  for (const question of questions) {
    const { provider, source } = question;
    const request: KmsRequest = {
      ...{ kind: "kms.decrypt", endpoint: provider.endpoint, uid: ctx.uuid() },
      ...{ ciphertext: source.source, keyId: source.keyId, annotations: source.annotations },
    };
    ask(state, ctx, provider, request, (state, answer, ctx) => {
      const plain = typeof answer === "string" ? answer : answer.kind === "kms.decrypt.response" ? answer.plaintext : "no plaintext";
      if (typeof plain === "string") ctx.log("warn", "a key management plug-in did not decrypt", { provider: provider.name, why: plain });
      state.etcd.vault.keys.learn(question, plain);
      open -= 1;
      return open === 0 ? then(state, ctx) : undefined;
    });
  }
  return;
}

/**
 * Asks every plug-in how it is, takes another seed where it encrypts by another key now, and asks once more for what it did not decrypt. Whoever comes while that
 * is under way hears of the same answers.
 */
export function pollPlugins<S extends HasEtcd>(state: S, ctx: Context<S>, then: Next<S>): undefined {
  const { vault } = state.etcd;
  const { plugins } = vault;
  if (plugins.length === 0) return then(state, ctx);
  // The vault knows nothing of what surrounds it; there is one state and one vault in it.
  const waiting = vault.polled as unknown as Next<S>[];
  if (waiting.push(then) > 1) return;
  let open = plugins.length;
  for (const provider of plugins)
    pollOne(state, ctx, provider, (state, ctx) => {
      const asked = [...vault.keys.refused.values()].filter(({ question }) => pluginId(question.provider) === pluginId(provider));
      const isWell = vault.health.get(pluginId(provider))?.error === "";
      const again = isWell ? asked.map(({ question }) => question) : [];
      return askAll(state, ctx, again, (state, ctx) => {
        if (again.some(({ id }) => !vault.keys.refused.has(id))) vault.readAgain = true;
        open -= 1;
        if (open > 0) return;
        const allWell = vault.unwell() === undefined && vault.keys.refused.size === 0;
        // The rules may have been replaced meanwhile.
        const isMore = vault.plugins.some((each) => !vault.health.has(pluginId(each)));
        ctx.setTimer(kmsTimer, vault.readAgain || isMore ? 0 : allWell ? wellIntervalMs : unwellIntervalMs);
        for (const each of waiting.splice(0)) each(state, ctx);
      });
    });
  return;
}

/** Whether a health check can go by what was found last. */
export function isFresh({ etcd: { vault } }: HasEtcd, nowUs: number): boolean {
  return vault.plugins.every((provider) => {
    const health = vault.health.get(pluginId(provider));
    return health !== undefined && nowUs - health.atUs < (health.error === "" ? wellFreshMs : unwellFreshMs) * 1000;
  });
}

function pollOne<S extends HasEtcd>(state: S, ctx: Context<S>, provider: KmsProvider, then: Next<S>): undefined {
  const { name, endpoint } = provider;
  const id = pluginId(provider);
  const known = state.etcd.vault.health.get(id)?.version ?? "";
  const found = (state: S, ctx: Context<S>, errors: readonly string[], version = known): undefined => {
    const error = errors.length > 1 ? `[${errors.join(", ")}]` : (errors[0] ?? "");
    const { health } = state.etcd.vault;
    if (error !== "" && health.get(id)?.error !== error)
      ctx.log("warn", "a key management plug-in is not well", { provider: name, why: error });
    health.set(id, { error, atUs: ctx.monotonicUs(), version });
    return then(state, ctx);
  };
  // The time that a key may be written with counts from before the plug-in is asked.
  const untilMs = ctx.wallUs() / 1000 + writeKeyMs;
  return ask(state, ctx, provider, { kind: "kms.status", endpoint }, (state, answer, ctx) => {
    if (typeof answer === "string" || answer.kind !== "kms.status.response")
      return found(state, ctx, [
        `failed to perform status section of the healthz check for KMS Provider ${name}, error: ${typeof answer === "string" ? answer : "no status"}`,
      ]);
    const { version, healthz, keyId } = answer;
    const errors: string[] = [];
    if (healthz !== "ok") errors.push(`got unexpected healthz status: ${healthz}`);
    const isV2 = version === "v2" || version === "v2beta1";
    if (!isV2) errors.push(`expected KMSv2 API version v2, got ${version}`);
    else if (known !== "" && known !== version)
      errors.push(`KMSv2 API version should not change after the initial status response version ${known}, got ${version}`);
    const first = known === "" && isV2 ? version : known;
    const wrong = wrongWithKeyId(keyId);
    const { figures } = state.etcd.vault;
    if (wrong === undefined) figures?.named(name, keyId, ctx.wallUs() / 1000);
    else figures?.misnamed(name, keyId);
    if (wrong !== undefined)
      return found(state, ctx, [...errors, `got invalid KMSv2 KeyID hash ${JSON.stringify(keyIdHash(keyId))}: ${wrong}`], first);
    return renew(state, ctx, provider, keyId, untilMs, (state, why, ctx) =>
      found(state, ctx, why === "" ? errors : [...errors, why], first),
    );
  });
}

/** Goes on with the seed where the plug-in still encrypts by its key; otherwise takes another. Where that fails the old one is used until its time is over. */
function renew<S extends HasEtcd>(
  state: S,
  ctx: Context<S>,
  provider: KmsProvider,
  keyId: string,
  untilMs: number,
  then: (state: S, why: string, ctx: Context<S>) => undefined,
): undefined {
  const { keys } = state.etcd.vault;
  const current = keys.writeKeyOf(provider);
  if (current?.keyId === keyId) {
    keys.writeWith(provider, { ...current, untilMs });
    return then(state, "", ctx);
  }
  const uid = ctx.uuid();
  const secret = Buffer.alloc(seedBytes);
  for (let at = 0; at < seedBytes; at += 4) secret.writeUInt32BE(ctx.randomInt("encryption-seed", 2 ** 32), at);
  return ask(state, ctx, provider, { kind: "kms.encrypt", endpoint: provider.endpoint, uid, plaintext: secret }, (state, answer, ctx) => {
    const encrypted = typeof answer !== "string" && answer.kind === "kms.encrypt.response" ? answer : undefined;
    const failed = typeof answer === "string" ? `failed to encrypt DEK, error: ${answer}` : "";
    const made: WriteKey | undefined = encrypted && {
      ...{ keyId: encrypted.keyId, source: Uint8Array.from(encrypted.ciphertext), annotations: encrypted.annotations },
      ...{ type: "seed", secret, untilMs },
    };
    const wrong = made ? (wrongWithSource(made) ?? "") : failed;
    if (made && wrong === "" && made.keyId === keyId) {
      keys.writeWith(provider, made);
      ctx.log("info", "another key of a key management plug-in is written with", { provider: provider.name, keyIdHash: keyIdHash(keyId) });
      return then(state, "", ctx);
    }
    const hashes = `statusKeyIDHash=${JSON.stringify(keyIdHash(keyId))}, encryptKeyIDHash=${JSON.stringify(keyIdHash(made?.keyId ?? ""))}, stateKeyIDHash=${JSON.stringify(keyIdHash(current?.keyId ?? ""))}`;
    return then(state, `failed to rotate DEK uid=${JSON.stringify(uid)}, useSeed=true, errGen=${wrong || "<nil>"}, ${hashes}`, ctx);
  });
}
