import type { KeyValue, TxnRequest } from "../../../../protocol/etcd";
import { customPrefixOfKey, keyText, registryPrefix, resourceOfKey } from "../keys";
import { isSealed, keyId, kmsKeyId, open, prefixesOf, seal } from "./ciphers";
import { type EncryptionRule, type KmsProvider, type Provider, providersFor } from "./configuration";
import type { EncryptionFigures } from "./figures";
import type { KmsHealth } from "./kms";
import { type DekQuestion, KmsKeys, pluginId } from "./kms-keys";

/**
 * Stands between an API server and etcd: what goes out is encrypted, what comes in is decrypted, and everybody else sees plain objects.
 * It remembers what cannot be read, which is refused when it is asked for, and which key opened what, so that the next write stores it otherwise
 * where another key comes first now. The rules may be replaced while it is at work.
 */
export class Vault {
  /** Why, by key. What etcd holds there is passed on as it is, and no object. */
  private readonly unreadable = new Map<string, string>();
  /** What was encrypted, by key: keyId of what opened it. What is not here was stored as it is. */
  private readonly openedBy = new Map<string, string>();

  /** Of key management plug-ins: their keys, and how each is, by name. */
  readonly keys: KmsKeys;
  readonly health = new Map<string, KmsHealth>();
  /** Who waits for what the plug-ins are asked now: continuations of whoever keeps this vault. */
  readonly polled: unknown[] = [];
  /** Something can be opened now that could not when it was read. */
  readAgain = false;

  /** The plug-ins that the rules name; usually none. */
  plugins: readonly KmsProvider[];

  constructor(
    private rules: readonly EncryptionRule[] = [],
    readonly figures?: EncryptionFigures,
  ) {
    this.keys = new KmsKeys(figures);
    this.plugins = pluginsOf(rules);
  }

  /** Why a plug-in is not well, if one is not; one that was not asked yet is not. */
  unwell(): string | undefined {
    for (const provider of this.plugins) {
      const error = this.health.get(pluginId(provider))?.error ?? `KMS Provider ${provider.name} was not asked yet`;
      if (error !== "") return error;
    }
    return undefined;
  }

  /** What plug-ins have to be asked before all these values can be opened; each question once. */
  questionsOf(kvs: Iterable<KeyValue>): readonly DekQuestion[] {
    if (this.plugins.length === 0) return [];
    const questions = new Map<string, DekQuestion>();
    for (const { key, value } of kvs) {
      if (!isSealed(value)) continue;
      for (const provider of this.providersOf(keyText(key)) ?? []) {
        const question = provider.type === "kms" ? this.keys.questionOf(provider, value) : undefined;
        if (question) questions.set(question.id, question);
      }
    }
    return [...questions.values()];
  }

  /**
   * From now on these rules hold. Answers whether everything has to be read again from etcd: because something could not be read before, or because
   * these rules do not read what the earlier ones did.
   */
  use(rules: readonly EncryptionRule[], resources: Iterable<{ readonly group: string; readonly plural: string }>): boolean {
    const earlier = this.rules;
    this.rules = rules;
    this.plugins = pluginsOf(rules);
    if (this.unreadable.size > 0) return true;
    const inUse = new Set([keyId("identity"), ...this.openedBy.values()]);
    for (const { group, plural } of resources) {
      const known = new Set(keyIdsOf(providersFor(rules, group, plural)));
      const lost = (id: string) =>
        !known.has(id) && [...inUse].some((used) => used === id || (id.startsWith("kms:") && used.startsWith(id)));
      if (keyIdsOf(providersFor(earlier, group, plural)).some(lost)) return true;
    }
    return false;
  }

  /** One value as it came from etcd; `notes` where it is what is there now, and not of an earlier revision. */
  opened(kv: KeyValue, nowMs: number, notes = true): KeyValue {
    // Without rules there is nothing to do but to notice what nobody here can read.
    if (this.rules.length === 0 && this.unreadable.size === 0 && this.openedBy.size === 0 && !isSealed(kv.value)) return kv;
    const key = keyText(kv.key);
    const providers = this.providersOf(key);
    const fromUs = this.figures?.nowUs() ?? 0;
    const result = open(providers, key, kv.value, this.keys, nowMs);
    if (providers)
      this.figures?.transformed(resourceAt(key), "from_storage", prefixesOf(kv.value, result.ok ? "" : result.why), result.ok, fromUs);
    if (notes) {
      this.forget(key);
      if (!result.ok) this.unreadable.set(key, result.why);
      else if (result.by !== keyId("identity")) this.openedBy.set(key, result.by);
    }
    if (!result.ok) return kv;
    return result.plain === kv.value ? kv : { ...kv, value: result.plain };
  }

