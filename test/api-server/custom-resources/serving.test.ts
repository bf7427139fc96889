import { address } from "../../../protocol/address";
import { type Json, Tank } from "../server/tank";
import { causes, definitionsPath, install, version, widget, widgetDefinition, widgets } from "./definitions";

const conditionsOf = (tank: Tank, name: string): readonly string[] =>
  (tank.get(`${definitionsPath}/${name}`).body.status.conditions as readonly Json[]).map(
    ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
  );

describe("a CustomResourceDefinition", () => {
  it("is established, and its resource is served by every API server and named in both forms of discovery", () => {
    const tank = new Tank({ servers: 2 });
    install(tank, widgetDefinition());
    expect(conditionsOf(tank, "widgets.shop.example.com")).toEqual([
      "NamesAccepted=True NoConflicts: no conflicts found",
      "Established=True InitialNamesAccepted: the initial names have been accepted",
    ]);
    expect(tank.get(`${definitionsPath}/widgets.shop.example.com`).body.status).toMatchObject({
      acceptedNames: {
        plural: "widgets",
        singular: "widget",
        kind: "Widget",
        listKind: "WidgetList",
        shortNames: ["wd"],
        categories: ["all"],
      },
      storedVersions: ["v1"],
    });
    expect(tank.create(widgets, widget("a", { size: 1 }), { server: 1 }).code).toBe(201);
    expect(tank.get(widgets).body).toMatchObject({ kind: "WidgetList", items: [{ metadata: { name: "a", generation: 1 } }] });
    const legacy = tank.get("/apis/shop.example.com/v1", { server: 1 }).body.resources;
    expect(legacy.map(({ name }: Json) => name)).toEqual(["widgets", "widgets/status"]);
    expect(legacy[0]).toMatchObject({ singularName: "widget", kind: "Widget", namespaced: true, shortNames: ["wd"], categories: ["all"] });
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const groups = tank.get("/apis", { accept }).body.items as readonly Json[];
    expect(groups.at(-1)).toMatchObject({ metadata: { name: "shop.example.com" }, versions: [{ version: "v1" }] });
  });

  it("changes the ETag of discovery and the hashes of OpenAPI, and takes everything with it when it goes", () => {
    const tank = new Tank();
    const etag = () => tank.get("/apis").headers.get("etag");
    const paths = () => tank.get("/openapi/v3").body.paths as Readonly<Record<string, { serverRelativeURL: string }>>;
    const before = { etag: etag(), apps: paths()["apis/apps/v1"] };
    install(tank, widgetDefinition());
    expect(etag()).not.toBe(before.etag);
    expect(paths()["apis/apps/v1"]).toEqual(before.apps);
    const first = paths()["apis/shop.example.com/v1"]!.serverRelativeURL;
    const document = tank.get(first).body;
    expect(document.components.schemas["com.example.shop.v1.Widget"]).toMatchObject({
      properties: { spec: { required: ["size"] } },
      "x-kubernetes-group-version-kind": [{ group: "shop.example.com", version: "v1", kind: "Widget" }],
    });
    expect(tank.get("/openapi/v2").body.definitions["com.example.shop.v1.WidgetList"].required).toEqual(["items"]);
    tank.patch(`${definitionsPath}/widgets.shop.example.com`, "json", [
      { op: "add", path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/added", value: { type: "string" } },
    ]);
    tank.simulation.runFor(1_000);
    expect(paths()["apis/shop.example.com/v1"]!.serverRelativeURL).not.toBe(first);

    tank.create(widgets, widget("a", { size: 1 }));
    const watched = tank.watch(`${widgets}?watch=true&resourceVersion=0`);
    expect(tank.delete(`${definitionsPath}/widgets.shop.example.com`).body.metadata.finalizers).toEqual([
      "customresourcecleanup.apiextensions.k8s.io",
    ]);
    tank.simulation.runFor(1_000);
    expect(tank.get(widgets).code).toBe(404);
    expect(watched.events.map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
    expect(watched.closed).toBeDefined();
    expect(tank.get(`${definitionsPath}/widgets.shop.example.com`).code).toBe(404);
    expect(etag()).toBe(before.etag);
    // Nothing of it is left to come back with a definition of the same name.
    install(tank, widgetDefinition());
    expect(tank.get(widgets).body.items).toEqual([]);
  });

  it("stays while one of its objects has a finalizer, and nothing new comes meanwhile", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    const held = widget("held", { size: 1 });
    tank.create(widgets, { ...held, metadata: { name: "held", finalizers: ["example.com/hold"] } });
    tank.delete(`${definitionsPath}/widgets.shop.example.com`);
    tank.simulation.runFor(1_000);
    expect(conditionsOf(tank, "widgets.shop.example.com").at(-1)).toBe(
      "Terminating=True InstanceDeletionInProgress: CustomResource deletion is in progress",
    );
    expect(tank.create(widgets, widget("late", { size: 1 }))).toMatchObject({
      code: 405,
      body: { message: "create not allowed while custom resource definition is terminating" },
    });
    tank.patch(`${widgets}/held`, "merge", { metadata: { finalizers: null } });
    tank.simulation.runFor(1_000);
    expect(tank.get(`${definitionsPath}/widgets.shop.example.com`).code).toBe(404);
  });

  it("whose names are taken waits until they are free", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    const rival = widgetDefinition({ names: { plural: "gadgets", singular: "gadget", kind: "Widget", listKind: "GadgetList" } });
    tank.create(definitionsPath, rival);
    tank.simulation.runFor(1_000);
    expect(conditionsOf(tank, "gadgets.shop.example.com")).toEqual([
      'NamesAccepted=False KindConflict: "Widget" is already in use',
      "Established=False NotAccepted: not all names are accepted",
    ]);
    expect(tank.get("/apis/shop.example.com/v1/gadgets").code).toBe(404);
    tank.delete(`${definitionsPath}/widgets.shop.example.com`);
    tank.simulation.runFor(1_000);
    expect(conditionsOf(tank, "gadgets.shop.example.com")[1]).toContain("Established=True");
    expect(tank.get("/apis/shop.example.com/v1/gadgets").code).toBe(200);
  });

  it("is known again to a server that crashed, with its objects and their history", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    tank.create(widgets, widget("a", { size: 1 }));
    tank.simulation.crashActor(address("apiserver", 0));
    tank.simulation.runFor(5_000);
    expect(tank.get(`${widgets}/a`).body.spec).toEqual({ size: 1, color: "red" });
    expect(tank.get(widgets).body.items).toHaveLength(1);
  });
});

