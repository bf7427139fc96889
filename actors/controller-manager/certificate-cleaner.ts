import type { CertificateSigningRequest } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { readCertificates } from "../../protocol/x509";
import { type Controller, certificateSigningRequests, nothingToDo, remove, watch } from "../client";

const hourMs = 3_600_000;
/** How long a request that was decided is kept, and one that nobody decides about. */
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** Deletes certificate requests that have had their time, and those whose certificate is no longer good. */
export const certificateCleaner: Controller = {
  name: "certificatesigningrequest-cleaner",
  watches: [watch(certificateSigningRequests, ({ metadata }) => [metadata.name])],
  reconcile(key, view, { nowMs }) {
    const request = view.of(certificateSigningRequests).get(key);
    const endMs = request && endOf(request);
    if (!request || endMs === undefined) return nothingToDo;
    return endMs <= nowMs ? { steps: [remove(certificateSigningRequests, request)] } : { steps: [], requeueAfterMs: endMs - nowMs };
  },
};

/** When a request goes; undefined for one that is approved and not signed, which may wait for its signer for ever. */
export function endOf({ metadata, status }: Stored<CertificateSigningRequest>): number | undefined {
  const conditions = status?.conditions ?? [];
  const ends: number[] = [];
  if (conditions.length === 0) ends.push(Date.parse(metadata.creationTimestamp) + pendingMs);
  for (const { type, lastUpdateTime } of conditions) {
    const isDone = type === "Denied" || type === "Failed" || (type === "Approved" && Boolean(status?.certificate));
    if (isDone && lastUpdateTime) ends.push(Date.parse(lastUpdateTime) + decidedMs);
  }
  const expires = status?.certificate ? expiryOf(status.certificate) : undefined;
  if (expires !== undefined && conditions.some(({ type }) => type === "Approved")) ends.push(expires);
  return ends.length > 0 ? Math.min(...ends) : undefined;
}

function expiryOf(certificate: string): number | undefined {
  try {
    return readCertificates(Buffer.from(certificate, "base64").toString("latin1"))[0]?.notAfterMs;
  } catch {
    return undefined;
  }
}
