import { besiege } from "../../bench/hostile/siege";
import { install } from "./custom-resources/definitions";
import { Tank } from "./server/tank";

jest.setTimeout(180_000);

// The same for hours, with other seeds: npm run soak.
test("thousands of hostile requests: never a 500, never a crash, nothing written that was refused, nothing left over", () => {
  const siege = besiege(1, 8_000);
  expect(siege.violations).toEqual([]);
  // Not vacuous: much of it got as far as being stored.
  expect(siege.requests).toBe(8_000);
  expect(siege.accepted).toBeGreaterThan(400);
});

describe("requests that once crashed a server are answered", () => {
  const tank = new Tank();
  tank.namespace("shop");

  test.each([
    ["a Pod without a spec", "/api/v1/namespaces/shop/pods", { metadata: { name: "p" } }, 422],
    [
      "a LimitRange for a resource that is called like a method",
      "/api/v1/namespaces/shop/limitranges",
      { metadata: { name: "strange" }, spec: { limits: [{ type: "Container", min: { toString: 1 }, default: { valueOf: 1 } }] } },
      422,
    ],
    ["a review of a token without a spec", "/apis/authentication.k8s.io/v1/tokenreviews", {}, 400],
    [
      "a Pod with a volume that has no name",
      "/api/v1/namespaces/shop/pods",
      { metadata: { name: "p" }, spec: { containers: [{ name: "a", image: "b" }], volumes: [{ emptyDir: {} }] } },
      422,
    ],
    ["a review without a spec", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {}, 422],
    ["a review of one's own access without a spec", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, 422],
    [
      "a kind that is an object with a toString of its own",
      "/api/v1/namespaces/shop/configmaps",
      { kind: { toString: 1, valueOf: 1 } },
      400,
    ],
  ])("%s", (_what, target, body, code) => {
    expect(tank.create(target, body).code).toBe(code);
  });

  test("a Pod without a spec, where a LimitRange has defaults", () => {
    const limits = [{ type: "Container", default: { cpu: "1" } }];
    expect(tank.create("/api/v1/namespaces/shop/limitranges", { metadata: { name: "l" }, spec: { limits } }).code).toBe(201);
    tank.simulation.runFor(1_000);
    const refused = tank.create("/api/v1/namespaces/shop/pods", { metadata: { name: "p" } });
    expect([refused.code, refused.body.message]).toEqual([422, expect.stringContaining("spec.containers: Required value")]);
  });

  test("what is nested deeper than the stack", () => {
    const deep = `${"[".repeat(3_000)}${"]".repeat(3_000)}`;
    const patched = (contentType: string, body: string) =>
      tank.request("PATCH", "/api/v1/namespaces/shop", { contentType, body: Buffer.from(body) });
    const codes = [
      patched("application/strategic-merge-patch+json", `{"metadata":{"name":${deep}}}`),
      patched("application/merge-patch+json", `{"metadata":{"name":${deep}}}`),
      patched("application/json-patch+json", `[{"op":"replace","path":"/metadata/managedFields","value":${deep}}]`),
    ];
    expect(codes.map(({ code, body }) => [code, body.message])).toEqual(
      Array(3).fill([400, expect.stringContaining("exceeded max depth")]),
    );
  });

  test("a JSON patch whose operations copy each other, or dig deeper and deeper", () => {
    tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "b" }, data: { a: "x" } });
    const bomb = Array.from({ length: 60 }, (_, n) => ({ op: "copy", from: "/data", path: `/data/${n % 2 === 0 ? "a" : "b"}` }));
    expect(tank.patch("/api/v1/namespaces/shop/configmaps/b", "json", bomb).code).toBe(422);
    const shaft = JSON.parse(`${'{"a":'.repeat(900)}1${"}".repeat(900)}`);
    const path = (levels: number) => `/data${"/a".repeat(levels)}`;
    const dig = [0, 900, 1_800, 2_700].map((levels) => ({ op: "add", path: levels === 0 ? "/data" : path(levels), value: shaft }));
    const moved = Array.from({ length: 4_000 }, (_, n) => [
      { op: "add", path: `/data/${n % 2 === 0 ? "c" : "d"}`, value: {} },
      { op: "move", from: `/data/${n % 2 === 0 ? "d" : "c"}`, path: `/data/${n % 2 === 0 ? "c" : "d"}/x` },
    ]).flat();
    for (const patch of [dig, [{ op: "add", path: "/data/d", value: {} }, ...moved]]) {
      const { code, body } = tank.patch("/api/v1/namespaces/shop/configmaps/b", "json", patch);
      expect([code, body.message]).toEqual([400, expect.stringContaining("exceeded max depth")]);
    }
  });

  test("objects nested as deeply as they may be, in every way of writing and reading them", () => {
    install(tank, {
      ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "deeps.deep.example.com" } },
      spec: {
        ...{ group: "deep.example.com", scope: "Namespaced", names: { plural: "deeps", singular: "deep", kind: "Deep" } },
        versions: ["v1", "v2"].map((name) => ({
          ...{ name, served: true, storage: name === "v1" },
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        })),
      },
    });
    const deeps = "/apis/deep.example.com/v1/namespaces/shop/deeps";
    const fields = `"apiVersion":"deep.example.com/v1","kind":"Deep","metadata":{"name":"NAME"}`;
    for (const [name, deep] of [
      ["lists", `${"[".repeat(998)}${"]".repeat(998)}`],
      ["objects", `${'{"a":'.repeat(998)}1${"}".repeat(998)}`],
    ] as const) {
      const send = (method: string, target: string, contentType: string, body: string) =>
        tank.request(method, target, { contentType, body: Buffer.from(body) }).code;
      const whole = `{${fields.replace("NAME", name)},"spec":${deep}}`;
      const one = `${deeps}/${name}`;
      expect([
        send("POST", deeps, "application/json", whole),
        send("PUT", one, "application/json", whole.replace('"metadata":{', '"metadata":{"labels":{"a":"b"},')),
        send("PATCH", one, "application/merge-patch+json", `{"more":${deep}}`),
        send("PATCH", one, "application/json-patch+json", `[{"op":"test","path":"/more","value":${deep}}]`),
        send("PATCH", one, "application/json-patch+json", '[{"op":"copy","from":"/more","path":"/again"}]'),
        send("PATCH", `${one}?fieldManager=me&force=true`, "application/apply-patch+yaml", whole.replace("1}", "2}")),
        tank.get(`/apis/deep.example.com/v2/namespaces/shop/deeps/${name}`).code,
        tank.get(deeps, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }).code,
        send("DELETE", one, "application/json", ""),
      ]).toEqual([201, 200, 200, 200, 200, 200, 200, 200, 200]);
    }
  });

  test("a JSON patch that goes through null, or moves from below what is not there", () => {
    tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "n" } });
    for (const patch of [
      [
        { op: "replace", path: "", value: null },
        { op: "add", path: "/metadata/labels", value: {} },
      ],
      [{ op: "move", from: "/spec/containers/0/image", path: "/data" }],
      [{ op: "copy", from: "/spec/containers/0/image", path: "/data" }],
    ])
      expect(tank.patch("/api/v1/namespaces/shop/configmaps/n", "json", patch).code).toBe(422);
  });

  test("a JSON patch of an object's prototype", () => {
    tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "c" } });
    for (const path of ["/__proto__/polluted", "/constructor/prototype/polluted"])
      expect(tank.patch("/api/v1/namespaces/shop/configmaps/c", "json", [{ op: "add", path, value: true }]).code).toBe(422);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