describe("an object of a custom resource", () => {
  it("is pruned, completed and validated by the schema of its version", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    const made = tank.create(widgets, widget("a", { size: 1, color: null, note: null, foo: 1, options: { any: { thing: [1] } } }));
    expect(made.body.spec).toEqual({ size: 1, color: "red", note: null, options: { any: { thing: [1] } } });
    expect(made.headers.get("Warning")).toBe('299 - "unknown field \\"spec.foo\\""');
    expect(tank.create(`${widgets}?fieldValidation=Strict`, widget("b", { size: 1, foo: 1 }))).toMatchObject({
      code: 400,
      body: { message: 'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.foo"' },
    });
    const wrong = { size: "x", color: "pink", port: {}, parts: [{ count: 1.5 }], replicas: null };
    expect(causes(tank.create(widgets, widget("c", wrong)).body)).toEqual([
      'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
      'spec.color: Unsupported value: "pink": supported values: "red", "green", "blue"',
      'spec.port: Invalid value: "object": spec.port in body must be of type integer,string: "object"',
      'spec.parts[0].count: Invalid value: "number": spec.parts[0].count in body must be of type integer: "number"',
      "spec.parts[0].name: Required value",
    ]);
    expect(causes(tank.create(widgets, widget("d", {})).body)).toEqual(["spec.size: Required value"]);
  });

  it("has its status written apart, and its generation counts what was asked for", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    const made = tank.create(widgets, widget("a", { size: 1 }, { status: { ready: true } }));
    expect(made.body.status).toBeUndefined();
    const changed = tank.patch(`${widgets}/a`, "merge", { spec: { size: 2 }, status: { ready: true } });
    expect(changed.body).toMatchObject({ metadata: { generation: 2 }, spec: { size: 2 } });
    expect(changed.body.status).toBeUndefined();
    const status = tank.patch(`${widgets}/a/status`, "merge", {
      spec: { size: 9 },
      status: { ready: true },
      metadata: { labels: { a: "b" } },
    });
    expect(status.body).toMatchObject({ metadata: { generation: 2 }, spec: { size: 2 }, status: { ready: true } });
    expect(status.body.metadata.labels).toBeUndefined();
    expect(tank.patch(`${widgets}/a`, "merge", { metadata: { labels: { a: "b" } } }).body.metadata.generation).toBe(2);
    expect(tank.patch(`${widgets}/a`, "strategic-merge", {}).code).toBe(415);
  });

  it("follows its definition on reading: new defaults appear and fields that are described no more go", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    tank.create(widgets, widget("a", { size: 1, note: "n" }));
    const path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    tank.patch(`${definitionsPath}/widgets.shop.example.com`, "json", [
      { op: "add", path: `${path}/shape`, value: { type: "string", default: "round" } },
      { op: "remove", path: `${path}/note` },
    ]);
    tank.simulation.runFor(1_000);
    expect(tank.get(`${widgets}/a`).body.spec).toEqual({ size: 1, color: "red", shape: "round" });
    expect(tank.get(widgets).body.items[0].spec).toEqual({ size: 1, color: "red", shape: "round" });
  });

  it("can be had in every served version, with the fields that the version knows", () => {
    const tank = new Tank();
    const old = {
      openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" } } } } },
    };
    install(tank, widgetDefinition({ versions: [version("v1"), version("v1beta1", { schema: old })] }));
    tank.create(widgets, widget("a", { size: 1, note: "n" }));
    const beta = widgets.replace("/v1/", "/v1beta1/");
    expect(tank.get(`${beta}/a`).body).toMatchObject({ apiVersion: "shop.example.com/v1beta1", spec: { size: 1 } });
    expect(tank.get(`${beta}/a`).body.spec).toEqual({ size: 1 });
    tank.create(beta, { apiVersion: "shop.example.com/v1beta1", kind: "Widget", metadata: { name: "b" }, spec: { size: 2 } });
    expect(tank.get(`${widgets}/b`).body).toMatchObject({ apiVersion: "shop.example.com/v1", spec: { size: 2, color: "red" } });
    expect(tank.get("/apis/shop.example.com").body).toMatchObject({
      preferredVersion: { version: "v1" },
      versions: [{ version: "v1" }, { version: "v1beta1" }],
    });
  });

  it("is shown in the columns of its definition, or with its age where there are none", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    tank.create(widgets, widget("a", { size: 1 }));
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const shown = () => {
      const table = tank.get(widgets, { accept }).body;
      return [table.columnDefinitions.map(({ name, type }: Json) => `${name}:${type}`), table.rows.map(({ cells }: Json) => cells)];
    };
    expect(shown()).toEqual([["Name:string", "Age:date"], [["a", expect.stringMatching(/^\d+s$/)]]]);
    const columns = [
      { name: "Size", type: "integer", jsonPath: ".spec.size" },
      { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: "Made", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ];
    tank.patch(`${definitionsPath}/widgets.shop.example.com`, "json", [
      { op: "add", path: "/spec/versions/0/additionalPrinterColumns", value: columns },
    ]);
    tank.simulation.runFor(1_000);
    expect(shown()).toEqual([
      ["Name:string", "Size:integer", "Ready:string", "Made:date"],
      [["a", 1, null, expect.stringMatching(/^\d+s$/)]],
    ]);
  });

  it("can be selected by the fields that its definition names", () => {
    const tank = new Tank();
    install(tank, widgetDefinition({ versions: [version("v1", { selectableFields: [{ jsonPath: ".spec.color" }] })] }));
    for (const [name, color] of [
      ["a", "red"],
      ["b", "blue"],
    ] as const)
      tank.create(widgets, widget(name, { size: 1, color }));
    const names = (selector: string) =>
      tank.get(`${widgets}?fieldSelector=${selector}`).body.items.map(({ metadata }: Json) => metadata.name);
    expect(names("spec.color=blue")).toEqual(["b"]);
    expect(names("spec.color!=blue,metadata.name=a")).toEqual(["a"]);
    expect(tank.get(`${widgets}?fieldSelector=spec.size=1`)).toMatchObject({
      code: 400,
      body: { message: "field label not supported: spec.size" },
    });
  });
});

