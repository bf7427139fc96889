import { allKeyUsages } from "../../../../protocol/key-usages";
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { readCertificateRequest, readCertificates } from "../../../../protocol/x509";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";

/** CertificateSigningRequests: what a request must hold, and who may decide what about it where. */

const legacySigner = "kubernetes.io/legacy-unknown";
const decisive = ["Approved", "Denied"] as const;
const lasting = [...decisive, "Failed"] as const;

export function checkCertificateSigningRequest({ spec, status }: CertificateSigningRequest, findings: Findings): void {
  if (!spec) return findings.required("spec");
  const wrong = wrongWith(() => readCertificateRequest(decoded(spec.request)));
  if (wrong !== undefined) findings.invalid("spec.request", spec.request ?? null, wrong);
  if ((spec.usages ?? []).length === 0) findings.required("spec.usages", "usages must be provided");
  spec.usages?.forEach((usage, index, all) => {
    if (!allKeyUsages.includes(usage)) findings.notSupported(`spec.usages[${index}]`, usage, allKeyUsages);
    if (all.indexOf(usage) < index) findings.duplicate(`spec.usages[${index}]`, usage);
  });
  if (spec.signerName === legacySigner)
    findings.invalid("spec.signerName", spec.signerName, "the legacy signerName is not allowed via this API version");
  else checkSignerName(spec.signerName ?? "", findings);
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600)
    findings.invalid("spec.expirationSeconds", spec.expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)");
  checkConditions(status?.conditions ?? [], findings);
  if (status?.certificate) {
    const broken = wrongWith(() => readCertificates(decoded(status.certificate)));
    if (broken !== undefined) findings.invalid("status.certificate", "<certificate data>", broken);
  }
}

function checkSignerName(name: string, findings: Findings): void {
  const field = "spec.signerName";
  if (name === "") return findings.required(field);
  const [domain = "", ...path] = name.split("/");
  if (path.length !== 1)
    return findings.invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  findings.invalidFor(field, domain, wrongWithDns1123Subdomain(domain));
  if (!domain.includes(".")) findings.invalid(field, domain, "should be a domain with at least two segments separated by dots");
  if (name.length > 571) findings.tooLong(field, 571);
  for (const part of path[0]!.split("."))
    if (!/^[A-Za-z0-9]([-A-Za-z0-9_]*[A-Za-z0-9])?$/.test(part)) {
      findings.invalid(
        field,
        name,
        "the path must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      );
      return;
    }
}

function checkConditions(conditions: readonly CertificateSigningRequestCondition[], findings: Findings): void {
  const has = (type: string) => conditions.some((condition) => condition.type === type);
  conditions.forEach((condition, index) => {
    const at = `status.conditions[${index}]`;
    if (!condition.type) findings.required(`${at}.type`);
    else if (conditions.findIndex(({ type }) => type === condition.type) < index) findings.duplicate(`${at}.type`, condition.type);
    const allowed = (lasting as readonly string[]).includes(condition.type) ? ["True"] : ["True", "False", "Unknown"];
    if (!condition.status) findings.required(`${at}.status`);
    else if (!allowed.includes(condition.status)) findings.notSupported(`${at}.status`, condition.status, allowed);
  });
  if (has("Approved") && has("Denied"))
    findings.invalid("status.conditions", "Denied", "Approved and Denied conditions are mutually exclusive");
}

/** What no update of the request, its approval or its status may do, and what each of the three alone may. */
export function checkCertificateSigningRequestUpdate(
  stored: CertificateSigningRequest,
  updated: CertificateSigningRequest,
  subresource: string,
  findings: Findings,
): void {
  if (!semanticallyEqual(stored.spec, updated.spec)) findings.invalid("spec", updated.spec ?? null, "field is immutable");
  const of = ({ status }: CertificateSigningRequest, type: string) =>
    (status?.conditions ?? []).filter((condition) => condition.type === type);
  for (const type of lasting)
    if (of(updated, type).length < of(stored, type).length)
      findings.forbidden("status.conditions", `updates may not remove a condition of type ${JSON.stringify(type)}`);
  if (subresource !== "approval")
    for (const type of decisive) {
      const [before, after] = [of(stored, type), of(updated, type)];
      if (after.length > before.length)
        findings.forbidden("status.conditions", `updates may not add a condition of type ${JSON.stringify(type)}`);
      else if (after.length === before.length && !semanticallyEqual(before, after))
        findings.forbidden("status.conditions", `updates may not modify a condition of type ${JSON.stringify(type)}`);
    }
  const before = stored.status?.certificate ?? "";
  if (before === (updated.status?.certificate ?? "")) return;
  if (subresource !== "status") findings.forbidden("status.certificate", "updates may not set certificate content");
  else if (before !== "") findings.forbidden("status.certificate", "updates may not modify existing certificate content");
}

function decoded(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString("latin1");
}

function wrongWith(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
