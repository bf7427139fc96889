import type { EncryptionRule } from "../actors/api-server/storage/encryption/configuration";
import { Vault } from "../actors/api-server/storage/encryption/vault";
import { keyServiceOpens } from "../actors/webhook/key-service";
import type { KeyServicePlan } from "./key-services";

/** Opens what API servers encrypted in etcd: whoever knows the truth has all the keys, whatever became of those who keep them. */
export type Opener = (key: string, revision: number, value: Uint8Array) => Uint8Array;

/** What is not encrypted, or cannot be opened, comes back as it is. */
export function openerOf(encryption: readonly EncryptionRule[], services: readonly KeyServicePlan[]): Opener {
  if (encryption.length === 0) return (_key, _revision, value) => value;
  const vault = new Vault(encryption);
  return (key, revision, value) => {
    const kv = { key: Buffer.from(key), value, createRevision: revision, modRevision: revision, version: 1, lease: 0 };
    for (const question of vault.questionsOf([kv])) {
      const { provider, source } = question;
      const service = services.find(({ endpoint }) => endpoint === provider.endpoint);
      const secret = service && keyServiceOpens(service, { keyId: source.keyId, ciphertext: source.source });
      vault.keys.learn(question, secret ?? "no key service encrypted this");
    }
    return vault.opened(kv, 0, false).value;
  };
}
