import { typeWarnings } from "../../../actors/api-server/admission/type-checking";
import type { ValidatingAdmissionPolicySpec } from "../../../protocol/kinds/generated";
import { widgetDefinition } from "../custom-resources/definitions";

const on = (group: string, version: string, ...resources: string[]) => ({
  resourceRules: [{ apiGroups: [group], apiVersions: [version], operations: ["CREATE"], resources }],
});
const warnings = (spec: ValidatingAdmissionPolicySpec) =>
  typeWarnings({ spec: { matchConstraints: on("apps", "v1", "deployments"), ...spec } }, [widgetDefinition()]);
const one = (expression: string, spec: ValidatingAdmissionPolicySpec = {}) => warnings({ validations: [{ expression }], ...spec });

test("a field that the type does not have is named, with the type, as in Kubernetes' documentation", () => {
  expect(one("object.replicas > 1")).toEqual([
    {
      fieldRef: "spec.validations[0].expression",
      warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^",
    },
  ]);
  expect(one("object.spec.replicas > 1 && object.spec.template.spec.containers.all(c, c.image.startsWith('x'))")).toEqual([]);
});

test("each type that the rules name is checked, and a rule that could mean any is not", () => {
  const matchConstraints = on("apps", "v1", "deployments", "replicasets", "daemonsets");
  const found = one("object.spec.replicas > 1", { matchConstraints });
  expect(found.map(({ warning }) => warning.split(":")[0])).toEqual(["apps/v1, Kind=DaemonSet"]);
  expect(one("object.nothing", { matchConstraints: on("*", "v1", "deployments") })).toEqual([]);
});

test("types that contain themselves, times and quantities have types", () => {
  const matchConstraints = on("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  const deep = "object.spec.versions[0].schema.openAPIV3Schema.properties['a'].properties['b'].type == 'string'";
  expect(one(deep, { matchConstraints })).toEqual([]);
  expect(one("object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')")).toEqual([]);
  expect(one("object.metadata.creationTimestamp == 'x'")).toHaveLength(1);
});

test("custom resources are checked by their definitions, parameters and messages by their types, and variables have theirs", () => {
  const matchConstraints = on("shop.example.com", "v1", "widgets");
  expect(one("object.spec.size > 1 && 'a' in object.metadata.labels", { matchConstraints })).toEqual([]);
  expect(one("object.spec.sise > 1", { matchConstraints })[0]?.warning).toContain(
    "shop.example.com/v1, Kind=Widget: ERROR: <input>:1:12: undefined field 'sise'",
  );
  const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
  expect(one("params.data['a'] == 'b'", { paramKind })).toEqual([]);
  expect(one("params.spec == 'b'", { paramKind })).toHaveLength(1);
  const variables = [{ name: "many", expression: "object.spec.replicas" }];
  expect(one("variables.many == 'x'", { variables })[0]?.warning).toContain(
    "found no matching overload for '_==_' applied to '(int, string)'",
  );
  expect(warnings({ validations: [{ expression: "true", messageExpression: "object.spec.replicas" }] })).toEqual([
    { fieldRef: "spec.validations[0].messageExpression", warning: "apps/v1, Kind=Deployment: must evaluate to string" },
  ]);
});
