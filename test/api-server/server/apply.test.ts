import { Tank } from "./tank";

const deployments = "/apis/apps/v1/namespaces/default/deployments";
const web = (spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }] } },
    ...spec,
  },
});

describe("ownership across /scale (Kubernetes documentation: Transferring ownership between managers)", () => {
  test("whoever scales owns spec.replicas: an apply that says otherwise is a conflict with them", () => {
    const tank = new Tank();
    const apply = () => tank.patch(`${deployments}/web?fieldManager=one`, "apply", web());
    apply();
    tank.patch(`${deployments}/web/scale?fieldManager=autoscaler`, "merge", { spec: { replicas: 7 } });
    const refused = apply();
    expect(refused.code).toBe(409);
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "autoscaler" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });
});

describe("server-side apply of a Scale (compared with Kubernetes' scale handler of managed fields)", () => {
  const tank = new Tank();
  const scale = (replicas: number, more: object = {}) => ({ apiVersion: "autoscaling/v1", kind: "Scale", spec: { replicas }, ...more });
  const apply = (manager: string, replicas: number, query = "", more: object = {}) =>
    tank.patch(`${deployments}/web/scale?fieldManager=${manager}${query}`, "apply", scale(replicas, more));
  const stored = () => tank.get(`${deployments}/web`).body;
  /** Who owns the number of replicas in the workload, and in which version. */
  const owners = () =>
    stored()
      .metadata.managedFields.filter((entry: { fieldsV1: Record<string, object> }) => "f:replicas" in (entry.fieldsV1["f:spec"] ?? {}))
      .map((entry: Record<string, string>) => `${entry.manager} ${entry.operation} ${entry.apiVersion} ${entry.subresource ?? "-"}`);

  test("the workload's owner of the number is in the way until force takes it, recorded in the workload's version", () => {
    expect(apply("two", 5).code).toBe(404);
    tank.patch(`${deployments}/web?fieldManager=one`, "apply", web());
    const refused = apply("two", 5);
    expect(refused).toMatchObject({
      code: 409,
      body: { reason: "Conflict", details: { causes: [{ reason: "FieldManagerConflict", field: ".spec.replicas" }] } },
    });
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.replicas');
    expect(apply("two", 5, "&force=true&dryRun=All").body.spec.replicas).toBe(5);
    expect(stored().spec.replicas).toBe(2);
    const taken = apply("two", 5, "&force=true");
    expect(taken.body).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", metadata: { name: "web" }, spec: { replicas: 5 } });
    expect(taken.body.metadata.managedFields).toBeUndefined();
    expect(owners()).toEqual(["two Apply apps/v1 scale"]);
    expect(stored().metadata.generation).toBe(2);
    expect(tank.patch(`${deployments}/web?fieldManager=one`, "apply", web()).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "two" with subresource "scale": .spec.replicas',
    );
  });

  test("the same value is owned by both, the same again changes nothing", () => {
    expect(apply("three", 5).code).toBe(200);
    expect(owners()).toEqual(["three Apply apps/v1 scale", "two Apply apps/v1 scale"]);
    const { resourceVersion, generation } = stored().metadata;
    expect(generation).toBe(2);
    expect(apply("three", 5).body.metadata.resourceVersion).toBe(resourceVersion);
    expect(apply("three", 6).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "two" with subresource "scale": .spec.replicas',
    );
  });

  test("whoever scales takes it from the appliers, and is in their way under the Scale's version", () => {
    tank.patch(`${deployments}/web/scale?fieldManager=kubectl`, "merge", { spec: { replicas: 7 } });
    expect(owners()).toEqual(["kubectl Update apps/v1 scale"]);
    const inTheWay = 'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using autoscaling/v1: .spec.replicas';
    expect(apply("two", 5).body.message).toBe(inTheWay);
    expect(apply("two", 7).code).toBe(200);
    expect(owners()).toEqual(["two Apply apps/v1 scale", "kubectl Update apps/v1 scale"]);
    expect(apply("two", 5, "&force=true").body.spec.replicas).toBe(5);
    expect(owners()).toEqual(["two Apply apps/v1 scale"]);
  });

  test("what the applier of the workload owns besides stays with it", () => {
    const one = stored().metadata.managedFields.find((entry: { manager: string }) => entry.manager === "one");
    expect(one).toMatchObject({ operation: "Apply", fieldsV1: { "f:spec": { "f:selector": {}, "f:template": {} } } });
  });

  test("uid and resourceVersion are conditions; no manager, another version or kind, and what no Scale is are refused", () => {
    const { uid, resourceVersion } = stored().metadata;
    expect(apply("two", 6, "", { metadata: { uid: "other" } })).toMatchObject({
      code: 409,
      body: { message: expect.stringContaining(`UID in precondition: other, UID in object meta: ${uid}`) },
    });
    expect(apply("two", 6, "", { metadata: { resourceVersion: "1" } }).code).toBe(409);
    expect(apply("two", 6, "", { metadata: { uid, resourceVersion } }).body.spec.replicas).toBe(6);
    expect(apply("two", 6, "", { metadata: { managedFields: [{}] } }).body.message).toBe("metadata.managedFields must be nil");
    expect(apply("", 6)).toMatchObject({ code: 422, body: { message: expect.stringContaining("is required for apply patch") } });
    expect(apply("two", 6, "", { apiVersion: "apps/v1" }).body.message).toBe(
      "Incorrect version specified in apply patch. Specified patch version: apps/v1, expected: autoscaling/v1",
    );
    expect(apply("two", 6, "", { kind: "Deployment" }).code).toBe(400);
    expect(apply("two", 6, "", { metadata: { name: "other" } }).code).toBe(400);
    expect(apply("two", -1)).toMatchObject({ code: 422, body: { details: { causes: [{ field: "spec.replicas" }] } } });
    expect(apply("two", 6, "", { spec: { replicas: "6" } }).body.message).toContain(
      "failed to create typed patch object (default/web; autoscaling/v1, Kind=Scale): .spec.replicas: expected numeric",
    );
    expect(stored().spec.replicas).toBe(6);
  });
});

