import type { Json, Reply, Tank } from "../api-server/server/tank";

const group = "conf.example.com";

function definition(n: number, schema: object, versions: readonly string[] = ["v1"], kind = `Foo${n}`, at = group) {
  const plural = `${kind.toLowerCase()}s`;
  return {
    metadata: { name: `${plural}.${at}` },
    spec: {
      group: at,
      scope: "Namespaced",
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema: { openAPIV3Schema: schema } })),
    },
  };
}

const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const closed = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["known"],
      properties: { known: { type: "string" }, list: { type: "array", items: { type: "string" } } },
    },
  },
};
const embedded = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: { template: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true } },
    },
  },
};

/** What the conformance suite asks of custom resources: what OpenAPI tells of them, and which of their fields are refused. */
export function definitions(tank: Tank): void {
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const things = (kind: string, version = "v1", at = group) => `/apis/${at}/${version}/namespaces/default/${kind.toLowerCase()}s`;
  const done = (reply: Reply): Json => {
    if (reply.code < 200 || reply.code > 299) throw new Error(`${reply.code} ${reply.body?.message ?? reply.text}`);
    return reply.body;
  };
  const define = (body: Json) => {
    done(tank.create(crds, body));
    const [{ name: version }] = body.spec.versions;
    const path = `/apis/${body.spec.group}/${version}`;
    tank.until(
      () => tank.get(path).body?.resources?.some(({ kind }: Json) => kind === body.spec.names.kind),
      `${body.metadata.name} is served`,
    );
    return body.metadata.name as string;
  };
  const published = (version: string, kind: string, at = group): Json | undefined => {
    const name = `${at.split(".").reverse().join(".")}.${version}.${kind}`;
    return tank.get("/openapi/v2").body.definitions[name];
  };

  describe("CustomResourcePublishOpenAPI", () => {
    test("works for multiple CRDs of different groups, of same group and version but different kinds, of same group but different versions; removes definition from spec when one version gets changed to not be served; updates the published spec when one version gets renamed", () => {
      define(definition(1, closed, ["v1"], "Apple", "one.example.com"));
      define(definition(1, closed, ["v1"], "Pear", "two.example.com"));
      define(definition(1, closed, ["v1"], "Plum", "two.example.com"));
      const name = define(definition(1, closed, ["v2", "v3"], "Cherry", "two.example.com"));
      const all = () =>
        ["v1 Apple one", "v1 Pear two", "v1 Plum two", "v2 Cherry two", "v3 Cherry two", "v4 Cherry two"].filter((one) => {
          const [version, kind, at] = one.split(" ") as [string, string, string];
          return published(version, kind, `${at}.example.com`)?.properties.spec.required.join() === "known";
        });
      tank.until(() => all().length === 5, "all five are published");
      expect(done(tank.get("/openapi/v3")).paths).toHaveProperty(["apis/two.example.com/v3"]);
      const versions = done(tank.get(`${crds}/${name}`)).spec.versions;
      done(
        tank.patch(`${crds}/${name}`, "json", [
          { op: "test", path: "/spec/versions/1/name", value: "v3" },
          { op: "replace", path: "/spec/versions/1/name", value: "v4" },
        ]),
      );
      tank.until(() => all().join().endsWith("v2 Cherry two,v4 Cherry two"), "the version is renamed");
      done(tank.patch(`${crds}/${name}`, "merge", { spec: { versions: [versions[0], { ...versions[1], name: "v4", served: false }] } }));
      tank.until(() => all().join().endsWith("v1 Plum two,v2 Cherry two"), "what is not served is not published");
    });

    test("works for CRD without validation schema, preserving unknown fields at the schema root, in an embedded object", () => {
      define(definition(2, open));
      define(definition(3, embedded));
      tank.until(() => published("v1", "Foo2") !== undefined && published("v1", "Foo3") !== undefined, "both are published");
      expect(published("v1", "Foo2")).toMatchObject({
        type: "object",
        "x-kubernetes-group-version-kind": [{ group, kind: "Foo2", version: "v1" }],
      });
      expect(published("v1", "Foo2")!.properties?.spec).toBeUndefined();
      const template = published("v1", "Foo3")!.properties.spec.properties.template;
      expect(template).toMatchObject({ type: "object", "x-kubernetes-preserve-unknown-fields": true });
      const own = (name: string, spec: object) => ({ apiVersion: `${group}/v1`, kind: "Foo3", metadata: { name }, spec });
      const body = own("kept", { template: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, any: { thing: 1 } } });
      expect(done(tank.create(`${things("Foo3")}?fieldValidation=Strict`, body)).spec.template.any).toEqual({ thing: 1 });
    });
  });

  describe("FieldValidation", () => {
    const strict = "fieldValidation=Strict";
    const applied = (path: string, body: Json) =>
      tank.patch(`${path}/${body.metadata.name}?${strict}&fieldManager=conformance`, "apply", body);

    test("should create/apply a CR with unknown fields for CRD with no validation schema; should detect duplicates in a CR when preserving unknown fields", () => {
      define(definition(4, open));
      const of = { apiVersion: `${group}/v1`, kind: "Foo4" };
      expect(done(applied(things("Foo4"), { ...of, metadata: { name: "a" }, spec: { any: 1 } })).spec).toEqual({ any: 1 });
      const yaml = `\napiVersion: ${group}/v1\nkind: Foo4\nmetadata:\n  name: b\nspec:\n  unknown: a\n  foo: one\n  foo: two\n`;
      const refused = tank.patch(`${things("Foo4")}/b?${strict}&fieldManager=conformance`, "apply", yaml);
      expect([refused.code, refused.body.message]).toEqual([400, expect.stringContaining('line 9: key "foo" already set in map')]);
      const posted = tank.create(`${things("Foo4")}?${strict}`, yaml, { contentType: "application/yaml" });
      expect(posted.body.message).toContain('strict decoding error: yaml: unmarshal errors:\n  line 9: key "foo" already set in map');
      expect(done(tank.create(things("Foo4"), yaml, { contentType: "application/yaml" })).spec.foo).toBe("two");
    });

    test("should create/apply a valid CR, an invalid CR with extra properties for CRD with validation schema; should detect unknown metadata fields in both the root and embedded object of a CR", () => {
      define(definition(5, closed));
      define(definition(6, embedded));
      const of = (kind: string, metadata: object, spec: object) => ({ apiVersion: `${group}/v1`, kind, metadata, spec });
      done(applied(things("Foo5"), of("Foo5", { name: "good" }, { known: "a" })));
      const extra = applied(things("Foo5"), of("Foo5", { name: "bad" }, { known: "a", extra: "b" }));
      expect([extra.code, extra.body.message]).toEqual([400, expect.stringContaining(".spec.extra: field not declared in schema")]);
      const posted = tank.create(`${things("Foo5")}?${strict}`, of("Foo5", { name: "bad" }, { known: "a", extra: "b" }));
      expect(posted.body.message).toContain('strict decoding error: unknown field "spec.extra"');
      const template = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", unknownSubMeta: "x" } };
      const body = of("Foo6", { name: "m", unknownMeta: "x" }, { template });
      expect(applied(things("Foo6"), body).body.message).toContain(".metadata.unknownMeta: field not declared in schema");
      const meta = tank.create(`${things("Foo6")}?${strict}`, body);
      expect(meta.code).toBe(400);
      expect(meta.body.message).toContain('unknown field "metadata.unknownMeta"');
      expect(meta.body.message).toContain('unknown field "spec.template.metadata.unknownSubMeta"');
    });

    test("should detect unknown and duplicate fields of a typed object; should detect unknown metadata fields of a typed object", () => {
      const at = `/apis/apps/v1/namespaces/default/deployments?${strict}`;
      const pod = '{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"b"}]}}';
      const told = (metadata: string, spec: string) =>
        tank.create(
          at,
          `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"${metadata}},"spec":{${spec}"selector":{"matchLabels":{"a":"b"}},"template":${pod}}}`,
        );
      const typed = told("", '"unknownField":"x","paused":true,"paused":false,');
      expect(typed.code).toBe(400);
      expect(typed.body.message).toContain('strict decoding error: unknown field "spec.unknownField", duplicate field "spec.paused"');
      expect(told(',"unknownMeta":"x"', "").body.message).toContain('unknown field "metadata.unknownMeta"');
      expect(told("", "").code).toBe(201);
    });
  });
}
