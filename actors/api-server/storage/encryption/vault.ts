import type { KeyValue, TxnRequest } from "../../../../protocol/etcd";
import { customPrefixOfKey, keyText, registryPrefix, resourceOfKey } from "../keys";
import { isSealed, open, seal } from "./ciphers";
import { type EncryptionRule, type Provider, providersFor } from "./configuration";

/**
 * Stands between an API server and etcd: what goes out is encrypted, what comes in is decrypted, and everybody else sees plain objects.
 * It remembers what cannot be read, which is refused when it is asked for, and what would be stored otherwise now, which the next write does.
 */
export class Vault {
  /** Why, by key. What etcd holds there is passed on as it is, and no object. */
  private readonly unreadable = new Map<string, string>();
  private readonly stale = new Set<string>();

  constructor(private readonly rules: readonly EncryptionRule[] = []) {}

  /** One value as it came from etcd; `notes` where it is what is there now, and not of an earlier revision. */
  opened(kv: KeyValue, notes = true): KeyValue {
    // Without rules there is nothing to do but to notice what nobody here can read.
    if (this.rules.length === 0 && this.unreadable.size === 0 && !isSealed(kv.value)) return kv;
    const key = keyText(kv.key);
    const providers = this.providersOf(key);
    const result = open(providers, key, kv.value);
    if (notes) {
      this.forget(key);
      if (!result.ok) this.unreadable.set(key, result.why);
      else if (result.stale) this.stale.add(key);
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
    this.stale.delete(key);
  }

  /** Whether an object should be written again even though nothing about it changes. */
  isStale(key: string): boolean {
    return this.stale.has(key);
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

function describe(key: string, why: string): string {
  return `unable to transform key ${JSON.stringify(key)}: ${why}`;
}
