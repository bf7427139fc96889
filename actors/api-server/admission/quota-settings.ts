import type { ScopedResourceSelectorRequirement } from "../../../protocol/kinds/generated";
import { isObject } from "../objects/decode";

/** What may be taken only where a quota says how much of it: `limitedResources` of a ResourceQuotaConfiguration. */
export interface LimitedResource {
  readonly apiGroup: string;
  /** Plural. */
  readonly resource: string;
  /** Parts of the names by which quotas limit it. */
  readonly matchContains: readonly string[];
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[];
}

type Complain = (at: string, why: string) => void;

/** Reads that list; what is wrong is said, with the place. */
export function readLimitedResources(given: unknown, at: string, complain: Complain): readonly LimitedResource[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) {
    complain(at, "expected a list");
    return [];
  }
  return given.map((each: unknown, index) => {
    const here = `${at}[${index}]`;
    const { apiGroup = "", resource = "", matchContains = [], matchScopes = [], ...unknown } = isObject(each) ? each : {};
    for (const field of Object.keys(unknown))
      complain(`${here}.${field}`, "unknown field; there are apiGroup, resource, matchContains, matchScopes");
    if (typeof resource !== "string" || resource === "") complain(`${here}.resource`, "Required value: must be specified");
    if (typeof apiGroup !== "string") complain(`${here}.apiGroup`, "expected a text");
    const parts = Array.isArray(matchContains) && matchContains.every((part) => typeof part === "string") ? matchContains : undefined;
    if (!parts) complain(`${here}.matchContains`, "expected a list of texts");
    const scopes = Array.isArray(matchScopes) && matchScopes.every((scope) => isObject(scope) && scope.scopeName) ? matchScopes : undefined;
    if (!scopes) complain(`${here}.matchScopes`, "expected a list of scopeName, operator and values");
    return { apiGroup: String(apiGroup), resource: String(resource), matchContains: parts ?? [], matchScopes: scopes ?? [] };
  });
}
