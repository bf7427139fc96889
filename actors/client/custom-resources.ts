import type { CustomResourceDefinition } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type Resource, resource } from "./resource";

export const customResourceDefinitions = resource<CustomResourceDefinition>("apiextensions.k8s.io/v1", "CustomResourceDefinition");

/** The resources that definitions bring, sorted by name: in the version they are stored in, which costs no conversion, or else in one that is served. */
export function customResourcesOf(definitions: Iterable<Stored<CustomResourceDefinition>>): readonly Resource[] {
  const found: Resource[] = [];
  for (const { spec, status } of definitions) {
    const names = status?.acceptedNames;
    const established = status?.conditions?.some(({ type, status }) => type === "Established" && status === "True");
    const version = spec.versions.find(({ storage, served }) => storage && served) ?? spec.versions.find(({ served }) => served);
    if (!established || !names?.plural || !version) continue;
    const { group, scope } = spec;
    found.push({
      ...{ group, version: version.name, apiVersion: `${group}/${version.name}`, kind: names.kind, plural: names.plural },
      namespaced: scope === "Namespaced",
    });
  }
  return found.sort((a, b) => (`${a.plural}.${a.group}` < `${b.plural}.${b.group}` ? -1 : 1));
}
