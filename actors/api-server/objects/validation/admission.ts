import type {
  MatchCondition,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  Mutation,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  Variable,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1035Label, wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { type Expression, expressionOf, variablesIn } from "../../admission/dynamic/expressions";
import { compileMutation } from "../../admission/dynamic/mutation";
import { type ScopeOptions, scopeOf } from "../../admission/dynamic/scope";
import { bool, type CelType, nullType, string } from "../../cel/types";
import type { Findings } from "./field-error";
import { checkLabelSelector } from "./selectors";
import { checkServiceReference, checkWebhookUrl } from "./web-targets";

/** Webhook configurations and admission policies: what they are about, whom they ask, and expressions that must compile. */

type WebhookConfiguration = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;

export function checkWebhooks({ webhooks }: WebhookConfiguration, findings: Findings): void {
  const names = new Set<string>();
  webhooks?.forEach((webhook, index) => {
    const at = `webhooks[${index}]`;
    checkWebhook(webhook, at, findings);
    const name = webhook.name ?? "";
    if (names.has(name)) findings.duplicate(`${at}.name`, name);
    names.add(name);
  });
}

function checkWebhook(webhook: ValidatingWebhook | MutatingWebhook, at: string, findings: Findings): void {
  const { name = "", failurePolicy, matchPolicy, sideEffects, timeoutSeconds = 10 } = webhook;
  const wrong = wrongWithDns1123Subdomain(name);
  findings.invalidFor(`${at}.name`, name, wrong);
  if (wrong.length === 0 && name.split(".").length < 3)
    findings.invalid(`${at}.name`, name, "should be a domain with at least three segments separated by dots");
  checkReviewVersions(webhook.admissionReviewVersions ?? [], `${at}.admissionReviewVersions`, findings);
  oneOf(failurePolicy, ["Fail", "Ignore"], `${at}.failurePolicy`, findings);
  oneOf(matchPolicy, ["Equivalent", "Exact"], `${at}.matchPolicy`, findings);
  if (!sideEffects) findings.required(`${at}.sideEffects`, "must specify one of None, NoneOnDryRun");
  else oneOf(sideEffects, ["None", "NoneOnDryRun"], `${at}.sideEffects`, findings);
  if (timeoutSeconds < 1 || timeoutSeconds > 30)
    findings.invalid(`${at}.timeoutSeconds`, timeoutSeconds, "the timeout value must be between 1 and 30 seconds");
  if ("reinvocationPolicy" in webhook) oneOf(webhook.reinvocationPolicy, ["IfNeeded", "Never"], `${at}.reinvocationPolicy`, findings);
  webhook.rules?.forEach((rule, place) => {
    checkRule(rule, `${at}.rules[${place}]`, findings);
  });
  checkLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`, findings);
  checkLabelSelector(webhook.objectSelector, `${at}.objectSelector`, findings);
  const { url, service } = webhook.clientConfig ?? {};
  if ((url === undefined) === (service === undefined)) findings.required(`${at}.clientConfig`, "exactly one of url or service is required");
  if (url !== undefined) checkWebhookUrl(url, `${at}.clientConfig.url`, findings);
  if (service) checkServiceReference(service, `${at}.clientConfig.service`, findings);
  checkConditions(webhook.matchConditions ?? [], {}, `${at}.matchConditions`, findings);
}

function checkReviewVersions(versions: readonly string[], at: string, findings: Findings): void {
  if (versions.length === 0) return findings.required(at, "must specify one of v1, v1beta1");
  const seen = new Set<string>();
  versions.forEach((version, index) => {
    if (seen.has(version)) findings.invalid(`${at}[${index}]`, version, "duplicate version");
    seen.add(version);
    findings.invalidFor(`${at}[${index}]`, version, wrongWithDns1035Label(version));
  });
  if (!versions.some((version) => version === "v1" || version === "v1beta1"))
    findings.invalid(at, versions, "must include at least one of v1, v1beta1");
}

function oneOf(value: string | undefined, supported: readonly string[], at: string, findings: Findings): void {
  if (value !== undefined && !supported.includes(value)) findings.notSupported(at, value, supported);
}

const operations = ["CREATE", "UPDATE", "DELETE", "CONNECT", "*"];

function checkRule(rule: RuleWithOperations | NamedRuleWithOperations, at: string, findings: Findings): void {
  for (const list of ["apiGroups", "apiVersions", "operations"] as const) {
    const values = rule[list] ?? [];
    if (values.length === 0) findings.required(`${at}.${list}`);
    else if (values.includes("*") && values.length > 1)
      findings.invalid(`${at}.${list}`, values, `if '*' is present, must not specify other ${wordsFor[list]}`);
  }
  rule.apiVersions?.forEach((version, index) => {
    if (version === "") findings.required(`${at}.apiVersions[${index}]`);
  });
  checkRuleResources(rule.resources ?? [], `${at}.resources`, findings);
  rule.operations?.forEach((operation, index) => {
    oneOf(operation, operations, `${at}.operations[${index}]`, findings);
  });
  oneOf(rule.scope, ["Cluster", "Namespaced", "*"], `${at}.scope`, findings);
}

const wordsFor = { apiGroups: "API groups", apiVersions: "API versions", operations: "operations" } as const;

/** "pods/*" says all that "pods/status" could, and "*" what any name could. */
function checkRuleResources(resources: readonly string[], at: string, findings: Findings): void {
  if (resources.length === 0) return findings.required(at);
  const all = new Set(resources.filter((each) => each.endsWith("/*")).map((each) => each.slice(0, -2)));
  const everywhere = new Set(resources.filter((each) => each.startsWith("*/")).map((each) => each.slice(2)));
  resources.forEach((each, index) => {
    const place = `${at}[${index}]`;
    const [resource = "", subresource] = each.split("/", 2);
    if (each === "") findings.required(place);
    else if (subresource !== undefined && subresource !== "*" && all.has(resource))
      findings.invalid(place, each, `if '${resource}/*' is present, must not specify ${each}`);
    else if (subresource !== undefined && resource !== "*" && everywhere.has(subresource))
      findings.invalid(place, each, `if '*/${subresource}' is present, must not specify ${each}`);
  });
  if (resources.includes("*/*") && resources.length > 1)
    findings.invalid(at, resources, "if '*/*' is present, must not specify other resources");
  if (resources.includes("*") && resources.some((each) => each !== "*" && !each.includes("/")))
    findings.invalid(at, resources, "if '*' is present, must not specify other resources without subresources");
}

const conditionsMax = 64;

function checkConditions(conditions: readonly MatchCondition[], options: ScopeOptions, at: string, findings: Findings): void {
  if (conditions.length > conditionsMax) findings.tooMany(at, conditions.length, conditionsMax);
  const names = new Set<string>();
  conditions.forEach(({ name = "", expression = "" }, index) => {
    const place = `${at}[${index}]`;
    if (name === "") findings.required(`${place}.name`);
    else findings.invalidFor(`${place}.name`, name, wrongWithQualifiedName(name));
    if (name !== "" && names.has(name)) findings.duplicate(`${place}.name`, name);
    names.add(name);
    checkExpression(expression, options, [bool], `${place}.expression`, findings);
  });
}

/** An expression has to be there and to compile, to one of these types. */
function checkExpression(source: string, options: ScopeOptions, wanted: readonly CelType[], at: string, findings: Findings): void {
  if (source.trim() === "") return findings.required(at, at.endsWith("xpression") ? "expression is not specified" : "");
  checkCompiled(expressionOf(scopeOf(options), source, ...wanted), at, findings);
}

function checkCompiled({ source, compiled }: Expression, at: string, findings: Findings): void {
  if (!compiled.ok) findings.invalid(at, source, compiled.message);
}

export function checkValidatingPolicy({ spec }: ValidatingAdmissionPolicy, findings: Findings): void {
  if (!spec) return findings.required("spec");
  oneOf(spec.failurePolicy, ["Fail", "Ignore"], "spec.failurePolicy", findings);
  checkParamKind(spec.paramKind, findings);
  checkConstraints(spec.matchConstraints, findings);
  const options: ScopeOptions = { params: spec.paramKind !== undefined };
  checkConditions(spec.matchConditions ?? [], options, "spec.matchConditions", findings);
  const known = { ...options, variables: checkVariables(spec.variables ?? [], options, findings) };
  if ((spec.validations ?? []).length === 0 && (spec.auditAnnotations ?? []).length === 0)
    for (const list of ["validations", "auditAnnotations"])
      findings.required(`spec.${list}`, "validations or auditAnnotations must contain at least one item");
  spec.validations?.forEach(({ expression = "", message, messageExpression, reason }, index) => {
    const at = `spec.validations[${index}]`;
    checkExpression(expression, known, [bool], `${at}.expression`, findings);
    if (message !== undefined && message.length > 0 && message.trim() === "")
      findings.invalid(`${at}.message`, message, "message must be non-empty if specified");
    else if (message !== undefined && /[\n\r]/.test(message))
      findings.invalid(`${at}.message`, message, "message must not contain line breaks");
    else if (message === undefined && /[\n\r]/.test(expression.trim()) && !messageExpression)
      findings.required(`${at}.message`, "message must be specified if expression contains line breaks");
    if (messageExpression !== undefined && messageExpression !== "")
      checkExpression(messageExpression, { ...known, authorizer: false }, [string], `${at}.messageExpression`, findings);
    oneOf(reason, ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"], `${at}.reason`, findings);
  });
  const keys = new Set<string>();
  spec.auditAnnotations?.forEach(({ key = "", valueExpression = "" }, index) => {
    const at = `spec.auditAnnotations[${index}]`;
    if (key === "") findings.required(`${at}.key`);
    else findings.invalidFor(`${at}.key`, key, wrongWithQualifiedName(key));
    if (keys.has(key)) findings.duplicate(`${at}.key`, key);
    keys.add(key);
    if (valueExpression.trim() === "") findings.required(`${at}.valueExpression`, "valueExpression is not specified");
    else checkExpression(valueExpression, known, [string, nullType], `${at}.valueExpression`, findings);
  });
}

export function checkMutatingPolicy({ spec }: MutatingAdmissionPolicy, findings: Findings): void {
  if (!spec) return findings.required("spec");
  oneOf(spec.failurePolicy, ["Fail", "Ignore"], "spec.failurePolicy", findings);
  if (!spec.reinvocationPolicy) findings.required("spec.reinvocationPolicy");
  else oneOf(spec.reinvocationPolicy, ["IfNeeded", "Never"], "spec.reinvocationPolicy", findings);
  checkParamKind(spec.paramKind, findings);
  checkConstraints(spec.matchConstraints, findings);
  const options: ScopeOptions = { params: spec.paramKind !== undefined };
  checkConditions(spec.matchConditions ?? [], options, "spec.matchConditions", findings);
  const known = { ...options, variables: checkVariables(spec.variables ?? [], options, findings) };
  if ((spec.mutations ?? []).length === 0) findings.required("spec.mutations", "mutations must contain at least one item");
  spec.mutations?.forEach((mutation, index) => {
    checkMutation(mutation, known, `spec.mutations[${index}]`, findings);
  });
}

function checkMutation(mutation: Mutation, options: ScopeOptions, at: string, findings: Findings): void {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  const [field, given, other] =
    patchType === "JSONPatch"
      ? (["jsonPatch", jsonPatch, applyConfiguration && "applyConfiguration"] as const)
      : (["applyConfiguration", applyConfiguration, jsonPatch && "jsonPatch"] as const);
  if (!patchType) return findings.required(`${at}.patchType`);
  if (patchType !== "JSONPatch" && patchType !== "ApplyConfiguration")
    return findings.notSupported(`${at}.patchType`, patchType, ["ApplyConfiguration", "JSONPatch"]);
  if (other) findings.invalid(`${at}.${other}`, "{}", `must not be specified when patchType is ${patchType}`);
  if (!given) return findings.required(`${at}.${field}`, `must be specified when patchType is ${patchType}`);
  if (!given.expression?.trim()) return findings.required(`${at}.${field}.expression`, "expression is not specified");
  checkCompiled(compileMutation(mutation, options).expression, `${at}.${field}.expression`, findings);
}

function checkParamKind(paramKind: ParamKind | undefined, findings: Findings): void {
  if (!paramKind) return;
  if (!paramKind.apiVersion) findings.required("spec.paramKind.apiVersion");
  else if (paramKind.apiVersion.split("/").length > 2)
    findings.invalid("spec.paramKind.apiVersion", paramKind.apiVersion, `unexpected GroupVersion string: ${paramKind.apiVersion}`);
  if (!paramKind.kind) findings.required("spec.paramKind.kind");
}

function checkConstraints(constraints: MatchResources | undefined, findings: Findings): void {
  if (!constraints) return findings.required("spec.matchConstraints");
  checkMatchResources(constraints, "spec.matchConstraints", findings);
  if ((constraints.resourceRules ?? []).length === 0) findings.required("spec.matchConstraints.resourceRules");
}

function checkMatchResources(resources: MatchResources, at: string, findings: Findings): void {
  oneOf(resources.matchPolicy, ["Equivalent", "Exact"], `${at}.matchPolicy`, findings);
  checkLabelSelector(resources.namespaceSelector, `${at}.namespaceSelector`, findings);
  checkLabelSelector(resources.objectSelector, `${at}.objectSelector`, findings);
  for (const list of ["resourceRules", "excludeResourceRules"] as const)
    resources[list]?.forEach((rule, index) => {
      checkRule(rule, `${at}.${list}[${index}]`, findings);
      const names = rule.resourceNames ?? [];
      names.forEach((name, place) => {
        if (names.indexOf(name) < place) findings.duplicate(`${at}.${list}[${index}].resourceNames[${place}]`, name);
      });
    });
}

/** The types of a policy's variables, for everything that may use them. */
function checkVariables(variables: readonly Variable[], options: ScopeOptions, findings: Findings): ReadonlyMap<string, CelType> {
  const names = new Set<string>();
  variables.forEach(({ name = "", expression = "" }, index) => {
    const at = `spec.variables[${index}]`;
    if (name === "") findings.required(`${at}.name`, "name is not specified");
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) findings.invalid(`${at}.name`, name, "name is not a valid CEL identifier");
    if (name !== "" && names.has(name)) findings.duplicate(`${at}.name`, name);
    names.add(name);
    if (expression.trim() === "") findings.required(`${at}.expression`, "expression is not specified");
  });
  const { compiled, types } = variablesIn(
    variables.filter(({ name, expression }) => name && expression?.trim()),
    options,
  );
  for (const each of compiled)
    checkCompiled(each, `spec.variables[${variables.findIndex(({ name }) => name === each.name)}].expression`, findings);
  return types;
}

export function checkValidatingPolicyBinding(binding: ValidatingAdmissionPolicyBinding, findings: Findings): void {
  checkBinding(binding, findings);
  const actions = binding.spec?.validationActions ?? [];
  if (actions.length === 0) findings.required("spec.validationActions", "at least one validation action is required");
  actions.forEach((action, index) => {
    oneOf(action, ["Audit", "Deny", "Warn"], `spec.validationActions[${index}]`, findings);
    if (actions.indexOf(action) < index) findings.duplicate(`spec.validationActions[${index}]`, action);
  });
  if (actions.includes("Deny") && actions.includes("Warn"))
    findings.invalid(
      "spec.validationActions",
      actions,
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
    );
}

export function checkMutatingPolicyBinding(binding: MutatingAdmissionPolicyBinding, findings: Findings): void {
  checkBinding(binding, findings);
}

function checkBinding({ spec }: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding, findings: Findings): void {
  if (!spec?.policyName) findings.required("spec.policyName");
  else findings.invalidFor("spec.policyName", spec.policyName, wrongWithDns1123Subdomain(spec.policyName));
  if (spec?.paramRef) checkParamRef(spec.paramRef, findings);
  if (spec?.matchResources) checkMatchResources(spec.matchResources, "spec.matchResources", findings);
}

function checkParamRef({ name = "", selector, parameterNotFoundAction }: ParamRef, findings: Findings): void {
  if (name !== "" && selector !== undefined)
    for (const field of ["name", "selector"]) findings.forbidden(`spec.paramRef.${field}`, "name and selector are mutually exclusive");
  if (name === "" && selector === undefined) findings.required("spec.paramRef", "one of name or selector must be specified");
  checkLabelSelector(selector, "spec.paramRef.selector", findings);
  if (!parameterNotFoundAction) findings.required("spec.paramRef.parameterNotFoundAction");
  else oneOf(parameterNotFoundAction, ["Deny", "Allow"], "spec.paramRef.parameterNotFoundAction", findings);
}
