import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import type { KmsProvider } from "./configuration";
import { type DekSource, decodeEnvelope, type Envelope, encodeEnvelope, openWithSecret, sealWithSeed, wrongWithSecret } from "./envelope";
import type { EncryptionFigures } from "./figures";

/** What is encrypted with now: a seed of this server's own, and how the plug-in encrypted it. */
export interface WriteKey extends DekSource {
  readonly secret: Uint8Array;
  /** Wall time in milliseconds: later nothing is written with it, unless the plug-in is well again. */
  readonly untilMs: number;
}

/** Something that only a plug-in can decrypt. */
export interface DekQuestion {
  readonly id: string;
  readonly provider: KmsProvider;
  readonly source: DekSource;
}

/**
 * The seeds and keys that plug-ins have decrypted for this server, so that values can be opened at once, and what is encrypted with. Values whose key is not known
 * yet have to wait: whoever takes something in from etcd asks first (kms.ts).
 */
export class KmsKeys {
  constructor(private readonly figures?: EncryptionFigures) {}

  private readonly secrets = new Map<string, Uint8Array>();
  private readonly writing = new Map<string, WriteKey>();
  /** What a plug-in did not decrypt when it was asked last, and why. */
  readonly refused = new Map<string, { readonly question: DekQuestion; readonly why: string }>();

  /** What a plug-in has to be asked before this value can be opened, if anything. */
  questionOf(provider: KmsProvider, bytes: Uint8Array): DekQuestion | undefined {
    const envelope = envelopeIn(provider, bytes);
    if (envelope === undefined || typeof envelope === "string") return undefined;
    const id = idOf(provider, envelope);
    const { keyId, source, annotations, type } = envelope;
    return this.secrets.has(id) ? undefined : { id, provider, source: { keyId, source: Uint8Array.from(source), annotations, type } };
  }

  /** What the plug-in answered; a text where it did not decrypt. */
  learn(question: DekQuestion, answer: Uint8Array | string): void {
    if (typeof answer === "string") this.refused.set(question.id, { question, why: `failed to decrypt DEK, error: ${answer}` });
    else if (wrongWithSecret(question.source.type, answer) !== undefined)
      this.refused.set(question.id, { question, why: wrongWithSecret(question.source.type, answer)! });
    else {
      this.refused.delete(question.id);
      this.keep(question.provider, question.id, answer);
    }
  }

  /** From now on this is what is encrypted with. */
  writeWith(provider: KmsProvider, key: WriteKey): void {
    this.writing.set(pluginId(provider), key);
    this.keep(provider, idOf(provider, key), key.secret);
  }

  writeKeyOf(provider: KmsProvider): WriteKey | undefined {
    return this.writing.get(pluginId(provider));
  }

  /** The bytes to store; a text where there is nothing to encrypt with. */
  seal(provider: KmsProvider, key: string, plain: Uint8Array, nonceOf: (bytes: number) => Uint8Array, nowMs: number): Uint8Array | string {
    const write = this.writing.get(pluginId(provider));
    if (write === undefined) return "got unexpected nil transformer";
    if (nowMs > write.untilMs)
      return `encryptedDEKSource with keyID hash ${JSON.stringify(keyIdHash(write.keyId))} expired at ${rfc3339(write.untilMs)} (current time is ${rfc3339(nowMs)})`;
    const { secret, untilMs: _, ...source } = write;
    this.figures?.keyUsed("to_storage", provider.name, write.keyId, nowMs);
    const encryptedData = sealWithSeed(secret, plain, Buffer.from(key), nonceOf);
    return Buffer.concat([prefixOf(provider), encodeEnvelope({ ...source, encryptedData })]);
  }

  /** What lies in a value of this provider: undefined where it is none, a text where it cannot be opened. */
  open(
    provider: KmsProvider,
    key: string,
    bytes: Uint8Array,
    nowMs: number,
  ): { readonly plain: Uint8Array; readonly keyId: string } | string | undefined {
    const envelope = envelopeIn(provider, bytes);
    if (envelope === undefined || typeof envelope === "string") return envelope;
    const id = idOf(provider, envelope);
    const secret = this.secrets.get(id);
    if (secret === undefined) return this.refused.get(id)?.why ?? "failed to decrypt DEK, error: the plug-in was not asked";
    this.figures?.keyUsed("from_storage", provider.name, envelope.keyId, nowMs);
    const plain = openWithSecret(envelope.type, secret, envelope.encryptedData, Buffer.from(key));
    return typeof plain === "string" ? plain : { plain, keyId: envelope.keyId };
  }

  private keep(provider: KmsProvider, id: string, secret: Uint8Array): void {
    if (!this.secrets.has(id)) this.figures?.learned(provider.name);
    this.secrets.set(id, secret);
  }
}

/** Behind another socket is another plug-in, whatever its name. */
export function pluginId({ name, endpoint }: KmsProvider): string {
  return `${name} ${endpoint}`;
}

/** How key ids are shown. */
export function keyIdHash(keyId: string): string {
  return keyId === "" ? "" : `sha256:${bytesToHex(sha256(Buffer.from(keyId)))}`;
}

function prefixOf({ name }: KmsProvider): Buffer {
  return Buffer.from(`k8s:enc:kms:v2:${name}:`);
}

function envelopeIn(provider: KmsProvider, bytes: Uint8Array): Envelope | string | undefined {
  const prefix = prefixOf(provider);
  const isIts = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, prefix.length)).equals(prefix);
  return isIts ? decodeEnvelope(bytes.subarray(prefix.length)) : undefined;
}

function idOf({ name, endpoint }: KmsProvider, { type, source, keyId, annotations }: DekSource): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const told = annotations.map(([key, value]) => [key, text(value)]).sort(([a = ""], [b = ""]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify([name, endpoint, type, text(source), keyId, told]);
}

function rfc3339(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
