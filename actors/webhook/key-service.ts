import { gcm } from "@noble/ciphers/aes";
import { sha256 } from "@noble/hashes/sha2";
import type { KmsMessage, KmsResponse } from "../../protocol/kms";
import type { Actor, RequestRef } from "../../runtime/actor";
import { drawMs, type MsRange } from "../container-runtime/image-behaviour";

export interface KeyServiceConfig {
  /** The keys of one name are the same wherever it runs. */
  readonly name: string;
  /** How long one answer takes. */
  readonly latencyMs: MsRange;
  /** How often it goes over to another key; 0 for never. What earlier keys encrypted it decrypts all the same. */
  readonly rotateMs: number;
}

interface State {
  readonly config: KeyServiceConfig;
  readonly waiting: Map<string, { readonly request: RequestRef; readonly body: KmsMessage }>;
  next: number;
}

/** A key management plug-in (KMS v2) and the service behind it, on a host of their own: keys that only it knows, by AES-GCM. Its keys are test keys. */
export const keyService: Actor<KeyServiceConfig, State, KmsMessage> = {
  role: "key-service",
  start: (config) => ({ config, waiting: new Map(), next: 0 }),
  receive(state, input, ctx) {
    switch (input.type) {
      case "request": {
        const timer = `answer:${state.next++}`;
        state.waiting.set(timer, { request: input.request, body: input.body });
        return void ctx.setTimer(timer, drawMs(state.config.latencyMs, ctx.random("latency")));
      }
      case "timer": {
        const waiting = state.waiting.get(input.name);
        if (!waiting) return;
        state.waiting.delete(input.name);
        return void ctx.reply(waiting.request, keyServiceAnswer(state.config, waiting.body, ctx.wallUs() / 1000));
      }
      case "opened":
        return void ctx.close(input.stream, "refused", "a key service does not stream");
      // Nobody sends it datagrams, and it owns no disk: its keys follow from its name.
      case "closed":
      case "item":
      case "message":
      case "persisted":
      case "diskFailed":
        return;
    }
  },
};

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
