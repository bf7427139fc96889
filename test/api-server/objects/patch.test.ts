import fc from "fast-check";
import { jsonPatch, mergePatch, type Patched, strategicMergePatch } from "../../../actors/api-server/objects/patch";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { deepFreeze } from "./freeze";

const object = (patched: Patched) => (patched.ok ? patched.object : patched.failure);

describe("JSON Patch (RFC 6902)", () => {
  const patch = (document: JsonObject, operations: unknown) => jsonPatch(deepFreeze(document), deepFreeze(operations));

  test("operations apply in order, and later ones see what earlier ones put in", () => {
    const operations = [
      { op: "add", path: "/a", value: { list: [1] } },
      { op: "add", path: "/a/list/-", value: 2 },
      { op: "move", from: "/b", path: "/c~1d" },
      { op: "test", path: "/a/list", value: [1, 2] },
    ];
    expect(object(patch({ b: true }, operations))).toEqual({ a: { list: [1, 2] }, "c/d": true });
  });

  test("a test that does not hold, or a path that is not there, is a 422 and does nothing", () => {
    const rejected = "the server rejected our request due to an error in our request";
    expect(patch({ a: 1 }, [{ op: "test", path: "/a", value: 2 }])).toMatchObject({
      failure: { code: 422, reason: "Invalid", message: rejected },
    });
    for (const op of ["remove", "replace"])
      expect(patch({ a: 1 }, [{ op, path: "/x", value: 1 }])).toMatchObject({
        failure: { code: 422, message: rejected },
      });
    for (const op of ["mix", undefined])
      expect(patch({ a: 1 }, [{ op, path: "/a", value: 1 }])).toMatchObject({ failure: { code: 422, message: rejected, details: {} } });
  });

  test("what is no list of operations is a 400", () => {
    for (const document of [{}, "x", [{ op: "add", value: 1 }], [{ op: "add", path: "/a" }], [1]])
      expect(patch({}, document)).toMatchObject({ ok: false, failure: { code: 400 } });
  });
});

describe("JSON Merge Patch (RFC 7386)", () => {
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: "foo" }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("appendix A: %j with %j is %j", (document, patch, result) => {
    expect(object(mergePatch(deepFreeze(document), deepFreeze(patch)))).toEqual(result);
  });

  test("a patch that is no object is a 400", () => {
    for (const patch of [[], "x", null]) expect(mergePatch({}, patch)).toMatchObject({ ok: false, failure: { code: 400 } });
  });
});