describe("server-side apply of a custom resource", () => {
  it("owns keyed lists by entry, sets by value, unknown content by field, and refuses conflicts", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    const apply = (manager: string, spec: Json, query = "") =>
      tank.patch(`${widgets}/a?fieldManager=${manager}${query}`, "apply", { ...widget("a", spec), metadata: { name: "a" } });
    expect(apply("one", { size: 1, parts: [{ name: "x", count: 1 }], tags: ["t1"], options: { a: { b: 1 } } }).code).toBe(201);
    const both = apply("two", { parts: [{ name: "y", count: 2 }], tags: ["t2"], options: { c: [1] } });
    expect(both.body.spec).toEqual({
      size: 1,
      color: "red",
      parts: [
        { name: "x", count: 1 },
        { name: "y", count: 2 },
      ],
      tags: ["t1", "t2"],
      options: { a: { b: 1 }, c: [1] },
    });
    expect(both.body.metadata.managedFields.map(({ manager, fieldsV1 }: Json) => [manager, fieldsV1])).toEqual([
      [
        "one",
        {
          "f:spec": {
            "f:options": { "f:a": { ".": {}, "f:b": {} } },
            "f:parts": { 'k:{"name":"x"}': { ".": {}, "f:count": {}, "f:name": {} } },
            "f:size": {},
            "f:tags": { 'v:"t1"': {} },
          },
        },
      ],
      [
        "two",
        {
          "f:spec": {
            "f:options": { "f:c": {} },
            "f:parts": { 'k:{"name":"y"}': { ".": {}, "f:count": {}, "f:name": {} } },
            "f:tags": { 'v:"t2"': {} },
          },
        },
      ],
    ]);
    const conflict = apply("two", { size: 2 });
    expect(conflict).toMatchObject({ code: 409, body: { message: 'Apply failed with 1 conflict: conflict with "one": .spec.size' } });
    expect(apply("two", { size: 2 }, "&force=true").body.spec).toEqual({
      size: 2,
      color: "red",
      parts: [{ name: "x", count: 1 }],
      tags: ["t1"],
      options: { a: { b: 1 } },
    });
  });
});

