import type { KeyValue, TxnRequest } from "../../../../protocol/etcd";
import { customPrefixOfKey, keyText, registryPrefix, resourceOfKey } from "../keys";
import { isSealed, keyId, open, seal } from "./ciphers";
import { type EncryptionRule, type Provider, providersFor } from "./configuration";

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

  constructor(private rules: readonly EncryptionRule[] = []) {}

  /**
   * From now on these rules hold. Answers whether everything has to be read again from etcd: because something could not be read before, or because
   * these rules do not read what the earlier ones did.
   */
  use(rules: readonly EncryptionRule[], resources: Iterable<{ readonly group: string; readonly plural: string }>): boolean {
    const earlier = this.rules;
    this.rules = rules;
    if (this.unreadable.size > 0) return true;
    const inUse = new Set([keyId("identity"), ...this.openedBy.values()]);
    for (const { group, plural } of resources) {
      const known = new Set(keyIdsOf(providersFor(rules, group, plural)));
      if (keyIdsOf(providersFor(earlier, group, plural)).some((id) => inUse.has(id) && !known.has(id))) return true;
    }
    return false;
  }

  /** One value as it came from etcd; `notes` where it is what is there now, and not of an earlier revision. */
  opened(kv: KeyValue, notes = true): KeyValue {
    // Without rules there is nothing to do but to notice what nobody here can read.
    if (this.rules.length === 0 && this.unreadable.size === 0 && this.openedBy.size === 0 && !isSealed(kv.value)) return kv;
    const key = keyText(kv.key);
    const providers = this.providersOf(key);
    const result = open(providers, key, kv.value);
    if (notes) {
      this.forget(key);
      if (!result.ok) this.unreadable.set(key, result.why);
      else if (result.by !== keyId("identity")) this.openedBy.set(key, result.by);
    }
    if (!result.ok) return kv;
    return result.plain === kv.value ? kv : { ...kv, value: result.plain };
  }

  /** A transaction as it goes to etcd. `nonceOf` gives random bytes. */
  sealed(txn: TxnRequest, nonceOf: (bytes: number) => Uint8Array): TxnRequest {
    if (this.rules.length === 0) return txn;
    const success = txn.success.map((change) => {
      if (change.kind !== "etcd.put") return change;
      const key = keyText(change.key);
      const providers = this.providersOf(key);
      return providers ? { ...change, value: seal(providers, key, change.value, nonceOf) } : change;
    });
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
    return providers !== undefined && keyIdsOf(providers)[0] !== (this.openedBy.get(key) ?? keyId("identity"));
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

/** The keys of providers, in the order in which they are tried. */
function keyIdsOf(providers: readonly Provider[] = [{ type: "identity" }]): readonly string[] {
  return providers.flatMap((each) => (each.type === "identity" ? [keyId("identity")] : each.keys.map((key) => keyId(each.type, key))));
}

function describe(key: string, why: string): string {
  return `unable to transform key ${JSON.stringify(key)}: ${why}`;
}
