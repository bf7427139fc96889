import type { CustomFacts } from "../../../protocol/kinds/custom";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { Kind, Subresource, Verb } from "../../../protocol/kinds/registry";
import { sameJson } from "../storage/entry";
import { customResource } from "../storage/keys";
import { ownershipSchema } from "./ownership-schema";
import { type CustomResource, compareVersions } from "./served-kinds";

export type Definition = Stored<CustomResourceDefinition>;

/** What a definition brings once its names are established: a kind for each version that is served. Undefined before that, or without any. */
export function customResourceOf(definition: Definition): CustomResource | undefined {
  const { spec, status } = definition;
  const names = status?.acceptedNames;
  if (!isTrue(definition, "Established") || !names?.plural || !names.kind) return undefined;
  const storage = spec.versions.find((version) => version.storage);
  if (!storage) return undefined;
  const kinds = [...spec.versions]
    .sort((a, b) => compareVersions(a.name, b.name))
    .filter((version) => version.served)
    .map((version) => kindOfVersion(definition, names, version, storage.name));
  // Objects may be stored in a version that is served no more: its kind is known to the storage alone.
  const stored = kinds.find(({ version }) => version === storage.name) ?? kindOfVersion(definition, names, storage, storage.name);
  return kinds.length === 0 ? undefined : { stored: customResource(stored), kinds };
}

/** Whether a condition of the definition holds. */
export function isTrue({ status }: Definition, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

/** Whether the same is served by both: a change of other conditions, or a mark for deletion, changes nothing. */
export function servesSame(before: Definition, after: Definition): boolean {
  const told = (definition: Definition) => {
    const { metadata, spec, status } = definition;
    return [metadata.uid, spec, status?.acceptedNames ?? null, isTrue(definition, "Established")];
  };
  return sameJson(told(before), told(after));
}

const everyVerb: readonly Verb[] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const readWrite: readonly Verb[] = ["get", "patch", "update"];

function kindOfVersion(
  { metadata, spec }: Definition,
  names: CustomResourceDefinitionNames,
  version: CustomResourceDefinitionVersion,
  storageVersion: string,
): Kind {
  const { group } = spec;
  const openApi = version.schema?.openAPIV3Schema ?? {};
  const own = { group, version: version.name, kind: names.kind };
  const subresources: Subresource[] = [];
  if (version.subresources?.status) subresources.push({ name: "status", ...own, verbs: readWrite });
  if (version.subresources?.scale)
    subresources.push({ name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: readWrite });
  const custom: CustomFacts = {
    definitionName: metadata.name,
    listKind: names.listKind ?? `${names.kind}List`,
    storageVersion,
    conversion: spec.conversion ?? { strategy: "None" },
    versions: spec.versions,
    declared: version,
    openApi,
    schema: ownershipSchema(openApi, true),
    revision: `${metadata.uid}/${metadata.generation}`,
  };
  return {
    ...own,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    namespaced: spec.scope === "Namespaced",
    hasStatus: version.subresources?.status !== undefined,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    subresources,
    verbs: everyVerb,
    definition: `${group.split(".").reverse().join(".")}.${version.name}.${names.kind}`,
    custom,
  };
}