describe("scale of a custom resource", () => {
  const scale = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas", labelSelectorPath: ".status.selector" };

  it("reads and writes the number where the definition says it is", () => {
    const tank = new Tank();
    install(tank, widgetDefinition({ versions: [version("v1", { subresources: { status: {}, scale } })] }));
    tank.create(widgets, widget("a", { size: 1, replicas: 2 }));
    tank.patch(`${widgets}/a/status`, "merge", { status: { replicas: 1, selector: "app=a" } });
    expect(tank.get(`${widgets}/a/scale`).body).toMatchObject({
      kind: "Scale",
      metadata: { name: "a", namespace: "default" },
      spec: { replicas: 2 },
      status: { replicas: 1, selector: "app=a" },
    });
    expect(tank.patch(`${widgets}/a/scale`, "merge", { spec: { replicas: 5 } }).body.spec).toEqual({ replicas: 5 });
    expect(tank.get(`${widgets}/a`).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5, size: 1 } });
    const { body } = tank.get(`${widgets}/a/scale`);
    expect(tank.put(`${widgets}/a/scale`, { ...body, spec: { replicas: 7 } }).body.spec).toEqual({ replicas: 7 });
    expect(tank.put(`${widgets}/a/scale`, { ...body, spec: { replicas: 8 } }).code).toBe(409);
    tank.create(widgets, widget("b", { size: 1 }));
    expect(tank.get(`${widgets}/b/scale`)).toMatchObject({
      code: 500,
      body: { message: expect.stringContaining('".spec.replicas" does not exist') },
    });
    expect(tank.patch(`${widgets}/b/scale`, "merge", { spec: { replicas: 1 } }).code).toBe(200);
  });

  it("is applied as well: the number is owned where the definition says it is", () => {
    const tank = new Tank();
    const subresources = { scale: { ...scale, specReplicasPath: ".spec.size" } };
    install(tank, widgetDefinition({ versions: [version("v1", { subresources })] }));
    tank.create(widgets, widget("a", { size: 1 }));
    const apply = (replicas: number, query = "") => {
      const body = { apiVersion: "autoscaling/v1", kind: "Scale", spec: { replicas } };
      return tank.patch(`${widgets}/a/scale?fieldManager=scaler${query}`, "apply", body);
    };
    expect(apply(3)).toMatchObject({ code: 409, body: { details: { causes: [{ field: ".spec.replicas" }] } } });
    expect(apply(3, "&force=true").body.spec).toEqual({ replicas: 3 });
    const { body } = tank.get(`${widgets}/a`);
    expect(body.spec.size).toBe(3);
    expect(body.metadata.managedFields[0]).toMatchObject({
      ...{ manager: "scaler", operation: "Apply", subresource: "scale", apiVersion: body.apiVersion },
      fieldsV1: { "f:spec": { "f:size": {} } },
    });
  });
});

test("whoever uses a deprecated version is warned, in its definition's words or with what to use instead", () => {
  const tank = new Tank();
  const versions = [
    version("v1"),
    version("v1beta1", { deprecated: true }),
    version("v1alpha1", { deprecated: true, deprecationWarning: "no more of this" }),
  ];
  install(tank, widgetDefinition({ versions }));
  const warning = (name: string) => tank.get(`/apis/shop.example.com/${name}/namespaces/default/widgets`).headers.get("Warning");
  expect(warning("v1")).toBeUndefined();
  expect(warning("v1beta1")).toBe('299 - "shop.example.com/v1beta1 Widget is deprecated; use shop.example.com/v1 Widget"');
  expect(warning("v1alpha1")).toBe('299 - "no more of this"');
});
