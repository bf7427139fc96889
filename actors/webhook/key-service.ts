import { gcm } from "@noble/ciphers/aes";
import { sha256 } from "@noble/hashes/sha2";
import type { KmsMessage, KmsResponse } from "../../protocol/kms";
import { type Lateness, lateAnswerer } from "./late-answerer";

export interface KeyServiceConfig extends Lateness {
  /** The keys of one name are the same wherever it runs. */
  readonly name: string;
  /** How often it goes over to another key; 0 for never. What earlier keys encrypted it decrypts all the same. */
  readonly rotateMs: number;
}

/** A key management plug-in (KMS v2) and the service behind it, on a host of their own: keys that only it knows, by AES-GCM. Its keys are test keys and follow from its name. */
export const keyService = lateAnswerer<KeyServiceConfig, KmsMessage>("key-service", {
  answer: keyServiceAnswer,
  noStream: "a key service does not stream",
});

/** What it says at that wall time. */
export function keyServiceAnswer(config: KeyServiceConfig, body: KmsMessage, wallMs: number): KmsResponse {
  const keyId = `${config.name}-${config.rotateMs === 0 ? 1 : Math.floor(wallMs / config.rotateMs)}`;
  switch (body.kind) {
    case "kms.status":
      return { kind: "kms.status.response", version: "v2", healthz: "ok", keyId };
    case "kms.encrypt": {
      // No two questions have the same uid, so no nonce is used twice.
      const nonce = sha256(Buffer.from(body.uid)).subarray(0, nonceBytes);
      const ciphertext = Buffer.concat([nonce, gcm(secretOf(keyId), nonce).encrypt(body.plaintext)]);
      return { kind: "kms.encrypt.response", keyId, ciphertext, annotations: [] };
    }
    case "kms.decrypt": {
      const plaintext = keyServiceOpens(config, body);
      return plaintext === undefined ? failed("no key of this service opens this") : { kind: "kms.decrypt.response", plaintext };
    }
    default:
      return failed(`a key service does not answer ${body.kind}`);
  }
}

/** What its keys make of what it encrypted once; undefined where that was not it. */
export function keyServiceOpens(
  { name }: Pick<KeyServiceConfig, "name">,
  { keyId, ciphertext }: { readonly keyId: string; readonly ciphertext: Uint8Array },
): Uint8Array | undefined {
  if (!keyId.startsWith(`${name}-`) || ciphertext.length < nonceBytes) return undefined;
  try {
    return gcm(secretOf(keyId), ciphertext.subarray(0, nonceBytes)).decrypt(ciphertext.subarray(nonceBytes));
  } catch {
    return undefined;
  }
}

const nonceBytes = 12;

const secretOf = (keyId: string) => sha256(Buffer.from(`a key of a simulated service: ${keyId}`));

const failed = (why: string): KmsResponse => ({ kind: "kms.error", message: `rpc error: code = Unknown desc = ${why}` });
