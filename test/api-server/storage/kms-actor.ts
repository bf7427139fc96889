import type { KmsAnnotations, KmsMessage, KmsResponse } from "../../../protocol/kms";
import type { AnyActor } from "../../../runtime/actor";

/** A key management plug-in that anybody can see through: what it encrypts is the bytes behind the key's name, each turned over. */
export class Plugin {
  keyId = "key-1";
  healthz = "ok";
  version = "v2";
  /** Why it does not decrypt; "" where it does. */
  broken = "";
  annotations: KmsAnnotations = [["version.encryption.remote.io", Buffer.from("1")]];
  readonly asked: KmsMessage[] = [];

  times(kind: KmsMessage["kind"]): number {
    return this.asked.filter((each) => each.kind === kind).length;
  }

  answer(body: KmsMessage): KmsResponse {
    this.asked.push(body);
    switch (body.kind) {
      case "kms.status":
        return { kind: "kms.status.response", version: this.version, healthz: this.healthz, keyId: this.keyId };
      case "kms.encrypt":
        return {
          ...{ kind: "kms.encrypt.response", keyId: this.keyId, annotations: this.annotations },
          ciphertext: Buffer.concat([Buffer.from(`${this.keyId}:`), turned(body.plaintext)]),
        };
      case "kms.decrypt": {
        const front = Buffer.from(`${body.keyId}:`);
        const fits = Buffer.from(body.ciphertext).subarray(0, front.length).equals(front);
        if (this.broken !== "" || !fits)
          return { kind: "kms.error", message: this.broken || "rpc error: code = Unknown desc = no such key" };
        return { kind: "kms.decrypt.response", plaintext: turned(Buffer.from(body.ciphertext).subarray(front.length)) };
      }
      default:
        throw new Error(`a plug-in is not told ${body.kind}`);
    }
  }

  get actor(): AnyActor {
    return {
      role: "kms",
      start: () => null,
      receive: (_state, input, ctx) => {
        if (input.type === "request") ctx.reply(input.request, this.answer(input.body as KmsMessage));
        return undefined;
      },
    };
  }
}

const turned = (bytes: Uint8Array) => Buffer.from(bytes).map((byte) => byte ^ 0xff);
