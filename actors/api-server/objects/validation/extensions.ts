import type {
  APIService,
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
