import type { CertificateSigningRequest } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type CertificateRequest, readCertificateRequest } from "../../protocol/x509";
import { type Controller, certificateSigningRequests, fail, knobMs, nothingToDo, sign, updateStatus, watch } from "../client";
import {
  hasCondition,
  requestText,
  signers,
  withCondition,
  wrongWithClientUsages,
  wrongWithKubeletClient,
  wrongWithKubeletServing,
} from "./certificate-request";

type Check = (asked: CertificateRequest, usages: readonly string[]) => string | undefined;

/** What each of Kubernetes' own signers puts its name to. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  [signers.client, (_asked, usages) => wrongWithClientUsages(usages)],
  [signers.kubeletClient, wrongWithKubeletClient],
  [signers.kubeletServing, wrongWithKubeletServing],
  [signers.legacyUnknown, () => undefined],
]);

const minuteMs = 60_000;
/** Clocks may differ by this much: a certificate is good from this long ago on. */
const backdatedMs = 5 * minuteMs;
const leastMs = 10 * minuteMs;
/** Those that are good for less than this get all of it in spite of that. */
const shortMs = 8 * 60 * minuteMs;

/** Signs what has been approved, with the cluster's authority; what a signer would not sign is marked as failed. */
export const certificateSigning: Controller = {
  name: "certificatesigningrequest-signing",
  watches: [watch(certificateSigningRequests, ({ metadata }) => [metadata.name])],
  reconcile(key, view, moment) {
    const request = view.of(certificateSigningRequests).get(key);
    if (!request || request.status?.certificate || !hasCondition(request, "Approved") || hasCondition(request, "Failed"))
      return nothingToDo;
    const check = checks.get(request.spec.signerName);
    if (!check) return nothingToDo;
    const usages = request.spec.usages ?? [];
    const wrong = wrongWith(request, check);
    if (wrong !== undefined) return { steps: [failed(request, wrong)] };
    const span = validity(
      request.spec.expirationSeconds,
      moment.nowMs,
      knobMs(moment, "cluster-signing-duration", 365 * 24 * 60 * minuteMs),
    );
    const signing = { type: "certificate", request: requestText(request), usages, ...span } as const;
    return {
      steps: [
        sign(signing, (result) => {
          if (!result.ok) return [fail(`unable to sign: ${result.detail}`)];
          const certificate = Buffer.from(result.pem).toString("base64");
          return [updateStatus(certificateSigningRequests, { ...request, status: { ...request.status, certificate } })];
        }),
      ],
    };
  },
};

function wrongWith(request: Stored<CertificateSigningRequest>, check: Check): string | undefined {
  try {
    return check(readCertificateRequest(requestText(request)), request.spec.usages ?? []);
  } catch (error) {
    return `unable to parse csr: ${(error as Error).message}`;
  }
}

function failed(request: Stored<CertificateSigningRequest>, message: string) {
  const condition = { type: "Failed", reason: "SignerValidationFailure", message };
  return updateStatus(certificateSigningRequests, withCondition(request, condition));
}

/** From when until when: as long as asked for, within the bounds of the signer. Times are whole seconds in a certificate. */
export function validity(
  askedSeconds: number | undefined,
  nowMs: number,
  mostMs: number,
): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  const asked = askedSeconds === undefined ? mostMs : askedSeconds * 1000;
  const ttlMs = Math.max(Math.min(asked, mostMs), Math.min(leastMs, mostMs));
  const seconds = Math.floor(nowMs / 1000) * 1000;
  return { notBeforeMs: seconds - backdatedMs, notAfterMs: seconds + ttlMs - (ttlMs < shortMs ? 0 : backdatedMs) };
}
