import { gcm } from "@noble/ciphers/aes";
import { expand } from "@noble/hashes/hkdf";
import { sha256 } from "@noble/hashes/sha2";
import { Reader, Writer } from "protobufjs";
import type { KmsAnnotations } from "../../../../protocol/kms";

/**
 * Kubernetes' envelopes of KMS v2: what is stored behind "k8s:enc:kms:v2:NAME:" is an EncryptedObject (k8s.io/apiserver, kmsv2/v2/api.proto), which holds the
 * encrypted bytes and, encrypted by the plug-in, the seed or key that opens them. Compared with the sources of Kubernetes.
 */
export interface Envelope extends DekSource {
  readonly encryptedData: Uint8Array;
}

/** What the plug-in has to decrypt, and what it is told besides. */
export interface DekSource {
  readonly keyId: string;
  readonly source: Uint8Array;
  readonly annotations: KmsAnnotations;
  /** A key for AES-GCM, or (what is written since 1.29) a seed from which one is derived for each value. */
  readonly type: "key" | "seed";
}

const infoBytes = 32;
const nonceBytes = 12;
export const seedBytes = 32;
const keyIdBytesMax = 1024;
const sourceBytesMax = 1024;
const annotationsBytesMax = 32 * 1024;

/** The bytes of an envelope. */
export function encodeEnvelope({ encryptedData, keyId, source, annotations, type }: Envelope): Uint8Array {
  const writer = Writer.create();
  writer.uint32(10).bytes(encryptedData);
  writer.uint32(18).string(keyId);
  writer.uint32(26).bytes(source);
  for (const [name, value] of annotations) writer.uint32(34).fork().uint32(10).string(name).uint32(18).bytes(value).ldelim();
  if (type === "seed") writer.uint32(40).int32(1);
  return writer.finish();
}

/** Reads them; a text says why they are none. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | string {
  const nothing: Uint8Array = new Uint8Array();
  const read = { encryptedData: nothing, keyId: "", source: nothing };
  const annotations: [string, Uint8Array][] = [];
  let type = 0;
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) read.encryptedData = reader.bytes();
      else if (tag === 18) read.keyId = reader.string();
      else if (tag === 26) read.source = reader.bytes();
      else if (tag === 34) annotations.push(readAnnotation(reader));
      else if (tag === 40) type = reader.int32();
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    // What protobufjs says of bytes that end too early is a RangeError, of wire types that there are not an Error.
    return `proto: cannot parse invalid wire-format data: ${(error as Error).message}`;
  }
  if (type !== 0 && type !== 1) return `unknown encryptedDEKSourceType: ${type}`;
  if (read.encryptedData.length === 0) return "encrypted data is empty";
  const envelope: Envelope = { ...read, annotations, type: type === 1 ? "seed" : "key" };
  return wrongWithSource(envelope) ?? envelope;
}

function readAnnotation(reader: Reader): [string, Uint8Array] {
  const end = reader.uint32() + reader.pos;
  let [name, value] = ["", new Uint8Array() as Uint8Array];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 10) name = reader.string();
    else if (tag === 18) value = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return [name, value];
}

/** Why what a plug-in gave cannot be stored, in the words of a real server. */
export function wrongWithSource({ keyId, source, annotations }: DekSource): string | undefined {
  if (source.length === 0) return "failed to validate encrypted DEK source: encrypted DEK source is empty";
  if (source.length > sourceBytesMax)
    return `failed to validate encrypted DEK source: encrypted DEK source is ${source.length} bytes, which exceeds the max size of ${sourceBytesMax}`;
  const wrong = wrongWithKeyId(keyId);
  if (wrong !== undefined) return `failed to validate key id: ${wrong}`;
  const size = annotations.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0);
  if (size > annotationsBytesMax)
    return `failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${annotationsBytesMax}`;
  return undefined;
}

/** Why what a plug-in decrypted is no key and no seed: then it is not kept, and asked for again. */
export function wrongWithSecret(type: DekSource["type"], { length }: Uint8Array): string | undefined {
  if (type === "seed") return length < seedBytes ? `invalid seed length ${length} used for key generation` : undefined;
  return [16, 24, 32].includes(length) ? undefined : `crypto/aes: invalid key size ${length}`;
}

export function wrongWithKeyId(keyId: string): string | undefined {
  const size = Buffer.byteLength(keyId);
  if (size === 0) return "keyID is empty";
  return size > keyIdBytesMax ? `keyID is ${size} bytes, which exceeds the max size of ${keyIdBytesMax}` : undefined;
}

/** Encrypts with a key derived from the seed for this value alone; `context` is the key in etcd. Laid out as info, nonce, ciphertext. */
export function sealWithSeed(seed: Uint8Array, plain: Uint8Array, context: Uint8Array, nonceOf: (bytes: number) => Uint8Array): Uint8Array {
  const info = nonceOf(infoBytes);
  const nonce = nonceOf(nonceBytes);
  return Buffer.concat([info, nonce, gcm(keyOf(seed, info), nonce, context).encrypt(plain)]);
}

/** The reverse; a text says why it does not open. `secret` is what the plug-in decrypted. */
export function openWithSecret(type: DekSource["type"], secret: Uint8Array, data: Uint8Array, context: Uint8Array): Uint8Array | string {
  const skipped = type === "seed" ? infoBytes : 0;
  if (data.length < skipped + nonceBytes) return "the stored data was shorter than the required size";
  const key = type === "seed" ? keyOf(secret, data.subarray(0, infoBytes)) : secret;
  const sealed = data.subarray(skipped);
  try {
    return gcm(key, sealed.subarray(0, nonceBytes), context).decrypt(sealed.subarray(nonceBytes));
  } catch {
    return "cipher: message authentication failed";
  }
}

/** The key of one value: of the seed and what stands before the value (HKDF-Expand, RFC 5869). */
function keyOf(seed: Uint8Array, info: Uint8Array): Uint8Array {
  return expand(sha256, seed, info, 32);
}