describe("server-side apply (Kubernetes documentation: Server-Side Apply)", () => {
  const tank = new Tank();
  const apply = (manager: string, body: unknown, query = "") =>
    tank.patch(`${deployments}/web?fieldManager=${manager}${query}`, "apply", body);

  test("apply makes what is not there, with defaults, and notes the manager", () => {
    const made = apply("one", web());
    expect(made.code).toBe(201);
    expect(made.body.spec.strategy.type).toBe("RollingUpdate");
    expect(made.body.metadata.managedFields).toMatchObject([{ manager: "one", operation: "Apply" }]);
  });

  test("applying the same again changes nothing", () => {
    const again = apply("one", web());
    expect(again.code).toBe(200);
    expect(again.body.metadata.resourceVersion).toBe(tank.get(`${deployments}/web`).body.metadata.resourceVersion);
    expect(again.body.metadata.generation).toBe(1);
  });

  test("another manager's value is a 409 that names field and manager, and force takes it over", () => {
    const conflict = apply("two", web({ replicas: 5 }));
    expect(conflict).toMatchObject({
      code: 409,
      body: { reason: "Conflict", details: { causes: [{ reason: "FieldManagerConflict", field: ".spec.replicas" }] } },
    });
    expect(apply("two", web({ replicas: 5 }), "&force=true").body.spec.replicas).toBe(5);
  });

  test("an update takes the changed field away from whoever applied it", () => {
    const { body } = tank.get(`${deployments}/web`);
    tank.put(`${deployments}/web`, { ...body, spec: { ...body.spec, replicas: 7 } });
    expect(apply("two", web({ replicas: 5 })).code).toBe(409);
  });

  test("a configuration of another version, with values of another type or keys that come twice is refused in the words of real servers", () => {
    const path = "/api/v1/namespaces/default/configmaps/c?fieldManager=t";
    const refusal = (text: string, query = "") => {
      const { code, body } = tank.patch(path + query, "apply", text);
      return `${code} ${body.message}`;
    };
    const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n";
    const untyped = "400 failed to create typed patch object (default/c; /v1, Kind=ConfigMap)";
    expect(refusal("kind: ConfigMap\n")).toBe("400 Incorrect version specified in apply patch. Specified patch version: , expected: v1");
    expect(refusal(`${head}data:\n  n: 5\n`)).toBe(`${untyped}: .data.false: expected string, got &value.valueUnstructured{Value:5}`);
    expect(refusal(`${head}immutable: [a]\n`)).toBe(
      `${untyped}: .immutable: expected boolean, got &value.valueUnstructured{Value:[]interface {}{"a"}}`,
    );
    expect(refusal("5")).toContain(
      "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go value",
    );
    expect(refusal(`${head}  uid: u\n`)).toBe(
      '409 Operation cannot be fulfilled on configmaps "c": uid mismatch: the provided object specified uid u, and no existing object was found',
    );
    const twice = `${head}data:\n  k: a\n  k: b\n`;
    expect(refusal(twice, "&fieldValidation=Strict")).toContain('line 7: key "k" already set in map');
    const { body, headers } = tank.patch(path, "apply", twice);
    expect([body.data, headers.get("Warning")]).toEqual([{ k: "b" }, expect.stringContaining('line 7: key \\"k\\" already set in map')]);
  });

  test("without fieldManager it is refused with 422; YAML is understood", () => {
    expect(tank.patch(`${deployments}/web`, "apply", web()).code).toBe(422);
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  k: v\n";
    expect(tank.patch("/api/v1/namespaces/default/configmaps/yaml?fieldManager=t", "apply", yaml)).toMatchObject({
      code: 201,
      body: { data: { k: "v" } },
    });
  });
});