describe("strategic merge patch (API conventions)", () => {
  const deployment = kindOf("apps/v1", "Deployment")!;
  const pod = kindOf("v1", "Pod")!;
  const service = kindOf("v1", "Service")!;
  const patch = (kind: typeof pod, document: JsonObject, content: JsonObject) =>
    object(strategicMergePatch(kind, deepFreeze(document), deepFreeze(content)));
  const refusal = (kind: typeof pod, document: JsonObject, content: JsonObject) => {
    const patched = strategicMergePatch(kind, deepFreeze(document), deepFreeze(content));
    return patched.ok ? "no failure" : patched.failure.message;
  };

  test("containers are merged by name, new ones come first (documentation: Update API Objects in Place Using kubectl patch)", () => {
    const before = { spec: { containers: [{ name: "a", image: "a:1", env: [{ name: "X", value: "1" }] }] } };
    const content = {
      spec: {
        containers: [
          { name: "a", image: "a:2", env: [{ name: "Y", value: "2" }] },
          { name: "b", image: "b:1" },
        ],
      },
    };
    expect(patch(pod, before, content)).toEqual({
      spec: {
        containers: [
          {
            name: "a",
            image: "a:2",
            env: [
              { name: "Y", value: "2" },
              { name: "X", value: "1" },
            ],
          },
          { name: "b", image: "b:1" },
        ],
      },
    });
  });

  test("a Service's ports are merged by port", () => {
    const before = {
      spec: {
        ports: [
          { port: 80, name: "http" },
          { port: 443, name: "https" },
        ],
      },
    };
    expect(patch(service, before, { spec: { ports: [{ port: 443, nodePort: 30443 }] } })).toEqual({
      spec: {
        ports: [
          { port: 80, name: "http" },
          { port: 443, name: "https", nodePort: 30443 },
        ],
      },
    });
  });

  test("$patch: delete takes an element out, $patch: replace replaces a list or a map", () => {
    const before = {
      spec: { containers: [{ name: "a" }, { name: "b" }], nodeSelector: { x: "1" }, securityContext: { runAsUser: 1, fsGroup: 2 } },
    };
    expect(patch(pod, before, { spec: { containers: [{ name: "a", $patch: "delete" }] } })).toMatchObject({
      spec: { containers: [{ name: "b" }] },
    });
    expect(patch(pod, before, { spec: { containers: [{ name: "c" }, { $patch: "replace" }] } })).toMatchObject({
      spec: { containers: [{ name: "c" }] },
    });
    expect(patch(pod, before, { spec: { securityContext: { $patch: "replace", fsGroup: 3 } } })).toMatchObject({
      spec: { securityContext: { fsGroup: 3 } },
    });
    expect(patch(pod, before, { spec: { securityContext: { $patch: "delete" } } })).toEqual({
      spec: { containers: before.spec.containers, nodeSelector: { x: "1" } },
    });
  });

  test("lists without merge strategy are replaced", () => {
    const before = { spec: { tolerations: [{ key: "a" }], containers: [{ name: "a", args: ["1"] }] } };
    expect(patch(pod, before, { spec: { tolerations: [{ key: "b" }], containers: [{ name: "a", args: ["2", "3"] }] } })).toEqual({
      spec: { tolerations: [{ key: "b" }], containers: [{ name: "a", args: ["2", "3"] }] },
    });
  });

  test("null removes a field, also where there is none", () => {
    expect(patch(pod, { spec: { nodeName: "n" } }, { spec: { nodeName: null, affinity: { nodeAffinity: null } }, metadata: null })).toEqual(
      {
        spec: { affinity: {} },
      },
    );
  });

  test("$retainKeys clears the other keys of a strategy", () => {
    const before = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    expect(patch(deployment, before, { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } })).toEqual({
      spec: { strategy: { type: "Recreate" } },
    });
    expect(refusal(deployment, before, { spec: { strategy: { $retainKeys: ["type"], rollingUpdate: {} } } })).toBe(
      "invalid patch format of retainKeys",
    );
  });

  test("primitive lists are united, and shortened by $deleteFromPrimitiveList", () => {
    const before = { metadata: { finalizers: ["a", "b"] } };
    expect(patch(pod, before, { metadata: { finalizers: ["b", "c"] } })).toEqual({ metadata: { finalizers: ["a", "b", "c"] } });
    expect(patch(pod, before, { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } })).toEqual({ metadata: { finalizers: ["b"] } });
  });

  test("$setElementOrder orders what it names and keeps the server's own where they were", () => {
    const before = { spec: { containers: [{ name: "own" }, { name: "a" }, { name: "b" }] } };
    const content = { spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "b", image: "x" }] } };
    expect(patch(pod, before, content)).toEqual({ spec: { containers: [{ name: "own" }, { name: "b", image: "x" }, { name: "a" }] } });
    const crossed = { spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "a" }, { name: "b" }] } };
    expect(refusal(pod, before, crossed)).toContain("doesn't match $setElementOrder/containers list");
  });

  test("an element without its merge key, an unknown directive and an unknown field are refused", () => {
    const before = { spec: { containers: [{ name: "a" }] } };
    expect(refusal(pod, before, { spec: { containers: [{ image: "x" }] } })).toBe(
      "map: map[image:x] does not contain declared merge key: name",
    );
    expect(refusal(pod, before, { spec: { $patch: "mix" } })).toBe("unknown patch type: mix");
    expect(refusal(pod, before, { spec: { containerss: [{ name: "a" }] } })).toBe(
      'unable to find api field in struct PodSpec for the json field "containerss"',
    );
  });

  test("applying a patch twice is as good as once", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const container = fc.record({ name, image: fc.constantFrom("x", "y") });
    const containers = fc.uniqueArray(container, { selector: (item) => item.name, maxLength: 4 });
    const directive = fc.record({ name, $patch: fc.constant("delete") });
    const change = fc.uniqueArray(fc.oneof(container, directive), { selector: (item) => item.name, maxLength: 4 });
    fc.assert(
      fc.property(containers, change, fc.uniqueArray(name), (present, changes, order) => {
        const named = changes.filter((item) => !("$patch" in item)).map((item) => item.name);
        const all = [...named, ...order.filter((item) => !named.includes(item))].map((item) => ({ name: item }));
        const content = { spec: { containers: changes, "$setElementOrder/containers": all } };
        const once = patch(pod, { spec: { containers: present } }, content) as JsonObject;
        expect(patch(pod, once, content)).toEqual(once);
      }),
      { seed: 1 },
    );
  });
});