  /** A transaction as it goes to etcd; a text where it must not go, since there is no key for it. `nonceOf` gives random bytes. */
  sealed(txn: TxnRequest, nonceOf: (bytes: number) => Uint8Array, nowMs: number): TxnRequest | string {
    if (this.rules.length === 0) return txn;
    const success: TxnRequest["success"][number][] = [];
    for (const change of txn.success) {
      const key = change.kind === "etcd.put" ? keyText(change.key) : "";
      const providers = change.kind === "etcd.put" ? this.providersOf(key) : undefined;
      if (change.kind !== "etcd.put" || providers === undefined) {
        success.push(change);
        continue;
      }
      const fromUs = this.figures?.nowUs() ?? 0;
      const value = seal(providers, key, change.value, nonceOf, this.keys, nowMs);
      const [first] = providers;
      const prefixes = typeof value === "string" ? [first?.type === "kms" ? `k8s:enc:kms:v2:${first.name}:` : ""] : prefixesOf(value);
      this.figures?.transformed(resourceAt(key), "to_storage", prefixes, typeof value !== "string", fromUs);
      if (typeof value === "string") return value;
      success.push({ ...change, value });
    }
    return { ...txn, success };
  }

  /** What is under a key is gone. */
  forget(key: string): void {
    this.unreadable.delete(key);
    this.openedBy.delete(key);
  }

  /** Whether an object should be written again even though nothing about it changes. */
  isStale(key: string): boolean {
    if (this.rules.length === 0) return false;
    const providers = this.providersOf(key);
    const [first] = providers ?? [];
    if (first === undefined) return false;
    const by = this.openedBy.get(key) ?? keyId("identity");
    if (first.type !== "kms") return keyIdsOf([first])[0] !== by;
    const written = this.keys.writeKeyOf(first);
    return written !== undefined && kmsKeyId(first, written.keyId) !== by;
  }

  /** Why what lies under a key, or under any key that begins with a prefix, cannot be read. */
  faultAt(key: string): string | undefined {
    const why = this.unreadable.get(key);
    return why === undefined ? undefined : describe(key, why);
  }

  faultBelow(prefix: string): string | undefined {
    for (const [key, why] of this.unreadable) if (key.startsWith(prefix)) return describe(key, why);
    return undefined;
  }

  private providersOf(key: string): readonly Provider[] | undefined {
    const built = resourceOfKey(key);
    if (built) return providersFor(this.rules, built.kind.group, built.kind.plural);
    const custom = customPrefixOfKey(key);
    if (custom === "") return undefined;
    const [group = "", plural = ""] = custom.slice(registryPrefix.length).split("/");
    return providersFor(this.rules, group, plural);
  }
}

/** "secrets", "deployments.apps". */
function resourceAt(key: string): string {
  const built = resourceOfKey(key);
  if (built) return built.name;
  const [group = "", plural = ""] = customPrefixOfKey(key).slice(registryPrefix.length).split("/");
  return `${plural}.${group}`;
}

function pluginsOf(rules: readonly EncryptionRule[]): readonly KmsProvider[] {
  return rules.flatMap(({ providers }) => providers.filter((each): each is KmsProvider => each.type === "kms"));
}

/** The keys of providers, in the order in which they are tried; of a plug-in, whose keys are its own, what they begin with. */
function keyIdsOf(providers: readonly Provider[] = [{ type: "identity" }]): readonly string[] {
  return providers.flatMap((each) => {
    if (each.type === "identity") return [keyId("identity")];
    return each.type === "kms" ? [kmsKeyId(each, "")] : each.keys.map((key) => keyId(each.type, key));
  });
}

function describe(key: string, why: string): string {
  return `unable to transform key ${JSON.stringify(key)}: ${why}`;
}
