import type {
  APIService,
  CertificateSigningRequest,
  CustomResourceDefinition,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1035Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkLabelSelector } from "./selectors";

/** What extends the API: admission, custom resources, aggregated services, certificates. */

type WebhookConfiguration = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;

export function checkWebhooks({ webhooks }: WebhookConfiguration, findings: Findings): void {
  const names = new Set<string>();
  webhooks?.forEach((webhook: ValidatingWebhook | MutatingWebhook, index) => {
    const at = `webhooks[${index}]`;
    const name = webhook.name ?? "";
    const wrong = wrongWithDns1123Subdomain(name);
    findings.invalidFor(`${at}.name`, name, wrong);
    if (wrong.length === 0 && name.split(".").length < 3)
      findings.invalid(`${at}.name`, name, "should be a domain with at least three segments separated by dots");
    if (names.has(name)) findings.duplicate(`${at}.name`, name);
    names.add(name);
    if ((webhook.admissionReviewVersions ?? []).length === 0)
      findings.required(`${at}.admissionReviewVersions`, "must specify one of v1, v1beta1");
    else if (!webhook.admissionReviewVersions!.some((version) => version === "v1" || version === "v1beta1"))
      findings.invalid(`${at}.admissionReviewVersions`, webhook.admissionReviewVersions, "must include at least one of v1, v1beta1");
    if (webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun")
      findings.notSupported(`${at}.sideEffects`, webhook.sideEffects ?? "", ["None", "NoneOnDryRun"]);
    const timeout = webhook.timeoutSeconds ?? 10;
    if (timeout < 1 || timeout > 30)
      findings.invalid(`${at}.timeoutSeconds`, timeout, "the timeout value must be between 1 and 30 seconds");
    webhook.rules?.forEach((rule, place) => {
      checkAdmissionRule(rule, `${at}.rules[${place}]`, findings);
    });
    checkLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`, findings);
    checkLabelSelector(webhook.objectSelector, `${at}.objectSelector`, findings);
    const { url, service } = webhook.clientConfig ?? {};
    if ((url === undefined) === (service === undefined))
      findings.required(`${at}.clientConfig`, "exactly one of url or service is required");
    if (url !== undefined && !url.startsWith("https://"))
      findings.invalid(`${at}.clientConfig.url`, url, "'https' is the only allowed URL scheme");
    if (service) checkServiceReference(service, `${at}.clientConfig.service`, findings);
  });
}

function checkServiceReference(
  service: { readonly name?: string; readonly namespace?: string; readonly path?: string; readonly port?: number },
  at: string,
  findings: Findings,
): void {
  if (!service.name) findings.required(`${at}.name`, "service name is required");
  if (!service.namespace) findings.required(`${at}.namespace`, "service namespace is required");
  if (service.port !== undefined && (service.port < 1 || service.port > 65535))
    findings.invalid(`${at}.port`, service.port, "port is not valid: must be between 1 and 65535, inclusive");
  if (service.path && !service.path.startsWith("/")) findings.invalid(`${at}.path`, service.path, "must start with a '/'");
}

const operations: ReadonlySet<string> = new Set(["CREATE", "UPDATE", "DELETE", "CONNECT", "*"]);

function checkAdmissionRule(rule: RuleWithOperations, at: string, findings: Findings): void {
  const lists = ["apiGroups", "apiVersions", "resources", "operations"] as const;
  for (const list of lists) {
    const values = rule[list] ?? [];
    if (values.length === 0) findings.required(`${at}.${list}`);
    else if (values.includes("*") && values.length > 1 && list !== "resources")
      findings.invalid(`${at}.${list}`, values, "if '*' is present, must not specify other values");
  }
  rule.operations?.forEach((operation, index) => {
    if (!operations.has(operation))
      findings.notSupported(`${at}.operations[${index}]`, operation, ["CREATE", "UPDATE", "DELETE", "CONNECT", "*"]);
  });
}

export function checkAdmissionPolicy({ spec }: ValidatingAdmissionPolicy, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if ((spec.validations ?? []).length === 0 && (spec.auditAnnotations ?? []).length === 0)
    findings.required("spec.validations", "validations or auditAnnotations must contain at least one item");
  spec.validations?.forEach((validation, index) => {
    if (!validation.expression?.trim()) findings.required(`spec.validations[${index}].expression`, "expression is not specified");
  });
  if (spec.matchConstraints === undefined) return findings.required("spec.matchConstraints");
  if ((spec.matchConstraints.resourceRules ?? []).length === 0) findings.required("spec.matchConstraints.resourceRules");
  spec.matchConstraints.resourceRules?.forEach((rule, index) => {
    checkAdmissionRule(rule, `spec.matchConstraints.resourceRules[${index}]`, findings);
  });
}

export function checkAdmissionPolicyBinding({ spec }: ValidatingAdmissionPolicyBinding, findings: Findings): void {
  if (!spec?.policyName) findings.required("spec.policyName");
  const actions = spec?.validationActions ?? [];
  if (actions.length === 0) findings.required("spec.validationActions");
  if (actions.includes("Deny") && actions.includes("Warn"))
    findings.invalid(
      "spec.validationActions",
      actions,
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
    );
  if (new Set(actions).size < actions.length)
    findings.duplicate(
      "spec.validationActions",
      actions.find((action, index) => actions.indexOf(action) < index),
    );
}

export function checkCustomResourceDefinition(crd: CustomResourceDefinition, findings: Findings): void {
  const { spec } = crd;
  if (!spec) return findings.required("spec");
  const { names } = spec;
  const expected = `${names?.plural ?? ""}.${spec.group ?? ""}`;
  if (crd.metadata?.name && crd.metadata.name !== expected)
    findings.invalid("metadata.name", crd.metadata.name, `must be spec.names.plural+"."+spec.group`);
  if (!spec.group) findings.required("spec.group");
  else {
    findings.invalidFor("spec.group", spec.group, wrongWithDns1123Subdomain(spec.group));
    if (!spec.group.includes(".")) findings.invalid("spec.group", spec.group, "should be a domain with at least one dot");
  }
  for (const field of ["plural", "singular"] as const)
    if (names?.[field]) findings.invalidFor(`spec.names.${field}`, names[field], wrongWithDns1035Label(names[field]!));
    else if (field === "plural") findings.required("spec.names.plural");
  for (const field of ["kind", "listKind"] as const)
    if (names?.[field]) findings.invalidFor(`spec.names.${field}`, names[field], wrongWithDns1035Label(names[field]!.toLowerCase()));
    else findings.required(`spec.names.${field}`);
  if (names?.kind && names.kind === names.listKind)
    findings.invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  names?.shortNames?.forEach((name, index) => {
    findings.invalidFor(`spec.names.shortNames[${index}]`, name, wrongWithDns1035Label(name));
  });
  checkVersions(spec.versions, findings);
  const conversion = spec.conversion;
  if (conversion?.strategy === "Webhook" && conversion.webhook?.clientConfig === undefined)
    findings.required("spec.conversion.webhook.clientConfig", "required when strategy is set to Webhook");
  if (conversion?.strategy === "None" && conversion.webhook !== undefined)
    findings.forbidden("spec.conversion.webhook", "should not be set when strategy is not set to Webhook");
}

function checkVersions(versions: NonNullable<CustomResourceDefinition["spec"]>["versions"] | undefined, findings: Findings): void {
  const names = new Set<string>();
  let storage = 0;
  versions?.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    findings.invalidFor(`${at}.name`, version.name ?? "", wrongWithDns1035Label(version.name ?? ""));
    if (names.has(version.name)) findings.duplicate(`${at}.name`, version.name);
    names.add(version.name);
    if (version.storage) storage += 1;
    const schema = version.schema?.openAPIV3Schema;
    if (!schema) findings.required(`${at}.schema.openAPIV3Schema`, "schemas are required");
    else if (schema.type !== "object")
      findings.invalid(`${at}.schema.openAPIV3Schema.type`, schema.type ?? "", "must be object at the root");
    const scale = version.subresources?.scale;
    for (const field of ["specReplicasPath", "statusReplicasPath"] as const) {
      if (!scale) break;
      const root = field === "specReplicasPath" ? ".spec." : ".status.";
      if (!scale[field]) findings.required(`${at}.subresources.scale.${field}`);
      else if (!scale[field].startsWith(root))
        findings.invalid(`${at}.subresources.scale.${field}`, scale[field], `should be a json path under ${root.slice(0, -1)}`);
    }
  });
  if (storage !== 1)
    findings.invalid("spec.versions", versions?.map(({ name }) => name) ?? null, "must have exactly one version marked as storage version");
}

export function checkCustomResourceDefinitionUpdate(
  stored: CustomResourceDefinition,
  updated: CustomResourceDefinition,
  findings: Findings,
): void {
  for (const field of ["group", "scope"] as const)
    if (stored.spec?.[field] !== updated.spec?.[field])
      findings.invalid(`spec.${field}`, updated.spec?.[field] ?? null, "field is immutable");
  for (const field of ["plural", "kind"] as const)
    if (stored.spec?.names?.[field] !== updated.spec?.names?.[field])
      findings.invalid(`spec.names.${field}`, updated.spec?.names?.[field] ?? null, "field is immutable");
  const kept = new Set(updated.spec?.versions?.map(({ name }) => name));
  for (const version of stored.status?.storedVersions ?? [])
    if (!kept.has(version))
      findings.invalid(
        "status.storedVersions[0]",
        version,
        "missing from spec.versions; " +
          `${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
      );
}

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

export function checkCertificateSigningRequest({ spec }: CertificateSigningRequest, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if ((spec.usages ?? []).length === 0) findings.required("spec.usages", "usages must be provided");
  if (!spec.signerName) findings.required("spec.signerName");
  else {
    const [domain = "", ...path] = spec.signerName.split("/");
    if (path.length === 0)
      findings.invalid(
        "spec.signerName",
        spec.signerName,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'",
      );
    else {
      findings.invalidFor("spec.signerName", spec.signerName, wrongWithDns1123Subdomain(domain));
      if (!domain.includes("."))
        findings.invalid("spec.signerName", domain, "should be a domain with at least two segments separated by dots");
    }
  }
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600)
    findings.invalid("spec.expirationSeconds", spec.expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)");
}

interface HasSpec {
  readonly spec?: unknown;
}

/** Kinds whose spec is said once: certificate requests, volume attachments, resource claims, addresses. */
export function checkSpecUpdate(stored: HasSpec, updated: HasSpec, findings: Findings): void {
  if (!semanticallyEqual(stored.spec, updated.spec)) findings.invalid("spec", updated.spec ?? null, "field is immutable");
}
