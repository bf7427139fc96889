import type { Kind } from "../../../protocol/kinds/registry";
import { compareVersions } from "./served-kinds";

/**
 * What whoever uses a deprecated version of a custom resource is told: what its definition says, or which newer one there is. Undefined for a version
 * that is not deprecated. Source: "Version deprecation" in the documentation of CustomResourceDefinitions.
 */
export function deprecationOf({ group, kind, version, custom }: Kind): string | undefined {
  if (!custom?.declared.deprecated) return undefined;
  if (custom.declared.deprecationWarning !== undefined) return custom.declared.deprecationWarning;
  const newer = custom.versions
    .filter(({ name, served, deprecated }) => served && !deprecated && compareVersions(name, version) < 0)
    .map(({ name }) => name)
    .sort(compareVersions);
  const instead = newer.length === 0 ? "" : `; use ${group}/${newer[0]} ${kind}`;
  return `${group}/${version} ${kind} is deprecated${instead}`;
}
