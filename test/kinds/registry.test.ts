import {
  allDefinitions,
  allKinds,
  apiVersionOf,
  definition,
  groupVersions,
  isReview,
  kindOf,
  kindOfResource,
  type Schema,
} from "../../protocol/kinds/registry";

describe("the registry of kinds", () => {
  test("knows each kind by resource name and by apiVersion and kind", () => {
    for (const kind of allKinds()) {
      expect(kindOfResource(kind.group, kind.version, kind.plural)).toBe(kind);
      expect(kindOf(apiVersionOf(kind), kind.kind)).toBe(kind);
      expect(definition(kind.definition)).toBeDefined();
    }
    expect(kindOf("apps/v1", "Deployment")).toMatchObject({
      plural: "deployments",
      singular: "deployment",
      namespaced: true,
      hasStatus: true,
    });
    expect(kindOf("apps/v1beta1", "Deployment")).toBeUndefined();
  });

  test("every reference between definitions resolves", () => {
    const missing: string[] = [];
    const walk = (schema: Schema | undefined): void => {
      if (!schema) return;
      if (schema.$ref && !definition(schema.$ref)) missing.push(schema.$ref);
      for (const child of Object.values(schema.properties ?? {})) walk(child);
      walk(schema.items);
      walk(schema.additionalProperties);
    };
    for (const schema of allDefinitions().values()) walk(schema);
    expect(missing).toEqual([]);
  });

  test("what scales has a scale subresource (API reference: autoscaling/v1 Scale)", () => {
    const scalable = allKinds().filter((kind) => kind.subresources.some((sub) => sub.name === "scale"));
    expect(scalable.map((kind) => kind.plural).sort()).toEqual(["deployments", "replicasets", "replicationcontrollers", "statefulsets"]);
    expect(scalable[0]!.subresources.find((sub) => sub.name === "scale")).toMatchObject({
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
    });
  });

  test("reviews can only be created, component statuses only read, namespaces not deleted by collection", () => {
    const reviews = allKinds().filter(isReview);
    expect(reviews.map((kind) => kind.kind).sort()).toEqual([
      "LocalSubjectAccessReview",
      "SelfSubjectAccessReview",
      "SelfSubjectReview",
      "SelfSubjectRulesReview",
      "SubjectAccessReview",
      "TokenReview",
    ]);
    expect(reviews.every((kind) => !kind.hasStatus && kind.subresources.length === 0)).toBe(true);
    expect(kindOf("v1", "ComponentStatus")!.verbs).toEqual(["get", "list"]);
    expect(kindOf("v1", "Namespace")!.verbs).not.toContain("deletecollection");
    expect(kindOf("v1", "Pod")!.verbs).toHaveLength(8);
  });

  test("the preferred version of a group comes first", () => {
    const autoscaling = groupVersions().filter((gv) => gv.group === "autoscaling");
    expect(autoscaling.map((gv) => gv.version)).toEqual(["v2", "v1"]);
    expect(groupVersions()[0]).toMatchObject({ group: "", version: "v1", apiVersion: "v1" });
  });
});
