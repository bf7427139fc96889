import { withDefaults } from "../../../actors/api-server/objects/defaulting";
import { bodyOf } from "../../../actors/api-server/objects/validation/field-error";
import { validateCreate, validateUpdate } from "../../../actors/api-server/objects/validation/validate";
import { kindOf } from "../../../protocol/kinds/registry";
import type { Json } from "../server/tank";
import { version, widgetDefinition } from "./definitions";

const kind = kindOf("apiextensions.k8s.io/v1", "CustomResourceDefinition")!;
const complete = (definition: Json) => withDefaults(kind, definition) as Json;

function wrongWith(definition: Json): readonly string[] {
  return validateCreate(kind, complete(definition)).map((error) => `${error.field}: ${bodyOf(error)}`);
}

/** What is wrong with a schema whose `spec` this is, without the path to it. */
function wrongWithSpec(spec: Json, root: Json = {}): readonly string[] {
  const openAPIV3Schema = { type: "object", properties: { spec }, ...root };
  const found = wrongWith(widgetDefinition({ versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }] }));
  return found.map((line) =>
    line.replaceAll("spec.validation.openAPIV3Schema.properties[spec]", "~").replaceAll("spec.validation.openAPIV3Schema", "^"),
  );
}

const object = (properties: Json, more: Json = {}): Json => ({ type: "object", properties, ...more });

describe("a definition", () => {
  it("that is right has nothing wrong", () => {
    expect(wrongWith(widgetDefinition())).toEqual([]);
    expect(wrongWith(widgetDefinition({ versions: [version("v1"), version("v1beta1")] }))).toEqual([]);
  });

  it.each<readonly [what: string, change: Json, wrong: string]>([
    ["a group without a dot", { group: "shop" }, 'spec.group: Invalid value: "shop": should be a domain with at least one dot'],
    ["another scope", { scope: "World" }, 'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ["no storage version", { versions: [version("v1", { storage: false })] }, "must have exactly one version marked as storage version"],
    ["a version twice", { versions: [version("v1"), version("v1", { storage: false })] }, "must contain unique version names"],
    [
      "a kind that is its list",
      { names: { plural: "widgets", kind: "Widget", listKind: "Widget" } },
      "kind and listKind may not be the same",
    ],
    ["a bad short name", { names: { plural: "widgets", kind: "Widget", shortNames: ["W_D"] } }, "spec.names.shortNames[0]: Invalid value"],
    [
      "a version without a schema",
      { versions: [version("v1", { schema: undefined })] },
      "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
    ],
    [
      "a scale outside of the spec",
      { versions: [version("v1", { subresources: { scale: { specReplicasPath: ".a", statusReplicasPath: ".status.replicas" } } })] },
      'spec.subresources.scale.specReplicasPath: Invalid value: ".a": should be a json path under .spec',
    ],
    [
      "a column of no type",
      { versions: [version("v1", { additionalPrinterColumns: [{ name: "A", type: "text", jsonPath: ".a" }] })] },
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    ],
    [
      "a selectable list",
      { versions: [version("v1", { selectableFields: [{ jsonPath: ".spec.tags" }] })] },
      "must point to a field of type string, boolean or integer",
    ],
    [
      "a selectable field that is not there",
      { versions: [version("v1", { selectableFields: [{ jsonPath: ".spec.none" }] })] },
      "is an invalid path: does not refer to a valid field",
    ],
    [
      "a webhook without a client",
      { conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } } },
      "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
    ],
    [
      "a webhook of no known version",
      { conversion: { strategy: "Webhook", webhook: { clientConfig: { url: "https://x" }, conversionReviewVersions: ["v9"] } } },
      "must include at least one of v1, v1beta1",
    ],
    [
      "a webhook without TLS",
      { conversion: { strategy: "Webhook", webhook: { clientConfig: { url: "http://x" }, conversionReviewVersions: ["v1"] } } },
      "'https' is the only allowed URL scheme",
    ],
    [
      "a group of the community's",
      { group: "widgets.k8s.io" },
      "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation",
    ],
  ])("with %s is refused", (_what, change, wrong) => {
    expect(wrongWith(widgetDefinition(change)).join("\n")).toContain(wrong);
  });

  it("keeps its group, plural and storage, and once established its scope and kind", () => {
    const stored = complete({
      ...widgetDefinition(),
      status: { storedVersions: ["v1"], conditions: [{ type: "Established", status: "True" }] },
    });
    const changed = complete({
      ...widgetDefinition({ scope: "Cluster", names: { plural: "widgets", kind: "Gadget" }, versions: [version("v2", { storage: true })] }),
      status: stored.status,
    });
    expect(validateUpdate(kind, stored, changed).map((error) => `${error.field}: ${bodyOf(error)}`)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Gadget": field is immutable',
      expect.stringMatching(
        /^status\.storedVersions\[0\]: Invalid value: "v1": missing from spec\.versions; v1 was previously a storage version/,
      ),
    ]);
  });
});

