import type { SignRequest, SignResult } from "../actor";
import { hashBytes, hashText, mix } from "../hash";
import type { Secrets } from "../world";

const none = new Uint8Array(0);

/** Fixed test keys: a signature is a keyed hash that anybody could make, the same in every run. Never outside of a simulation. */
export class SimulatedSecrets implements Secrets {
  perform(request: SignRequest): SignResult {
    switch (request.type) {
      case "sign":
        return { ok: true, bytes: signature(request.key, request.bytes), valid: true, pem: "" };
      case "verify": {
        const expected = signature(request.key, request.bytes);
        const valid = expected.length === request.signature.length && expected.every((byte, i) => byte === request.signature[i]);
        return { ok: true, bytes: none, valid, pem: "" };
      }
      case "certificate":
        return { ok: true, bytes: none, valid: true, pem: block("CERTIFICATE", hashText(request.request)) };
      case "public":
        return { ok: true, bytes: none, valid: true, pem: block("PUBLIC KEY", hashText(request.key)) };
      default:
        return request satisfies never;
    }
  }
}

function signature(key: string, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  let h = hashBytes(bytes, hashText(key));
  for (let i = 0; i < out.length; i++) {
    h = mix(h + i);
    out[i] = h & 0xff;
  }
  return out;
}

function block(label: string, hash: number): string {
  return `-----BEGIN SIMULATED ${label}-----\n${hash.toString(16).padStart(8, "0")}\n-----END SIMULATED ${label}-----\n`;
}
