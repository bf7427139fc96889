import type {
  FlowcontrolV1Subject,
  FlowSchema,
  FlowSchemaCondition,
  LimitResponse,
  NonResourcePolicyRule,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
  ResourcePolicyRule,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { hashBitsMax, requiredEntropyBits } from "../../flow-control/shuffle-shard";
import { mandatoryLevels, mandatorySchemas } from "../../flow-control/standard-objects";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";

/** FlowSchemas and PriorityLevelConfigurations. The mandatory ones may not be other than they are. */

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const queuesMax = 10_000_000;

export function checkFlowSchema({ metadata, spec, status }: FlowSchema, findings: Findings): void {
  const name = metadata?.name ?? "";
  const precedence = spec?.matchingPrecedence ?? 0;
  const at = "spec.matchingPrecedence";
  if (precedence <= 0) findings.invalid(at, precedence, "must be a positive value");
  if (precedence > 10000) findings.invalid(at, precedence, "must not be greater than 10000");
  if (precedence === 1 && name !== "exempt")
    findings.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  const method = spec?.distinguisherMethod;
  if (method && method.type !== "ByNamespace" && method.type !== "ByUser")
    findings.notSupported("spec.distinguisherMethod.type", method.type ?? "", ["ByNamespace", "ByUser"]);
  const level = spec?.priorityLevelConfiguration?.name ?? "";
  if (level === "") findings.required("spec.priorityLevelConfiguration.name", "must reference a priority level");
  else findings.invalidFor("spec.priorityLevelConfiguration.name", level, wrongWithDns1123Subdomain(level));
  spec?.rules?.forEach((rule, index) => {
    const at = `spec.rules[${index}]`;
    const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
    if (subjects.length === 0) findings.required(`${at}.subjects`, "subjects must contain at least one value");
    subjects.forEach((subject, each) => {
      checkSubject(subject, `${at}.subjects[${each}]`, findings);
    });
    if (resourceRules.length === 0 && nonResourceRules.length === 0)
      findings.required(at, "at least one of resourceRules and nonResourceRules has to be non-empty");
    resourceRules.forEach((each, i) => {
      checkResourceRule(each, `${at}.resourceRules[${i}]`, findings);
    });
    nonResourceRules.forEach((each, i) => {
      checkNonResourceRule(each, `${at}.nonResourceRules[${i}]`, findings);
    });
  });
  checkFixed(name, spec, mandatorySchemas, findings);
  checkConditions(status?.conditions, findings);
}

/** What the mandatory objects say is fixed. */
function checkFixed(
  name: string,
  spec: unknown,
  fixed: readonly { readonly metadata: { readonly name: string }; readonly spec?: unknown }[],
  findings: Findings,
): void {
  const mandatory = fixed.find(({ metadata }) => metadata.name === name);
  if (mandatory && !semanticallyEqual(spec, mandatory.spec)) findings.invalid("spec", spec, `spec of '${name}' must equal the fixed value`);
}

function checkConditions(conditions: readonly FlowSchemaCondition[] | undefined, findings: Findings): void {
  const seen = new Set<string>();
  conditions?.forEach(({ type = "" }, index) => {
    const at = `status.conditions[${index}].type`;
    if (type === "") findings.required(at, "must not be empty");
    else if (seen.has(type)) findings.duplicate(at, type);
    seen.add(type);
  });
}

const subjectFields: ReadonlyMap<string, "user" | "group" | "serviceAccount"> = new Map([
  ["ServiceAccount", "serviceAccount"],
  ["User", "user"],
  ["Group", "group"],
]);

function checkSubject(subject: FlowcontrolV1Subject, at: string, findings: Findings): void {
  const field = subjectFields.get(subject.kind);
  if (!field) return findings.notSupported(`${at}.kind`, subject.kind ?? "", ["Group", "ServiceAccount", "User"]);
  const content = subject[field];
  if (!content) findings.required(`${at}.${field}`, `${field} is required when subject kind is '${subject.kind}'`);
  else if (!content.name) findings.required(`${at}.${field}.name`);
  else if (field === "serviceAccount" && content.name !== "*")
    findings.invalidFor(`${at}.serviceAccount.name`, content.name, wrongWithDns1123Subdomain(content.name));
  if (field === "serviceAccount" && subject.serviceAccount) {
    const { namespace } = subject.serviceAccount;
    if (!namespace) findings.required(`${at}.serviceAccount.namespace`, "must specify namespace for service account");
    else findings.invalidFor(`${at}.serviceAccount.namespace`, namespace, wrongWithDns1123Label(namespace));
  }
  for (const [kind, other] of subjectFields)
    if (other !== field && subject[other]) findings.forbidden(`${at}.${other}`, `${other} is forbidden when subject kind is not '${kind}'`);
}

function checkVerbs(given: readonly string[] | undefined, at: string, findings: Findings): void {
  if (!given?.length) return findings.required(`${at}.verbs`, "verbs must contain at least one value");
  if (given.includes("*")) {
    if (given.length > 1) findings.invalid(`${at}.verbs`, given, "if '*' is present, must not specify other verbs");
  } else if (given.some((verb) => !verbs.includes(verb))) findings.notSupported(`${at}.verbs`, given, verbs);
}

function checkResourceRule(
  { verbs, apiGroups, resources, namespaces, clusterScope }: ResourcePolicyRule,
  at: string,
  findings: Findings,
): void {
  checkVerbs(verbs, at, findings);
  if (!apiGroups?.length) findings.required(`${at}.apiGroups`, "resource rules must supply at least one api group");
  else if (apiGroups.length > 1 && apiGroups.includes("*"))
    findings.invalid(`${at}.apiGroups`, apiGroups, "if '*' is present, must not specify other api groups");
  if (!resources?.length) findings.required(`${at}.resources`, "resource rules must supply at least one resource");
  else if (resources.length > 1 && resources.includes("*"))
    findings.invalid(`${at}.resources`, resources, "if '*' is present, must not specify other resources");
  if (!namespaces?.length) {
    if (!clusterScope)
      findings.required(`${at}.namespaces`, "resource rules that are not cluster scoped must supply at least one namespace");
  } else if (namespaces.includes("*")) {
    if (namespaces.length > 1) findings.invalid(`${at}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces");
  } else
    namespaces.forEach((namespace, index) => {
      for (const wrong of wrongWithDns1123Label(namespace))
        findings.invalid(`${at}.namespaces[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${wrong}`);
    });
}

function checkNonResourceRule({ verbs, nonResourceURLs }: NonResourcePolicyRule, at: string, findings: Findings): void {
  checkVerbs(verbs, at, findings);
  if (!nonResourceURLs?.length) return findings.required(`${at}.nonResourceURLs`, "nonResourceURLs must contain at least one value");
  if (nonResourceURLs.includes("*")) {
    if (nonResourceURLs.length > 1)
      findings.invalid(`${at}.nonResourceURLs`, nonResourceURLs, "if '*' is present, must not specify other non-resource URLs");
    return;
  }
  nonResourceURLs.forEach((url, index) => {
    const wrong = wrongWithUrl(url);
    if (wrong !== undefined) findings.invalid(`${at}.nonResourceURLs[${index}]`, url, wrong);
  });
}

function wrongWithUrl(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const stars = url.split("*").length - 1;
  if (stars > 1 || (stars === 1 && !url.endsWith("/*"))) return "wildcard can only do suffix matching";
  return undefined;
}

export function checkPriorityLevel({ metadata, spec, status }: PriorityLevelConfiguration, findings: Findings): void {
  const name = metadata?.name ?? "";
  if ((name === "exempt") !== (spec?.type === "Exempt"))
    findings.invalid("spec.type", spec?.type ?? "", "type must be 'Exempt' if and only if name is 'exempt'");
  if (spec?.type === "Exempt") checkExempt(spec, findings);
  if (spec?.type === "Limited") checkLimited(spec, findings);
  if (name === "catch-all") checkFixed(name, spec, mandatoryLevels, findings);
  checkConditions(status?.conditions, findings);
}

/** Of the exempt level shares may be chosen, so that others reckon with what it takes. */
function checkExempt({ exempt, limited }: PriorityLevelConfigurationSpec, findings: Findings): void {
  if (limited !== undefined) findings.forbidden("spec.limited", "must be nil if the type is not Limited");
  if (!exempt) return findings.required("spec.exempt", "must not be empty when type is Exempt");
  checkShares(exempt, "spec.exempt", findings);
}

function checkLimited({ exempt, limited }: PriorityLevelConfigurationSpec, findings: Findings): void {
  if (exempt !== undefined) findings.forbidden("spec.exempt", "must be nil if the type is Limited");
  if (!limited) return findings.required("spec.limited", "must not be empty when type is Limited");
  checkShares(limited, "spec.limited", findings);
  const { borrowingLimitPercent: borrowing, limitResponse } = limited;
  if (borrowing !== undefined && borrowing < 0)
    findings.invalid("spec.limited.borrowingLimitPercent", borrowing, "if specified, must be a non-negative integer");
  checkLimitResponse(limitResponse, findings);
}

function checkShares(
  { nominalConcurrencyShares: shares, lendablePercent: lendable }: NonNullable<PriorityLevelConfigurationSpec["exempt"]>,
  at: string,
  findings: Findings,
): void {
  if (shares !== undefined && shares < 0) findings.invalid(`${at}.nominalConcurrencyShares`, shares, "must be a non-negative integer");
  if (lendable !== undefined && (lendable < 0 || lendable > 100))
    findings.invalid(`${at}.lendablePercent`, lendable, "must be between 0 and 100, inclusive");
}

function checkLimitResponse(response: LimitResponse | undefined, findings: Findings): void {
  const at = "spec.limited.limitResponse";
  if (response?.type === "Reject") {
    if (response.queuing !== undefined) findings.forbidden(`${at}.queuing`, "must be nil if limited.limitResponse.type is not Limited");
  } else if (response?.type === "Queue") {
    if (response.queuing === undefined) findings.required(`${at}.queuing`, "must not be empty if limited.limitResponse.type is Limited");
    else checkQueuing(response.queuing, `${at}.queuing`, findings);
  } else findings.notSupported(`${at}.type`, response?.type ?? "", ["Queue", "Reject"]);
}

function checkQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, at: string, findings: Findings): void {
  if (queueLengthLimit <= 0) findings.invalid(`${at}.queueLengthLimit`, queueLengthLimit, "must be positive");
  if (queues <= 0) findings.invalid(`${at}.queues`, queues, "must be positive");
  else if (queues > queuesMax) findings.invalid(`${at}.queues`, queues, `must not be greater than ${queuesMax}`);
  if (handSize <= 0) findings.invalid(`${at}.handSize`, handSize, "must be positive");
  else if (handSize > queues) findings.invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`);
  else {
    const bits = requiredEntropyBits(queues, handSize);
    if (bits > hashBitsMax)
      findings.invalid(
        `${at}.handSize`,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBitsMax}`,
      );
  }
}