describe("a schema", () => {
  it.each<readonly [what: string, spec: Json, wrong: readonly string[]]>([
    ["without a type", {}, ["~.type: Required value: must not be empty for specified object fields"]],
    [
      "with items without a type",
      { type: "array", items: {} },
      ["~.items.type: Required value: must not be empty for specified array items"],
    ],
    ["of a list of nothing", { type: "array" }, ["~.items: Required value: must be specified"]],
    [
      "with a type inside of anyOf",
      { type: "string", anyOf: [{ type: "string" }] },
      ["~.anyOf[0].type: Forbidden: must be empty to be structural"],
    ],
    [
      "that narrows what it does not say",
      object({}, { allOf: [{ properties: { a: { minimum: 1 } } }] }),
      ["~.properties[a]: Required value: because it is defined in ~.allOf[0].properties[a]"],
    ],
    [
      "with fields and keys",
      object({ a: { type: "string" } }, { additionalProperties: { type: "string" } }),
      ["~.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    ],
    [
      "that keeps no unknown fields by name",
      object({}, { "x-kubernetes-preserve-unknown-fields": false }),
      ["~.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
    ],
    [
      "with a pattern that is none",
      { type: "string", pattern: "(" },
      ['~.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`'],
    ],
    [
      "of unique items",
      { type: "array", items: { type: "string" }, uniqueItems: true },
      ["~.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"],
    ],
    ["with a reference", { $ref: "#/definitions/a", type: "string" }, ["~.$ref: Forbidden: $ref is not supported"]],
    [
      "of an embedded resource that is none",
      { type: "string", "x-kubernetes-embedded-resource": true },
      [
        "~.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        '~.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
      ],
    ],
    [
      "of a keyed list without keys",
      { type: "array", "x-kubernetes-list-type": "map", items: object({}) },
      ["~.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    ],
    [
      "of a keyed list whose key may be missing",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: object({ name: { type: "string" } }),
      },
      [
        "~.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
      ],
    ],
    [
      "of a set of structures",
      { type: "array", "x-kubernetes-list-type": "set", items: object({}) },
      ["~.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set"],
    ],
    [
      "with a default of another type",
      object({ a: { type: "integer", default: "x" } }),
      ['~.properties[a].default: Invalid value: "string": ~.properties[a].default in body must be of type integer: "string"'],
    ],
    [
      "with a default that would be pruned",
      object({ a: object({ b: { type: "string" } }, { default: { c: 1 } }) }),
      ['~.properties[a].default: Invalid value: {"c":1}: must not have unknown fields'],
    ],
  ])("%s is refused", (_what, spec, wrong) => {
    expect(wrongWithSpec(spec)).toEqual(wrong);
  });

  it("may say of metadata only how names look, and needs to be an object", () => {
    expect(wrongWithSpec(object({}), { properties: { metadata: object({ labels: { type: "object" } }) } })).toEqual([
      "^.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
    ]);
    expect(wrongWithSpec(object({}), { properties: { metadata: object({ name: { type: "string", maxLength: 5 } }) } })).toEqual([]);
    expect(wrongWithSpec(object({}), { type: "array", items: object({}) })).toEqual([
      '^.type: Invalid value: "array": must be object at the root',
    ]);
  });

  it("may have numbers or texts in the two ways that are known", () => {
    const both = { "x-kubernetes-int-or-string": true };
    expect(wrongWithSpec(object({ a: both, b: { ...both, anyOf: [{ type: "integer" }, { type: "string" }] } }))).toEqual([]);
    expect(
      wrongWithSpec(object({ c: { ...both, allOf: [{ anyOf: [{ type: "integer" }, { type: "string" }] }, { pattern: "a" }] } })),
    ).toEqual([]);
  });
});

describe("a rule", () => {
  const ruled = (
    rule: Json,
    properties: Json = {
      a: { type: "string", maxLength: 10 },
      l: { type: "array", maxItems: 5, items: { type: "string", maxLength: 10 } },
    },
  ) =>
    wrongWithSpec(object(properties, { "x-kubernetes-validations": [rule] })).map((line) =>
      line.replace("~.x-kubernetes-validations[0].", ""),
    );

  it.each<readonly [what: string, rule: Json, wrong: string]>([
    ["that names no field", { rule: "self.b == 1" }, "undefined field 'b'"],
    ["that is no truth", { rule: "self.a" }, "cel expression must evaluate to a bool"],
    ["whose message is no text", { rule: "true", messageExpression: "1" }, "messageExpression must evaluate to a string"],
    ["without text", { rule: " " }, "rule: Required value: rule is not specified"],
    [
      "of two lines without a message",
      { rule: "true &&\ntrue" },
      "message: Required value: message must be specified if rule contains line breaks",
    ],
    ["for an unknown reason", { rule: "true", reason: "Because" }, 'reason: Unsupported value: "Because"'],
    [
      "about a field that is not there",
      { rule: "true", fieldPath: ".nothing" },
      'fieldPath: Invalid value: ".nothing": fieldPath must be a valid path',
    ],
    [
      "with an optional oldSelf that it does not use",
      { rule: "true", optionalOldSelf: true },
      "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
    ],
  ])("%s is refused", (_what, rule, wrong) => {
    expect(ruled(rule).join("\n")).toContain(wrong);
  });

  it("that may cost too much by estimate is refused, and what bounds the lists helps", () => {
    const unbounded = { l: { type: "array", items: { type: "string" } } };
    const nested = { rule: "self.l.all(x, self.l.all(y, x != y || x == y))" };
    expect(ruled(nested, unbounded).join("\n")).toContain(
      "rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)",
    );
    expect(ruled(nested)).toEqual([]);
    expect(ruled({ rule: "self.a.startsWith('x') && self.l.size() < 3 && self.l.exists(x, x.matches('a+'))" })).toEqual([]);
  });

  it("about what was before cannot be put where nobody can tell what was before", () => {
    const items = object({ n: { type: "integer" } }, { "x-kubernetes-validations": [{ rule: "self.n >= oldSelf.n" }] });
    expect(wrongWithSpec(object({ l: { type: "array", maxItems: 3, items } }))).toEqual([
      '~.properties[l].items.x-kubernetes-validations[0].rule: Invalid value: "self.n >= oldSelf.n": oldSelf cannot be used on the uncorrelatable portion of the schema within ~.properties[l]',
    ]);
  });
});
