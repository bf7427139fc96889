import type { User } from "../authentication/user";
import type { Attributes } from "../authorization/attributes";

/** What of which requests is written down (audit.k8s.io/v1 Policy), and how a request finds its rule. */

export const auditLevels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = (typeof auditLevels)[number];

export const auditStages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type AuditStage = (typeof auditStages)[number];

export interface AuditResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface AuditRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly AuditResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** What is done with one request. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** The first rule that is about the request decides; where there is none nothing is written. */
export function auditDecision(policy: AuditPolicy, user: User, wanted: Attributes): AuditDecision {
  const { omitStages = [], omitManagedFields = false } = policy;
  const rule = policy.rules.find((each) => isAbout(each, user, wanted));
  if (!rule) return { level: "None", omitStages, omitManagedFields };
  return {
    level: rule.level,
    omitStages: [...omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
  };
}

const isAny = (list: readonly unknown[] | undefined) => list === undefined || list.length === 0;

function isAbout(rule: AuditRule, user: User, wanted: Attributes): boolean {
  if (!isAny(rule.users) && !rule.users!.includes(user.name)) return false;
  if (!isAny(rule.userGroups) && !rule.userGroups!.some((group) => user.groups.includes(group))) return false;
  if (!isAny(rule.verbs) && !rule.verbs!.includes(wanted.verb)) return false;
  if (!isAny(rule.namespaces) || !isAny(rule.resources)) return isAboutResource(rule, wanted);
  if (!isAny(rule.nonResourceURLs)) return !wanted.isResource && rule.nonResourceURLs!.some((url) => matchesPath(url, wanted.path));
  return true;
}

function matchesPath(url: string, path: string): boolean {
  return url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1)));
}

function isAboutResource({ namespaces, resources }: AuditRule, wanted: Attributes): boolean {
  if (!wanted.isResource) return false;
  if (!isAny(namespaces) && !namespaces!.includes(wanted.namespace)) return false;
  return isAny(resources) || resources!.some((each) => matchesResource(each, wanted));
}

function matchesResource({ group = "", resources = [], resourceNames = [] }: AuditResources, wanted: Attributes): boolean {
  if (group !== wanted.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(wanted.name)) return false;
  const { resource, subresource } = wanted;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some(
    (each) =>
      each === "*" ||
      each === combined ||
      (subresource !== "" && each === `*/${subresource}`) ||
      (each.endsWith("/*") && each.slice(0, -2) === resource),
  );
}
