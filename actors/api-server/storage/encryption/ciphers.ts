import { cbc, gcm } from "@noble/ciphers/aes";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa";
import type { EncryptionKey, KmsProvider, Provider } from "./configuration";
import { KmsKeys } from "./kms-keys";

/**
 * Kubernetes' forms of encrypted objects: "k8s:enc:TYPE:v1:KEY:" and then the bytes, so that etcd holds what a real API server would have put
 * there and could read. Functions of their inputs alone: whoever encrypts brings the nonce.
 */
const marker = "k8s:enc:";
const unmatched = "no matching prefix found";
const markerBytes = Buffer.from(marker);

type Kind = Exclude<Provider["type"], "identity" | "kms">;

interface Cipher {
  readonly nonceBytes: number;
  /** How Kubernetes calls it in messages. */
  readonly title: string;
  encrypt(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, context: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, context: Uint8Array): Uint8Array;
  /** What is said where the key does not fit. */
  readonly refusal: string;
}

const ciphers: Readonly<Record<Kind, Cipher>> = {
  aescbc: {
    nonceBytes: 16,
    title: "AES-CBC",
    encrypt: (key, nonce, plain) => cbc(key, nonce).encrypt(plain),
    decrypt: (key, nonce, sealed) => cbc(key, nonce).decrypt(sealed),
    refusal: "invalid padding on input",
  },
  // The key of the object is authenticated too: what lies under another name does not open.
  aesgcm: {
    nonceBytes: 12,
    title: "AES-GCM",
    encrypt: (key, nonce, plain, context) => gcm(key, nonce, context).encrypt(plain),
    decrypt: (key, nonce, sealed, context) => gcm(key, nonce, context).decrypt(sealed),
    refusal: "cipher: message authentication failed",
  },
  secretbox: {
    nonceBytes: 24,
    title: "Secretbox",
    encrypt: (key, nonce, plain) => xsalsa20poly1305(key, nonce).encrypt(plain),
    decrypt: (key, nonce, sealed) => xsalsa20poly1305(key, nonce).decrypt(sealed),
    refusal: "output array was not large enough for encryption",
  },
};

/** Whether bytes from etcd are encrypted, in whatever way. */
export function isSealed(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, markerBytes.length)).equals(markerBytes);
}

/** The bytes to store under a key of etcd; a text where a plug-in's key is needed that is not at hand. `nonceOf` gives random bytes. */
export function seal(
  [first]: readonly Provider[],
  key: string,
  plain: Uint8Array,
  nonceOf: (bytes: number) => Uint8Array,
  keys = new KmsKeys(),
  nowMs = 0,
): Uint8Array | string {
  if (first === undefined || first.type === "identity") return plain;
  if (first.type === "kms") return keys.seal(first, key, plain, nonceOf, nowMs);
  const { nonceBytes, encrypt } = ciphers[first.type];
  const [{ name, secret }] = first.keys as [EncryptionKey];
  const nonce = nonceOf(nonceBytes);
  return Buffer.concat([prefix(first.type, name), nonce, encrypt(Buffer.from(secret, "base64"), nonce, plain, Buffer.from(key))]);
}

export type Opened =
  /** `stale`: it would be stored otherwise now; `by`: the key that opened it, as keyId says it. */
  | { readonly ok: true; readonly plain: Uint8Array; readonly stale: boolean; readonly by: string }
  | { readonly ok: false; readonly why: string };

/** What stands for a key, to tell whether two are the same: never to be shown. */
export function keyId(type: Exclude<Provider["type"], "kms">, key?: EncryptionKey): string {
  return key === undefined ? type : `${type}:${key.name}:${key.secret}`;
}

/** The same for a key of a plug-in's, which is no secret. */
export function kmsKeyId({ name }: KmsProvider, keyId: string): string {
  return `kms:${name}:${keyId}`;
}

/** What lies under a key of etcd; without providers nothing that is encrypted can be read. */
export function open(providers: readonly Provider[] | undefined, key: string, bytes: Uint8Array, keys = new KmsKeys(), nowMs = 0): Opened {
  const sealed = isSealed(bytes);
  if (providers === undefined)
    return sealed
      ? { ok: false, why: "identity transformer tried to read encrypted data" }
      : { ok: true, plain: bytes, stale: false, by: keyId("identity") };
  for (const [index, provider] of providers.entries()) {
    if (provider.type === "identity") {
      if (!sealed) return { ok: true, plain: bytes, stale: index > 0, by: keyId("identity") };
      continue;
    }
    if (provider.type === "kms") {
      const opened = keys.open(provider, key, bytes, nowMs);
      if (opened === undefined) continue;
      if (typeof opened === "string") return { ok: false, why: opened };
      const stale = index > 0 || (keys.writeKeyOf(provider)?.keyId ?? opened.keyId) !== opened.keyId;
      return { ok: true, plain: opened.plain, stale, by: kmsKeyId(provider, opened.keyId) };
    }
    if (!startsWith(bytes, Buffer.from(`${marker}${provider.type}:v1:`))) continue;
    const { nonceBytes, decrypt, title, refusal } = ciphers[provider.type];
    for (const [place, cipherKey] of provider.keys.entries()) {
      const { name, secret } = cipherKey;
      const front = prefix(provider.type, name);
      if (!startsWith(bytes, front)) continue;
      const rest = bytes.subarray(front.length);
      if (rest.length < nonceBytes) return { ok: false, why: "the stored data was shorter than the required size" };
      try {
        const plain = decrypt(Buffer.from(secret, "base64"), rest.subarray(0, nonceBytes), rest.subarray(nonceBytes), Buffer.from(key));
        return { ok: true, plain, stale: index > 0 || place > 0, by: keyId(provider.type, cipherKey) };
      } catch {
        return { ok: false, why: refusal };
      }
    }
    return { ok: false, why: `no matching key was found for the provided ${title} transformer` };
  }
  return { ok: false, why: unmatched };
}

/** What stands before the bytes in etcd, from the outside in, as Kubernetes counts transformations; `why` they were not opened, if they were not. */
export function prefixesOf(bytes: Uint8Array, why = ""): readonly string[] {
  if (why === unmatched) return ["unknown"];
  if (!isSealed(bytes)) return [""];
  const head = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  const plugin = /^k8s:enc:kms:v2:[^:]*:/.exec(head);
  if (plugin) return [plugin[0]];
  const [, outer = "unknown", inner = "unknown"] = /^(k8s:enc:[^:]*:v1:)([^:]*:)/.exec(head) ?? [];
  return [outer, why.startsWith("no matching key was found") ? "unknown" : inner];
}

function prefix(type: Kind, key: string): Uint8Array {
  return Buffer.from(`${marker}${type}:v1:${key}:`);
}

function startsWith(bytes: Uint8Array, front: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, front.length)).equals(front);
}
