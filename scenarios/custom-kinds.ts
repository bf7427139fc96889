import { customResourceOf, type Definition } from "../actors/api-server/custom-resources/definition";
import type { CustomResourceDefinition } from "../protocol/kinds/generated";
import type { JsonObject } from "../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../protocol/kinds/registry";

/** The kinds that CustomResourceDefinitions bring, as they will be once each got the names that it asks for; by "apiVersion kind". */
export function customKindsOf(definitions: readonly JsonObject[]): ReadonlyMap<string, Kind> {
  const kinds = definitions.flatMap(
    (definition) => customResourceOf(established(definition as unknown as CustomResourceDefinition))?.kinds ?? [],
  );
  return new Map(kinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]));
}

function established(definition: CustomResourceDefinition): Definition {
  const conditions = [{ type: "Established", status: "True" }];
  const status = { acceptedNames: definition.spec.names, conditions, storedVersions: [] };
  return { ...definition, status } as unknown as Definition;
}
