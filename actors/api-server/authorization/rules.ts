import type { PolicyRule } from "../../../protocol/kinds/generated";
import type { Attributes } from "./attributes";

/** What RBAC's rules allow and cover, one rule at a time. */

const has = (list: readonly string[] | undefined, value: string) => list?.includes("*") || list?.includes(value) || false;

/** Whether a rule allows what is wanted. Subresources are named "pods/log", or "*" + "/scale" for those of all resources. */
export function allows(rule: PolicyRule, wanted: Attributes): boolean {
  if (!has(rule.verbs, wanted.verb)) return false;
  if (!wanted.isResource) return (rule.nonResourceURLs ?? []).some((pattern) => matchesUrl(pattern, wanted.path));
  return (
    has(rule.apiGroups, wanted.group) &&
    matchesResource(rule.resources, wanted.resource, wanted.subresource) &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(wanted.name))
  );
}

function matchesResource(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (has(resources, subresource === "" ? resource : `${resource}/${subresource}`)) return true;
  return subresource !== "" && (resources?.includes(`*/${subresource}`) ?? false);
}

/** "*" is everything, "/healthz/*" all below it, anything else only itself. */
function matchesUrl(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

/**
 * Those parts of `wanted` that `held` does not allow, each a rule about a single verb and a single thing: what somebody would gain who
 * was given `wanted`. Empty where nothing would be gained.
 */
export function notCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(parts).filter((part) => !held.some((rule) => covers(rule, part)));
}

function parts(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  const ofResources = verbs.flatMap((verb) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.map((name) => ({
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          ...(name === undefined ? {} : { resourceNames: [name] }),
        })),
      ),
    ),
  );
  return [...ofResources, ...verbs.flatMap((verb) => nonResourceURLs.map((url) => ({ verbs: [verb], nonResourceURLs: [url] })))];
}

/** Whether a rule allows all that a part does; the part's own wildcards are only covered by the same or wider ones. */
function covers(rule: PolicyRule, part: PolicyRule): boolean {
  if (!has(rule.verbs, part.verbs[0]!)) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((pattern) => matchesUrl(pattern, url));
  const [resource = "", subresource = ""] = part.resources![0]!.split("/");
  const names = rule.resourceNames ?? [];
  const name = part.resourceNames?.[0];
  return (
    has(rule.apiGroups, part.apiGroups![0]!) &&
    matchesResource(rule.resources, resource, subresource) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}
