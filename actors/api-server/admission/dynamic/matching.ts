import type { LabelSelector, MatchResources, NamedRuleWithOperations, RuleWithOperations } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../../protocol/status";
import { isObject } from "../../objects/decode";
import { type Match, plainMatch, type Review } from "./review";

/** Which requests a webhook or a policy is about. Source: "Matching requests" in the documentation of dynamic admission control. */

/** What matching looks up: the kinds that are the same objects in other versions, and the labels of the request's namespace. */
export interface Surroundings {
  readonly equivalents: readonly Kind[];
  /** A Failure where the namespace cannot be found; undefined for what is in none. */
  readonly namespaceLabels: Readonly<Record<string, string>> | Failure | undefined;
}

interface Selectors {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}

interface Rules extends Selectors {
  readonly rules: readonly (RuleWithOperations | NamedRuleWithOperations)[];
  readonly matchPolicy?: string;
}

/** The match of a webhook's or policy's rules and selectors; undefined where it has nothing to say, a Failure where that cannot be told. */
export function matchRequest(review: Review, rules: Rules, around: Surroundings): Match | Failure | undefined {
  const bySpace = matchesNamespace(review, rules.namespaceSelector, around);
  if (bySpace === false || !matchesObject(review, rules.objectSelector)) return undefined;
  const match = matchRules(review, rules.rules, rules.matchPolicy, around.equivalents);
  return match && isFailure(bySpace) ? bySpace : match;
}

/** The same for the resources of a policy or its binding, which may exclude some, and without rules mean all. */
export function matchResources(review: Review, resources: MatchResources, around: Surroundings): Match | Failure | undefined {
  const { excludeResourceRules = [], resourceRules = [], matchPolicy } = resources;
  const bySpace = matchesNamespace(review, resources.namespaceSelector, around);
  if (bySpace === false || !matchesObject(review, resources.objectSelector)) return undefined;
  if (matchRules(review, excludeResourceRules, matchPolicy, around.equivalents)) return undefined;
  const match = resourceRules.length === 0 ? plainMatch(review) : matchRules(review, resourceRules, matchPolicy, around.equivalents);
  return match && isFailure(bySpace) ? bySpace : match;
}

function matchRules(
  review: Review,
  rules: Rules["rules"],
  matchPolicy: string | undefined,
  equivalents: readonly Kind[],
): Match | undefined {
  if (rules.some((rule) => matchesRule(review, rule, review.kind))) return plainMatch(review);
  if (matchPolicy === "Exact") return undefined;
  for (const rule of rules)
    for (const kind of equivalents)
      if (matchesRule(review, rule, kind)) {
        const isOwn = review.body.kind === review.kind.kind && review.body.group === review.kind.group;
        return { kind, body: isOwn ? kind : review.body };
      }
  return undefined;
}

function matchesRule(review: Review, rule: RuleWithOperations | NamedRuleWithOperations, kind: Kind): boolean {
  const has = (values: readonly string[] | undefined, value: string) => (values ?? []).some((each) => each === "*" || each === value);
  const { resourceNames = [] } = rule as NamedRuleWithOperations;
  return (
    inScope(review, rule.scope) &&
    has(rule.operations, review.operation) &&
    has(rule.apiGroups, kind.group) &&
    has(rule.apiVersions, kind.version) &&
    (rule.resources ?? []).some((each) => matchesResource(each, kind.plural, review.subresource)) &&
    (resourceNames.length === 0 || resourceNames.includes(review.name))
  );
}

/** "pods" is pods themselves, "pods/*" what is below them as well, and "*" all resources but nothing below any. */
function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const [resource, below = ""] = pattern.split("/", 2);
  return (resource === "*" || resource === plural) && (below === "*" || below === subresource);
}

/** A Namespace is of the whole cluster, although requests about it are said to be in it. */
function inScope({ kind }: Review, scope: string | undefined): boolean {
  if (scope === "Namespaced") return kind.namespaced;
  return scope === "Cluster" ? !kind.namespaced : true;
}

const isEmpty = (selector: LabelSelector | undefined) =>
  selector === undefined || (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0);

/** Whether a request is about Namespaces themselves. */
export function isOfNamespaces({ kind }: Review): boolean {
  return kind.group === "" && kind.plural === "namespaces";
}

function matchesNamespace(review: Review, selector: LabelSelector | undefined, around: Surroundings): boolean | Failure {
  if (isEmpty(selector) || (!review.kind.namespaced && !isOfNamespaces(review))) return true;
  const labels = around.namespaceLabels;
  if (isFailure(labels)) return labels;
  return matchesLabelSelector(selector, labels);
}

/** The new labels or the old ones: nobody gets out of a webhook's sight by changing them. */
function matchesObject({ object, old }: Review, selector: LabelSelector | undefined): boolean {
  if (isEmpty(selector)) return true;
  return [object, old].some((each) => {
    const metadata = each?.metadata;
    return isObject(metadata) && matchesLabelSelector(selector, labelsOf(metadata));
  });
}

function labelsOf(metadata: JsonObject): Readonly<Record<string, string>> {
  return isObject(metadata.labels) ? (metadata.labels as Readonly<Record<string, string>>) : {};
}