describe("updates under the rules of a kind", () => {
  const tank = new Tank();
  tank.create(deployments, web());

  test("generation counts changes of the spec, not of the status", () => {
    const { body } = tank.get(`${deployments}/web`);
    const status = tank.put(`${deployments}/web/status`, {
      ...body,
      spec: { ...body.spec, replicas: 9 },
      status: { ...body.status, replicas: 1 },
    });
    expect(status.body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 2 }, status: { replicas: 1 } });
    const spec = tank.patch(`${deployments}/web`, "merge", { spec: { replicas: 3 }, status: { replicas: 99 } });
    expect(spec.body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 }, status: { replicas: 1 } });
  });

  test("what breaks the rules is 422 Invalid with the field in causes, and nothing is stored", () => {
    const refused = tank.patch(`${deployments}/web`, "merge", { spec: { replicas: -1 } });
    expect(refused).toMatchObject({
      code: 422,
      body: { reason: "Invalid", details: { kind: "Deployment", causes: [{ field: "spec.replicas" }] } },
    });
    expect(tank.get(`${deployments}/web`).body.spec.replicas).toBe(3);
  });

  test("unknown fields are an error when Strict, a Warning by default and dropped either way", () => {
    const odd = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "odd" }, datum: {} };
    expect(tank.create("/api/v1/namespaces/default/configmaps?fieldValidation=Strict", odd).code).toBe(400);
    const warned = tank.create("/api/v1/namespaces/default/configmaps", odd);
    expect(warned.code).toBe(201);
    expect(warned.headers.get("Warning")).toContain('unknown field \\"datum\\"');
    expect(warned.body.datum).toBeUndefined();
  });

  test("a dry run answers what would be and stores nothing", () => {
    const dry = tank.patch(`${deployments}/web?dryRun=All`, "merge", { spec: { replicas: 8 } });
    expect(dry.body.spec.replicas).toBe(8);
    expect(tank.create(`${deployments}?dryRun=All`, { ...web(), metadata: { name: "never" } })).toMatchObject({
      code: 201,
      body: { metadata: { name: "never" } },
    });
    expect(tank.get(`${deployments}/web`).body.spec.replicas).toBe(3);
    expect(tank.get(`${deployments}/never`).code).toBe(404);
    expect(tank.delete(`${deployments}/web?dryRun=All`).code).toBe(200);
    expect(tank.get(`${deployments}/web`).code).toBe(200);
  });

  test("scale shows and sets the number of replicas under the resourceVersion of the workload", () => {
    const scale = tank.get(`${deployments}/web/scale`);
    expect(scale.body).toMatchObject({ kind: "Scale", spec: { replicas: 3 }, status: { replicas: 1, selector: "app=web" } });
    expect(tank.put(`${deployments}/web/scale`, { ...scale.body, spec: { replicas: 4 } }).body.spec.replicas).toBe(4);
    expect(tank.get(`${deployments}/web`).body).toMatchObject({ spec: { replicas: 4 }, metadata: { generation: 3 } });
    expect(tank.put(`${deployments}/web/scale`, { ...scale.body, spec: { replicas: 5 } }).code).toBe(409);
    expect(tank.patch(`${deployments}/web/scale`, "merge", { spec: { replicas: 0 } }).body.spec.replicas ?? 0).toBe(0);
  });

  test("generateName gives a name of its own to each", () => {
    const first = tank.create("/api/v1/namespaces/default/configmaps", { metadata: { generateName: "g-" } });
    const second = tank.create("/api/v1/namespaces/default/configmaps", { metadata: { generateName: "g-" } });
    expect(first.body.metadata.name).toMatch(/^g-[a-z0-9]{5}$/);
    expect(second.body.metadata.name).not.toBe(first.body.metadata.name);
  });

  test("racing patches of different fields all succeed, and none is lost", () => {
    tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "race" } });
    const codes: number[] = [];
    for (let i = 0; i < 5; i++)
      tank.ask(
        "PATCH",
        "/api/v1/namespaces/default/configmaps/race",
        { body: { data: { [`k${i}`]: "v" } }, contentType: "application/merge-patch+json" },
        (reply) => codes.push(reply.code),
      );
    tank.until(() => codes.length === 5, "no answer");
    expect(codes).toEqual([200, 200, 200, 200, 200]);
    expect(Object.keys(tank.get("/api/v1/namespaces/default/configmaps/race").body.data).sort()).toEqual(["k0", "k1", "k2", "k3", "k4"]);
  });
});
