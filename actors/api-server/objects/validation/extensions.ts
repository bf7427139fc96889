import type { APIService } from "../../../../protocol/kinds/generated";
import { wrongWithDns1035Label } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkServiceReference } from "./web-targets";

/** What extends the API: aggregated services, certificates. */

export function checkApiService(service: APIService, findings: Findings): void {
  const { spec } = service;
  if (!spec) return findings.required("spec");
  const expected = spec.group ? `${spec.version}.${spec.group}` : `${spec.version}.`;
  if (service.metadata?.name && service.metadata.name !== expected)
    findings.invalid("metadata.name", service.metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`);
  if (!spec.version) findings.required("spec.version");
  else findings.invalidFor("spec.version", spec.version, wrongWithDns1035Label(spec.version));
  if ((spec.groupPriorityMinimum ?? 0) <= 0 || spec.groupPriorityMinimum > 20000)
    findings.invalid("spec.groupPriorityMinimum", spec.groupPriorityMinimum ?? 0, "must be positive and less than 20000");
  if ((spec.versionPriority ?? 0) <= 0 || spec.versionPriority > 1000)
    findings.invalid("spec.versionPriority", spec.versionPriority ?? 0, "must be positive and less than 1000");
  if (!spec.service) {
    if (spec.caBundle !== undefined) findings.invalid("spec.caBundle", "<bytes>", "local APIServices may not have a caBundle");
    if (spec.insecureSkipTLSVerify === true)
      findings.invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify");
    return;
  }
  checkServiceReference(spec.service, "spec.service", findings);
  if (spec.insecureSkipTLSVerify === true && spec.caBundle !== undefined)
    findings.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present");
}

interface HasSpec {
  readonly spec?: unknown;
}

/** Kinds whose spec is said once: certificate requests, volume attachments, resource claims, addresses. */
export function checkSpecUpdate(stored: HasSpec, updated: HasSpec, findings: Findings): void {
  if (!semanticallyEqual(stored.spec, updated.spec)) findings.invalid("spec", updated.spec ?? null, "field is immutable");
}
