import { bodyOf } from "../../../actors/api-server/objects/validation/field-error";
import { validateCreate } from "../../../actors/api-server/objects/validation/validate";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";

const apiVersion = "admissionregistration.k8s.io/v1";

function wrong(kind: string, more: JsonObject): readonly string[] {
  const object = { apiVersion, kind, metadata: { name: "x" }, ...more };
  return validateCreate(kindOf(apiVersion, kind)!, object).map((error) => `${error.field}: ${bodyOf(error)}`);
}

const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] };
const webhook = {
  ...{ name: "a.example.com", clientConfig: { url: "https://example.com/check" }, admissionReviewVersions: ["v1"] },
  ...{ sideEffects: "None", rules: [rule] },
};
const webhooks = (...given: readonly JsonObject[]) =>
  wrong("MutatingWebhookConfiguration", { webhooks: given.map((each) => ({ ...webhook, ...each })) });
const policy = (spec: JsonObject) =>
  wrong("ValidatingAdmissionPolicy", {
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }], ...spec },
  });
const mutating = (...mutations: readonly JsonObject[]) =>
  wrong("MutatingAdmissionPolicy", { spec: { reinvocationPolicy: "Never", matchConstraints: { resourceRules: [rule] }, mutations } });
const binding = (spec: JsonObject) =>
  wrong("ValidatingAdmissionPolicyBinding", { spec: { policyName: "p", validationActions: ["Deny"], ...spec } });

test("a webhook has a name of its own, versions, and rules that do not say a thing twice", () => {
  expect(webhooks({})).toEqual([]);
  expect(webhooks({}, {})).toEqual(['webhooks[1].name: Duplicate value: "a.example.com"']);
  expect(webhooks({ admissionReviewVersions: ["v2", "v2"] })).toEqual([
    'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
    'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
  ]);
  expect(webhooks({ reinvocationPolicy: "Always", failurePolicy: "Shrug" })).toEqual([
    'webhooks[0].failurePolicy: Unsupported value: "Shrug": supported values: "Fail", "Ignore"',
    'webhooks[0].reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"',
  ]);
  expect(webhooks({ rules: [{ ...rule, resources: ["pods/*", "pods/status"], operations: ["*", "CREATE"] }] })).toEqual([
    `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
    `webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status`,
  ]);
  const service = { name: "s", namespace: "n", path: "//x" };
  expect(webhooks({ clientConfig: { service } })).toEqual([
    'webhooks[0].clientConfig.service.path: Invalid value: "//x": segment[0] may not be empty',
  ]);
  expect(webhooks({ clientConfig: { url: "https://example.com/?a=b" } })).toEqual([
    'webhooks[0].clientConfig.url: Invalid value: "a=b": query parameters are not permitted in the URL',
  ]);
});

test("expressions must compile, to the type that they are for, with what they may name", () => {
  expect(webhooks({ matchConditions: [{ name: "a", expression: "objekt.x" }] })).toEqual([
    `webhooks[0].matchConditions[0].expression: Invalid value: "objekt.x": compilation failed: ERROR: <input>:1:1: undeclared reference to 'objekt' (in container '')\n | objekt.x\n | ^`,
  ]);
  expect(policy({ validations: [{ expression: "1 + 1" }] })).toEqual([
    'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool',
  ]);
  expect(policy({ validations: [{ expression: "params.x == 1" }] })[0]).toContain("undeclared reference to 'params'");
  expect(policy({ paramKind: { apiVersion: "v1", kind: "ConfigMap" }, validations: [{ expression: "params.x == 1" }] })).toEqual([]);
  expect(policy({ variables: [{ name: "a", expression: "1" }], validations: [{ expression: "variables.a == 'x'" }] })[0]).toContain(
    "found no matching overload for '_==_' applied to '(int, string)'",
  );
  expect(
    policy({ variables: [{ name: "a", expression: "1" }], matchConditions: [{ name: "m", expression: "variables.a == 1" }] })[0],
  ).toContain("undeclared reference to 'variables'");
  expect(policy({ validations: [{ expression: "true", messageExpression: "authorizer.path('/x').check('get').reason()" }] })[0]).toContain(
    "undeclared reference to 'authorizer'",
  );
  expect(policy({ auditAnnotations: [{ key: "a", valueExpression: "1" }] })).toEqual([
    'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to string or null_type',
  ]);
});

test("a policy says something, about something", () => {
  expect(policy({ validations: [] })).toEqual([
    "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
    "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
  ]);
  expect(policy({ matchConstraints: {} })).toEqual(["spec.matchConstraints.resourceRules: Required value"]);
  expect(policy({ validations: [{ expression: "true", reason: "Odd" }] })).toEqual([
    'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
  ]);
});

test("a mutation has the expression that its type asks for", () => {
  expect(
    mutating({ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{spec: Object.spec{hostname: 'x'}}" } }),
  ).toEqual([]);
  expect(mutating({ patchType: "JSONPatch", jsonPatch: { expression: "[JSONPatch{op: 'remove', path: '/x'}]" } })).toEqual([]);
  expect(mutating({ patchType: "JSONPatch", jsonPatch: { expression: "Object{}" } })).toEqual([
    'spec.mutations[0].jsonPatch.expression: Invalid value: "Object{}": must evaluate to list(JSONPatch)',
  ]);
  expect(mutating({ patchType: "JSONPatch", jsonPatch: { expression: "[JSONPatch{op: 1}]" } })[0]).toContain(
    "expected type of field 'op' is 'string'",
  );
  expect(mutating({ patchType: "JSONPatch" })).toEqual([
    "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
  ]);
  expect(mutating()).toEqual(["spec.mutations: Required value: mutations must contain at least one item"]);
});

test("a binding names parameters one way, and does not say the same twice", () => {
  expect(binding({ paramRef: { name: "a", parameterNotFoundAction: "Deny" } })).toEqual([]);
  expect(binding({ paramRef: {} })).toEqual([
    "spec.paramRef: Required value: one of name or selector must be specified",
    "spec.paramRef.parameterNotFoundAction: Required value",
  ]);
  expect(binding({ paramRef: { name: "a", selector: {}, parameterNotFoundAction: "Deny" } })).toEqual([
    "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
    "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
  ]);
  expect(binding({ validationActions: ["Deny", "Warn"] })[0]).toContain("must not contain both Deny and Warn");
});
