import { configMap, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

describe("one object", () => {
  const tank = new Tank();

  test("what was created is read back, with uid, time and resourceVersion", () => {
    const created = tank.create(maps, configMap("a", { k: "v" }));
    expect(created.code).toBe(201);
    expect(created.body.metadata).toMatchObject({
      name: "a",
      namespace: "default",
      uid: expect.any(String),
      resourceVersion: expect.stringMatching(/^\d+$/),
    });
    expect(tank.get(`${maps}/a`).body).toEqual(created.body);
    expect(tank.get(`${maps}/a?resourceVersion=0`).body).toEqual(created.body);
  });

  test("the same name twice is 409 AlreadyExists", () => {
    expect(tank.create(maps, configMap("a"))).toMatchObject({
      code: 409,
      body: { reason: "AlreadyExists", message: 'configmaps "a" already exists' },
    });
  });

  test("what is not there is 404 with the resource and name in details", () => {
    expect(tank.get(`${maps}/none`)).toMatchObject({
      code: 404,
      body: { reason: "NotFound", details: { name: "none", kind: "configmaps" } },
    });
  });

  test("an update with the resourceVersion that was read succeeds, and a second one with the same is 409 Conflict", () => {
    const { body } = tank.get(`${maps}/a`);
    const updated = tank.put(`${maps}/a`, { ...body, data: { k: "w" } });
    expect(updated.code).toBe(200);
    expect(Number(updated.body.metadata.resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion));
    expect(tank.put(`${maps}/a`, { ...body, data: { k: "x" } })).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    expect(tank.get(`${maps}/a`).body.data).toEqual({ k: "w" });
  });

  test("an update that changes nothing writes nothing", () => {
    const { body } = tank.get(`${maps}/a`);
    expect(tank.put(`${maps}/a`, body).body).toEqual(body);
  });

  test("patches of each form change what they say", () => {
    expect(tank.patch(`${maps}/a`, "merge", { data: { m: "1" } }).body.data).toEqual({ k: "w", m: "1" });
    expect(tank.patch(`${maps}/a`, "strategic-merge", { data: { m: null } }).body.data).toEqual({ k: "w" });
    expect(tank.patch(`${maps}/a`, "json", [{ op: "replace", path: "/data/k", value: "j" }]).body.data).toEqual({ k: "j" });
  });

  test("what a body or a patch makes no sense of is said in the words of real servers", () => {
    const words = ({ code, body }: { code: number; body: { message?: string } }) => `${code} ${body.message}`;
    expect(words(tank.create(maps, '{"metadata":{"name":"q"},'))).toBe(
      `400 the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({"metadata":{"name":"q"},)`,
    );
    const merged = words(tank.patch(`${maps}/a`, "merge", { data: { k: 5 } }));
    expect(merged).toMatch(
      /^422 {2}"" is invalid: patch: Invalid value: "\{.*\\"k\\":5.*\}": json: cannot unmarshal number into Go struct field/,
    );
    expect(words(tank.patch(`${maps}/a`, "strategic-merge", { data: { k: 5, l: [true, null] } }))).toBe(
      '422  "" is invalid: patch: Invalid value: "map[data:map[k:5 l:[true <nil>]]]": cannot convert int64 to string',
    );
    expect(words(tank.patch(`${maps}/a?fieldValidation=Strict`, "strategic-merge", { no: 1 }))).toBe(
      '422  "" is invalid: patch: Invalid value: "map[no:1]": strict decoding error: unknown field "no"',
    );
    expect(words(tank.delete(`${maps}/a`, { kind: "Pod", apiVersion: "v1" }))).toContain("cannot be handled as a DeleteOptions");
    const table = { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" };
    expect(words(tank.get(`${maps}?includeObject=All`, table))).toContain(
      `includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
    );
    expect(tank.get(`${maps}/a`).body.data).toEqual({ k: "j" });
  });

  test("a deletion answers with a Status, and then the object is gone", () => {
    expect(tank.delete(`${maps}/a`)).toMatchObject({
      code: 200,
      body: { kind: "Status", status: "Success", details: { name: "a", kind: "configmaps" } },
    });
    expect(tank.get(`${maps}/a`).code).toBe(404);
    expect(tank.delete(`${maps}/a`).code).toBe(404);
  });
});
