import { der, derSequence } from "../../protocol/der";
import { pem } from "../../protocol/x509";
import type { SignRequest, SignResult } from "../actor";
import { requestedForm, signedForm, toBeSigned } from "../certificate-form";
import { hashBytes, hashText, mix } from "../hash";
import type { Secrets } from "../world";

const none = new Uint8Array(0);

/** Fixed test keys: a signature is a keyed hash that anybody could make, the same in every run. Never outside of a simulation. */
export class SimulatedSecrets implements Secrets {
  perform(request: SignRequest): SignResult {
    switch (request.type) {
      case "sign":
        return { ok: true, bytes: signature(request.key, request.bytes), valid: true, pem: "" };
      case "verify":
        return { ok: true, bytes: none, valid: isBy(request.key, request), pem: "" };
      // A simulated issuer signs with a key that it names in its "n".
      case "verifyWith":
        return { ok: true, bytes: none, valid: isBy(String(request.key.n), request), pem: "" };
      case "certificate":
        return certificate(request);
      case "public":
        return { ok: true, bytes: none, valid: true, pem: block("PUBLIC KEY", hashText(request.key)) };
      default:
        return request satisfies never;
    }
  }
}

function isBy(key: string, { bytes, signature: given }: { readonly bytes: Uint8Array; readonly signature: Uint8Array }): boolean {
  const expected = signature(key, bytes);
  return expected.length === given.length && expected.every((byte, i) => byte === given[i]);
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

/** As a real authority would write it, but for the signature. */
function certificate({ request, usages, notBeforeMs, notAfterMs }: Extract<SignRequest, { type: "certificate" }>): SignResult {
  try {
    const form = requestedForm(request, usages);
    const serial = signature("serial", Buffer.from(`${request}${notBeforeMs}${notAfterMs}${usages.join()}`)).subarray(0, 16);
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    const signed = toBeSigned({ ...form, serial, algorithm, issuer, notBeforeMs, notAfterMs });
    return { ok: true, bytes: none, valid: true, pem: pem("CERTIFICATE", signedForm(signed, algorithm, signature("ca", signed))) };
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  }
}

/** ecdsa-with-SHA256, as it would be. */
const algorithm = derSequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
/** CN=simulated */
const issuer = derSequence(der(0x31, derSequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("simulated")))));

function block(label: string, hash: number): string {
  return `-----BEGIN SIMULATED ${label}-----\n${hash.toString(16).padStart(8, "0")}\n-----END SIMULATED ${label}-----\n`;
}
