import type { LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec } from "../../../../protocol/kinds/generated";
import { wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { canonicalQuantity, compareQuantity, parseQuantity, quantityMilliValue } from "../../../../protocol/kinds/quantity";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity, isLess } from "./numbers";
import { checkResourceName } from "./resources";

/** What a namespace may have: quotas, and ranges for single objects. */

type List = Readonly<Record<string, string | number>>;

/** What a quota may limit by a name without a domain. */
const quotaResources: ReadonlySet<string> = new Set([
  ...["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  ...["pods", "resourcequotas", "services", "services.nodeports", "services.loadbalancers"],
  ...["replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps"],
]);
/** These come one by one. */
const counted: ReadonlySet<string> = new Set([
  ...["pods", "resourcequotas", "services", "services.nodeports", "services.loadbalancers"],
  ...["replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps"],
]);

function checkQuotaList(list: List | undefined, at: string, findings: Findings): void {
  for (const name in list) {
    const here = `${at}[${name}]`;
    const wrong = wrongWithQualifiedName(name);
    findings.invalidFor(here, name, wrong);
    const isStandard = quotaResources.has(name) || /^(requests\.)?hugepages-/.test(name);
    if (wrong.length === 0 && !name.includes("/") && !isStandard) {
      findings.invalid(here, name, "must be a standard resource type or fully qualified");
      findings.invalid(here, name, "must be a standard resource for quota");
    }
    checkNonNegativeQuantity(list[name], here, findings);
    if (counted.has(name) && parseQuantity(list[name]!).nanos % 1_000_000_000n !== 0n)
      findings.invalid(here, list[name], "must be an integer");
  }
}

export function checkResourceQuota({ spec }: ResourceQuota, findings: Findings): void {
  checkQuotaList(spec?.hard, "spec.hard", findings);
  if (!spec) return;
  checkScopes(spec, findings);
  checkScopeSelector(spec, findings);
}

export function checkResourceQuotaStatus({ status }: ResourceQuota, findings: Findings): void {
  checkQuotaList(status?.hard, "status.hard", findings);
  checkQuotaList(status?.used, "status.used", findings);
}

const scopes: ReadonlySet<string> = new Set([
  ...[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
  ],
]);
const ofPods: ReadonlySet<string> = new Set([
  ...["cpu", "memory", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  "pods",
]);

/** Whether a quota of that scope can limit the resource: what is best effort asks for nothing that could be counted. */
function isLimited(scope: string, resource: string): boolean {
  if (scope === "BestEffort") return resource === "pods";
  if (scope === "VolumeAttributesClass") return resource === "persistentvolumeclaims" || resource === "requests.storage";
  return ofPods.has(resource);
}

function misapplied({ hard }: ResourceQuotaSpec, scope: string): number {
  return Object.keys(hard ?? {}).filter((name) => quotaResources.has(name) && !isLimited(scope, name)).length;
}

const opposites = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

function checkScopes(spec: ResourceQuotaSpec, findings: Findings): void {
  const given = spec.scopes ?? [];
  for (const scope of given) {
    if (!scopes.has(scope)) findings.invalid("spec.scopes", given, "unsupported scope");
    for (let count = misapplied(spec, scope); count > 0; count -= 1)
      findings.invalid("spec.scopes", given, "unsupported scope applied to resource");
  }
  for (const pair of opposites)
    if (pair.every((scope) => given.includes(scope))) findings.invalid("spec.scopes", given, "conflicting scopes");
}

function checkScopeSelector(spec: ResourceQuotaSpec, findings: Findings): void {
  const at = "spec.scopeSelector.matchExpressions";
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!scopes.has(scopeName)) findings.invalid(`${at}.scopeName`, scopeName, "unsupported scope");
    for (let count = misapplied(spec, scopeName); count > 0; count -= 1)
      findings.invalid(at, spec.scopeSelector, "unsupported scope applied to resource");
    const isPlain = scopeName !== "PriorityClass" && scopeName !== "VolumeAttributesClass" && scopes.has(scopeName);
    if (isPlain && operator !== "Exists")
      findings.invalid(
        `${at}.operator`,
        operator,
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      );
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0)
        findings.required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0)
        findings.invalid(`${at}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
    } else findings.invalid(`${at}.operator`, operator, "not a valid selector operator");
  }
  const named = new Set(expressions.map(({ scopeName }) => scopeName));
  for (const pair of opposites)
    if (pair.every((scope) => named.has(scope))) findings.invalid(at, spec.scopes ?? null, "conflicting scopes");
}

export function checkResourceQuotaUpdate(stored: ResourceQuota, updated: ResourceQuota, findings: Findings): void {
  if (!semanticallyEqual([...(stored.spec?.scopes ?? [])].sort(), [...(updated.spec?.scopes ?? [])].sort()))
    findings.invalid("spec.scopes", updated.spec?.scopes ?? null, "field is immutable");
}

const limitTypes: ReadonlySet<string> = new Set(["Container", "Pod", "PersistentVolumeClaim"]);

export function checkLimitRange({ spec }: LimitRange, findings: Findings): void {
  const types = new Set<string>();
  spec?.limits?.forEach((limit, index) => {
    const at = `spec.limits[${index}]`;
    const type = limit.type ?? "";
    const wrong = wrongWithQualifiedName(type);
    findings.invalidFor(`${at}.type`, type, wrong);
    if (wrong.length === 0 && !type.includes("/") && !limitTypes.has(type))
      findings.invalid(`${at}.type`, type, "must be a standard limit type or fully qualified");
    if (types.has(type)) findings.duplicate(`${at}.type`, type);
    types.add(type);
    checkLimitNames(limit, at, findings);
    const lists = [limit.max, limit.min, ...(type === "Pod" ? [] : [limit.default, limit.defaultRequest]), limit.maxLimitRequestRatio];
    const names = new Set(lists.flatMap((list) => Object.keys(list ?? {})));
    for (const name of names) checkLimit(limit, name, at, findings);
  });
}

function checkLimitNames(limit: LimitRangeItem, at: string, findings: Findings): void {
  const forContainers = limit.type === "Pod" || limit.type === "Container";
  const checkList = (list: "max" | "min" | "default" | "defaultRequest" | "maxLimitRequestRatio") => {
    for (const name in limit[list]) {
      const here = `${at}.${list}[${name}]`;
      if (forContainers) checkResourceName(name, here, findings);
      else {
        const wrong = wrongWithQualifiedName(name);
        findings.invalidFor(here, name, wrong);
        if (wrong.length === 0 && !name.includes("/") && !quotaResources.has(name) && !name.startsWith("hugepages-"))
          findings.invalid(here, name, "must be a standard resource type or fully qualified");
      }
    }
  };
  checkList("max");
  checkList("min");
  for (const list of ["default", "defaultRequest"] as const)
    if (limit.type !== "Pod") checkList(list);
    else if (Object.keys(limit[list] ?? {}).length > 0) findings.forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'");
  if (limit.type === "PersistentVolumeClaim" && limit.min?.storage === undefined && limit.max?.storage === undefined)
    findings.required(`${at}.limits`, "either minimum or maximum storage value is required, but neither was provided");
  checkList("maxLimitRequestRatio");
}

/** The bounds of one resource must be in order: least, default request, default limit, most. */
function checkLimit(limit: LimitRangeItem, name: string, at: string, findings: Findings): void {
  const [min, max, ratio] = [amountOf(limit.min, name), amountOf(limit.max, name), amountOf(limit.maxLimitRequestRatio, name)];
  const ofPod = limit.type === "Pod";
  const standard = ofPod ? undefined : amountOf(limit.default, name);
  const request = ofPod ? undefined : amountOf(limit.defaultRequest, name);
  const order = (lower: Bound, lowerName: string, upper: Bound, upperName: string, field: string, shown: Bound) => {
    if (lower === undefined || upper === undefined || !isLess(upper, lower)) return;
    const verb = `is greater than ${upperName} value ${text(upper)}`;
    findings.invalid(`${at}.${field}[${name}]`, text(shown!), `${lowerName} value ${text(lower)} ${verb}`);
  };
  order(min, "min", max, "max", "min", min);
  order(min, "min", request, "default request", "defaultRequest", request);
  order(request, "default request", max, "max", "defaultRequest", request);
  order(request, "default request", standard, "default limit", "defaultRequest", request);
  order(min, "min", standard, "default", "default", min);
  order(standard, "default", max, "max", "default", max);
  if (ratio !== undefined && isLess(ratio, 1))
    findings.invalid(`${at}.maxLimitRequestRatio[${name}]`, text(ratio), `ratio ${text(ratio)} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined && quantityMilliValue(min) > 0) {
    const most = quantityMilliValue(max) / quantityMilliValue(min);
    if (quantityMilliValue(ratio) / 1000 > most)
      findings.invalid(
        `${at}.maxLimitRequestRatio[${name}]`,
        text(ratio),
        `ratio ${text(ratio)} is greater than max/min = ${most.toFixed(6)}`,
      );
  }
  const inFull = name.startsWith("hugepages-") || (name.includes("/") && !name.includes("kubernetes.io/"));
  if (inFull && standard !== undefined && request !== undefined && compareQuantity(parseQuantity(standard), parseQuantity(request)) !== 0)
    findings.invalid(
      `${at}.defaultRequest[${name}]`,
      text(request),
      `default value ${text(standard)} must equal to defaultRequest value ${text(request)} in ${name}`,
    );
}

type Bound = string | number | undefined;

const text = (amount: string | number) => canonicalQuantity(amount) ?? String(amount);

/** What a list of resources says of one, which may be called like something that every object has. */
function amountOf(list: List | undefined, name: string): Bound {
  return list !== undefined && Object.hasOwn(list, name) ? list[name] : undefined;
}
