import { fromFieldsV1, pathsOf } from "../../../../actors/api-server/objects/managed-fields/field-set";
import { managerFromUserAgent, trackUpdate } from "../../../../actors/api-server/objects/managed-fields/ownership";
import type { JsonObject } from "../../../../protocol/kinds/object";
import { deepFreeze } from "../freeze";
import { applied, configMap, containers, deployment, entries, failure, nowMs, owners, service, web } from "./applying";

describe("server-side apply (documentation: Server-Side Apply)", () => {
  test("who applies owns what is in the configuration, and nothing that the server fills in", () => {
    const object = applied(
      deployment,
      undefined,
      web({ replicas: 3, ...containers({ name: "web", image: "a", ports: [{ containerPort: 80 }] }) }, { labels: { app: "web" } }),
      "me",
    );
    expect(entries(object)).toEqual([
      {
        manager: "me",
        operation: "Apply",
        apiVersion: "apps/v1",
        time: "2026-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:metadata": { "f:labels": { "f:app": {} } },
          "f:spec": {
            "f:replicas": {},
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"web"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  test("changing what another manager owns is a conflict, in the words of a real server", () => {
    const live = trackUpdate(deployment, undefined, web({ replicas: 1 }), { manager: "kubectl-client-side-apply", subresource: "", nowMs });
    expect(failure(deployment, live, web({ replicas: 3 }), "me")).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
      details: {
        causes: [
          { reason: "FieldManagerConflict", message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: ".spec.replicas" },
        ],
      },
    });
  });

  test("several conflicts are listed by manager", () => {
    const first = applied(deployment, undefined, web({ replicas: 1, ...containers({ name: "web", image: "a" }) }), "a");
    const second = applied(deployment, first, web({ minReadySeconds: 5 }), "b");
    expect(
      failure(deployment, second, web({ replicas: 2, minReadySeconds: 6, ...containers({ name: "web", image: "b" }) }), "c")?.message,
    ).toBe(
      'Apply failed with 3 conflicts: conflicts with "a":\n- .spec.replicas\n- .spec.template.spec.containers[name="web"].image\nconflicts with "b":\n- .spec.minReadySeconds',
    );
  });

  test("the same value is owned together, without conflict", () => {
    const first = applied(deployment, undefined, web({ replicas: 1 }), "a");
    expect(owners(applied(deployment, first, web({ replicas: 1 }), "b"))).toEqual({
      "a/Apply": [".spec.replicas"],
      "b/Apply": [".spec.replicas"],
    });
  });

  test("force takes what it changes from the others, and only that", () => {
    const first = applied(deployment, undefined, web({ replicas: 1, minReadySeconds: 5 }), "a");
    const second = applied(deployment, first, web({ replicas: 2 }), "b", { force: true });
    expect(second.spec).toEqual({ replicas: 2, minReadySeconds: 5 });
    expect(owners(second)).toEqual({ "a/Apply": [".spec.minReadySeconds"], "b/Apply": [".spec.replicas"] });
  });

  test("a field that is applied no more goes, unless somebody else owns it", () => {
    const first = applied(deployment, undefined, web({ replicas: 1, minReadySeconds: 5, paused: true }), "a");
    const second = applied(deployment, first, web({ minReadySeconds: 5 }), "b");
    expect(applied(deployment, second, web({ paused: true }), "a").spec).toEqual({ minReadySeconds: 5, paused: true });
  });

  test("a field that is applied no more stays where another writer has set it since", () => {
    const first = applied(deployment, undefined, web({ replicas: 1, paused: true }), "a");
    const scaled = trackUpdate(
      deployment,
      first,
      { ...first, spec: { replicas: 7, paused: true } },
      { manager: "hpa", subresource: "scale", nowMs },
    );
    expect(owners(scaled)).toEqual({ "a/Apply": [".spec.paused"], "hpa/Update": [".spec.replicas"] });
    expect(applied(deployment, scaled, web({ paused: true }), "a").spec).toEqual({ replicas: 7, paused: true });
  });

  test("a container that is applied no more goes with all that the server filled into it", () => {
    const first = applied(deployment, undefined, web(containers({ name: "web", image: "a" }, { name: "side", image: "b" })), "a");
    const filled = web(
      containers({ name: "web", image: "a", imagePullPolicy: "Always" }, { name: "side", image: "b", imagePullPolicy: "Always" }),
      first.metadata as JsonObject,
    );
    expect(applied(deployment, filled, web(containers({ name: "web", image: "a" })), "a").spec).toEqual(
      containers({ name: "web", image: "a", imagePullPolicy: "Always" }),
    );
  });

  test("a structure nobody owns goes as a whole", () => {
    const first = applied(deployment, undefined, web({ paused: true, strategy: { type: "RollingUpdate" } }), "a");
    const filled = { ...first, spec: { paused: true, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    expect(applied(deployment, filled, web({ paused: true }), "a").spec).toEqual({ paused: true });
  });

  test("entries of maps belong to whoever set them; atomic maps and lists go from hand to hand as a whole", () => {
    const first = applied(configMap, undefined, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1" } }, "a");
    const both = applied(configMap, first, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { b: "2" } }, "b");
    expect(both.data).toEqual({ a: "1", b: "2" });
    expect(applied(configMap, both, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } }, "a").data).toEqual({ b: "2" });

    const selecting = (selector: JsonObject) => ({ apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { selector } });
    const selected = applied(service, undefined, selecting({ app: "web" }), "a");
    expect(failure(service, selected, selecting({ tier: "x" }), "b")?.message).toContain(": .spec.selector");
    expect(applied(service, selected, selecting({ tier: "x" }), "b", { force: true }).spec).toEqual({ selector: { tier: "x" } });
  });

  test("finalizers are a set: each value has its own owners", () => {
    const finalizing = (...finalizers: readonly string[]) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", finalizers } });
    const first = applied(configMap, undefined, finalizing("x/a"), "a");
    const both = applied(configMap, first, finalizing("x/b"), "b");
    expect((both.metadata as JsonObject).finalizers).toEqual(["x/a", "x/b"]);
    expect(owners(both)["b/Apply"]).toEqual(['.metadata.finalizers[="x/b"]']);
    expect((applied(configMap, both, finalizing(), "a").metadata as JsonObject).finalizers).toEqual(["x/b"]);
  });

  test("entries come in the order of the configuration, others keep their place", () => {
    const env = (...names: readonly string[]) => web(containers({ name: "web", env: names.map((name) => ({ name, value: "1" })) }));
    const names = (object: JsonObject) => {
      const { template } = object.spec as { template: { spec: { containers: { env: { name: string }[] }[] } } };
      return template.spec.containers[0]!.env.map(({ name }) => name);
    };
    const live = applied(deployment, undefined, env("A", "B", "C"), "a");
    expect(names(applied(deployment, live, env("C", "D", "A"), "b"))).toEqual(["C", "D", "A", "B"]);
  });

  test("status is applied apart: the main resource ignores it, /status takes nothing else", () => {
    const config = { ...web({ replicas: 2 }), status: { replicas: 9 } };
    const main = applied(deployment, undefined, config, "a");
    expect(main.status).toBeUndefined();
    expect(owners(main)).toEqual({ "a/Apply": [".spec.replicas"] });
    const status = applied(deployment, main, { ...web({ replicas: 5 }), status: { replicas: 9 } }, "a", { subresource: "status" });
    expect(status).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 9 } });
    expect(entries(status).map(({ subresource }) => subresource)).toEqual([undefined, "status"]);
  });

  test("an entry without its key, a key given twice, and managed fields in the configuration are refused", () => {
    expect(failure(deployment, undefined, web(containers({ image: "a" })), "a")).toMatchObject({
      code: 400,
      message: expect.stringContaining(
        'failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): element 0: associative list with keys has an element that omits key field "name"',
      ),
    });
    expect(failure(deployment, undefined, web(containers({ name: "a" }, { name: "a" })), "a")?.message).toContain(
      "duplicate entries for key",
    );
    expect(failure(deployment, undefined, web({}, { managedFields: [] }), "a")?.message).toBe("metadata.managedFields must be nil");
  });
});

describe("tracking of other writes", () => {
  const writer = (manager: string, subresource = "") => ({ manager, subresource, nowMs });

  test("a create owns all it brings, an update what it changes; what it removes nobody owns", () => {
    const first = trackUpdate(
      deployment,
      undefined,
      deepFreeze(web({ replicas: 1, paused: true }, { labels: { a: "1" } })),
      writer("kubectl"),
    );
    expect(owners(first)).toEqual({ "kubectl/Update": [".metadata.labels", ".metadata.labels.a", ".spec.paused", ".spec.replicas"] });
    const second = trackUpdate(deployment, deepFreeze(first), deepFreeze({ ...first, spec: { replicas: 2 } }), writer("scaler"));
    expect(owners(second)).toEqual({ "kubectl/Update": [".metadata.labels", ".metadata.labels.a"], "scaler/Update": [".spec.replicas"] });
  });

  test("a write that changes nothing leaves the ownership as it is, times included", () => {
    const first = trackUpdate(deployment, undefined, deepFreeze(web({ replicas: 1 })), writer("kubectl"));
    const again = trackUpdate(deployment, deepFreeze(first), deepFreeze(web({ replicas: 1 })), {
      ...writer("other"),
      nowMs: nowMs + 60_000,
    });
    expect(entries(again)).toEqual(entries(first));
  });

  test("who writes the same fields again keeps the entry but for its time; one that is not as a server writes it is put in order", () => {
    const config = (data: JsonObject, metadata: JsonObject = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
    const first = trackUpdate(configMap, undefined, config({ a: "1", b: "1" }), writer("m"));
    const renewed = (recorded: JsonObject) => {
      const stored = { ...first, metadata: { managedFields: [{ ...entries(first)[0], fieldsV1: recorded }] } };
      const [entry] = entries(trackUpdate(configMap, stored, config({ a: "2", b: "1" }), { ...writer("m"), nowMs: nowMs + 60_000 }));
      return entry;
    };
    const fields = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };
    expect(JSON.stringify(renewed(fields))).toBe(JSON.stringify({ ...entries(first)[0], time: "2026-01-01T00:01:00Z" }));
    expect(renewed(fields).fieldsV1).toBe(fields);
    for (const odd of [
      { "f:data": { "f:b": {}, "f:a": {}, ".": {} } },
      { ".": {}, "f:data": { ".": {}, "f:a": { ".": {} }, "f:b": {} } },
      { "f:data": { ".": { x: 1 }, "f:a": {}, "f:b": {} } },
    ])
      expect(JSON.stringify(renewed(odd).fieldsV1)).toBe(JSON.stringify(fields));
    expect(renewed({ "f:data": { "f:b": {} } }).fieldsV1).toEqual({ "f:data": { "f:a": {}, "f:b": {} } });
  });

  test("who writes the main resource does not own its status, which came from the server", () => {
    const first = trackUpdate(deployment, undefined, { ...web({ replicas: 1 }), status: { observedGeneration: 1 } }, writer("m"));
    expect(owners(first)).toEqual({ "m/Update": [".spec.replicas"] });
  });

  test("subresources are tracked on their own", () => {
    const first = trackUpdate(deployment, undefined, web({ replicas: 1 }), writer("m"));
    const second = trackUpdate(deployment, first, { ...first, status: { replicas: 1 } }, writer("m", "status"));
    expect(entries(second).map(({ manager, subresource }) => [manager, subresource])).toEqual([
      ["m", undefined],
      ["m", "status"],
    ]);
  });

  test("one empty entry resets the ownership (documentation: Clearing managedFields)", () => {
    const first = trackUpdate(deployment, undefined, web({ replicas: 1 }), writer("a"));
    const reset = { ...first, metadata: { ...(first.metadata as JsonObject), managedFields: [{}] } };
    expect((trackUpdate(deployment, first, reset, writer("b")).metadata as JsonObject).managedFields).toBeUndefined();
  });

  test("at most ten updaters are listed; the oldest become ancient changes", () => {
    let map: JsonObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: {} };
    map = trackUpdate(configMap, undefined, map, writer("m0"));
    for (let n = 1; n <= 14; n += 1) {
      const next = { ...map, data: { ...(map.data as JsonObject), [`k${n}`]: "x" } };
      map = trackUpdate(configMap, map, next, { manager: `m${n}`, subresource: "", nowMs: nowMs + n * 1000 });
    }
    expect(entries(map)).toHaveLength(10);
    expect(entries(map)[0].manager).toBe("ancient-changes");
    const all = entries(map)
      .flatMap((entry) => pathsOf(fromFieldsV1(entry.fieldsV1)!))
      .filter((path) => path.startsWith(".data."));
    expect(new Set(all).size).toBe(14);
  });

  test("the manager of a request without fieldManager is the program of its user agent", () => {
    expect(managerFromUserAgent("kubectl/v1.36.0 (linux/amd64) kubernetes/abc")).toBe("kubectl");
    expect(managerFromUserAgent("")).toBe("unknown");
  });
});
