import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type CertificateRequest, readCertificateRequest } from "../../protocol/x509";

/** What the controllers of certificates read in a CertificateSigningRequest. Source: "Certificates and Certificate Signing Requests", signers. */

export const signers = {
  client: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
  legacyUnknown: "kubernetes.io/legacy-unknown",
} as const;

export function hasCondition({ status }: Stored<CertificateSigningRequest>, type: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === "True");
}

/** The request with one more condition, for an update of its approval or status. */
export function withCondition(
  request: Stored<CertificateSigningRequest>,
  condition: Omit<CertificateSigningRequestCondition, "status">,
): Stored<CertificateSigningRequest> {
  const conditions = [...(request.status?.conditions ?? []), { ...condition, status: "True" }];
  return { ...request, status: { ...request.status, conditions } };
}

/** The PEM that lies in spec.request. */
export function requestText({ spec }: Stored<CertificateSigningRequest>): string {
  return Buffer.from(spec.request, "base64").toString("latin1");
}

/** What the request asks for; undefined where it cannot be read, which the API server does not let in. */
export function parsedRequest(request: Stored<CertificateSigningRequest>): CertificateRequest | undefined {
  try {
    return readCertificateRequest(requestText(request));
  } catch {
    return undefined;
  }
}

const nodes = "system:nodes";
const nodePrefix = "system:node:";

/** Why a request is not one for a kubelet's client certificate; undefined where it is. */
export function wrongWithKubeletClient(asked: CertificateRequest, usages: readonly string[]): string | undefined {
  return (
    wrongWithOrganization(asked) ??
    (asked.dnsNames.length > 0 ? "DNS subjectAltNames are not allowed" : undefined) ??
    (asked.emails.length > 0 ? "Email subjectAltNames are not allowed" : undefined) ??
    (asked.ipAddresses.length > 0 ? "IP subjectAltNames are not allowed" : undefined) ??
    (asked.uris.length > 0 ? "URI subjectAltNames are not allowed" : undefined) ??
    wrongWithName(asked) ??
    wrongWithUsages(usages, "client auth")
  );
}

/** Why a request is not one for a kubelet's serving certificate; undefined where it is. */
export function wrongWithKubeletServing(asked: CertificateRequest, usages: readonly string[]): string | undefined {
  return (
    wrongWithOrganization(asked) ??
    (asked.dnsNames.length + asked.ipAddresses.length === 0 ? "DNS or IP subjectAltName is required" : undefined) ??
    (asked.emails.length > 0 ? "Email subjectAltNames are not allowed" : undefined) ??
    (asked.uris.length > 0 ? "URI subjectAltNames are not allowed" : undefined) ??
    wrongWithUsages(usages, "server auth") ??
    wrongWithName(asked)
  );
}

/** Why these are not the usages of a client of the API server; undefined where they are. */
export function wrongWithClientUsages(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !["digital signature", "key encipherment", "client auth"].includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}

function wrongWithOrganization({ subject }: CertificateRequest): string | undefined {
  const isNodes = subject.organizations.length === 1 && subject.organizations[0] === nodes;
  return isNodes ? undefined : "subject organization is not system:nodes";
}

function wrongWithName({ subject }: CertificateRequest): string | undefined {
  return subject.commonName.startsWith(nodePrefix) ? undefined : "subject common name does not begin with system:node:";
}

/** Exactly a signature and the one purpose; enciphering keys is for RSA keys only, and may be left out. */
function wrongWithUsages(usages: readonly string[], purpose: string): string | undefined {
  const required = [purpose, "digital signature"].sort();
  const given = usages.filter((usage) => usage !== "key encipherment").sort();
  const same = given.length === 2 && given.every((usage, index) => usage === required[index]);
  return same ? undefined : `usages did not match [${[...required, "key encipherment"].sort().join(" ")}]`;
}
