import { configMap, type Json, pod } from "../server/tank";
import { allow, configure, deny, Hooks, hookedTank, patch, podRule, webhook } from "./webhook-actor";

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

describe("mutating webhooks", () => {
  it("change objects in turn, the fields they set get defaults, and validation comes after them", () => {
    const container = { name: "extra", image: "extra:1" };
    const hooks = new Hooks()
      .on("/first", () => patch({ op: "add", path: "/spec/containers/-", value: container }))
      .on("/second", ({ object }) =>
        patch({
          op: "add",
          path: "/metadata/labels",
          value: { containers: object.spec.containers.map((each: Json) => each.name).join("-") },
        }),
      );
    const tank = hookedTank(hooks);
    configure(tank, "mutating", "b", webhook("second", { rules: [podRule] }));
    configure(tank, "mutating", "a", webhook("first"));
    const { body } = tank.create(pods, pod("p"));
    expect(body.metadata.labels).toEqual({ containers: "main-extra" });
    expect(body.spec.containers[1]).toMatchObject({
      ...container,
      imagePullPolicy: "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
    });
    // The server's own plug-ins have been asked again: the container that came late has the account's token as well, in the one volume.
    const mounts = body.spec.containers.map((each: Json) => each.volumeMounts.map(({ name }: Json) => name));
    expect(mounts).toEqual([[body.spec.volumes[0].name], [body.spec.volumes[0].name]]);
    expect(body.spec.volumes).toHaveLength(1);
    const [seen] = hooks.requests("/first");
    expect(seen.object.metadata.uid).toBeUndefined();
    hooks.on("/first", () => patch({ op: "add", path: "/spec/containers/-", value: { name: "main" } }));
    expect(tank.create(pods, pod("q")).body).toMatchObject({
      code: 422,
      message: expect.stringContaining("spec.containers[1].name: Duplicate value"),
    });
    hooks.on("/first", () => patch({ op: "remove", path: "/spec/nothing/here" }));
    expect(tank.create(pods, pod("q")).body.message).toBe(
      'Internal error occurred: remove operation does not apply: doc is missing path: "/spec/nothing/here": missing value',
    );
  });

  it("are asked again where they want it, once a later one has changed the object", () => {
    const hooks = new Hooks()
      .on("/first", ({ object }) => (object.data?.late ? patch({ op: "add", path: "/data/saw", value: "it" }) : allow()))
      .on("/once", allow)
      .on("/late", () => patch({ op: "add", path: "/data/late", value: "yes" }));
    const tank = hookedTank(hooks);
    configure(tank, "mutating", "a", webhook("first", { reinvocationPolicy: "IfNeeded" }), webhook("once"), webhook("late"));
    expect(tank.create(maps, configMap("a", { x: "1" })).body.data).toEqual({ x: "1", late: "yes", saw: "it" });
    expect(["/first", "/once", "/late"].map((path) => hooks.requests(path).length)).toEqual([2, 1, 1]);
    hooks.on("/late", allow);
    tank.create(maps, configMap("b", { x: "1" }));
    expect(hooks.requests("/first")).toHaveLength(3);
  });

  it("do not see a generated name, and may give one", () => {
    const hooks = new Hooks().on("/check", allow).on("/late", allow);
    const tank = hookedTank(hooks);
    configure(tank, "mutating", "a", webhook("check"));
    configure(tank, "validating", "a", webhook("late"));
    const made = tank.create(maps, { metadata: { generateName: "x-" } }).body.metadata.name;
    expect(made).toMatch(/^x-.{5}$/);
    const [request] = hooks.requests("/check");
    expect([request.name, request.object.metadata.name]).toEqual([undefined, undefined]);
    expect(hooks.requests("/late")[0]).toMatchObject({ name: made, object: { metadata: { name: made } } });
    hooks.on("/check", () => patch({ op: "add", path: "/metadata/name", value: "mine" }));
    expect(tank.create(maps, { metadata: { generateName: "x-" } }).body.metadata.name).toBe("mine");
  });

  it("change updates, patches and what is applied, and leave alone what is refused meanwhile", () => {
    const hooks = new Hooks().on("/stamp", ({ operation }) =>
      patch({ op: "add", path: "/metadata/annotations", value: { by: operation } }),
    );
    const tank = hookedTank(hooks);
    configure(tank, "mutating", "a", webhook("stamp"));
    expect(tank.create(maps, configMap("a")).body.metadata.annotations).toEqual({ by: "CREATE" });
    expect(tank.patch(`${maps}/a`, "merge", { data: { x: "1" } }).body.metadata.annotations).toEqual({ by: "UPDATE" });
    const before = tank.get(`${maps}/a`).body;
    // What a webhook makes of a patch that changes nothing is what is there already.
    expect(tank.patch(`${maps}/a`, "merge", { data: { x: "1" } }).body.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    const applied = tank.patch(`${maps}/n?fieldManager=me`, "apply", { apiVersion: "v1", kind: "ConfigMap", data: { y: "1" } });
    expect(applied.body.metadata.annotations).toEqual({ by: "CREATE" });
    expect(hooks.requests("/stamp").at(-1).options).toMatchObject({ kind: "CreateOptions", fieldManager: "me" });
  });

  it("that take away or change what must stay are refused, and break nothing", () => {
    const hooks = new Hooks();
    const tank = hookedTank(hooks);
    tank.create(pods, pod("p"));
    tank.create(maps, configMap("old", { x: "1" }));
    const every = { apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE", "UPDATE"] };
    const resources = ["configmaps", "pods/binding", "pods/eviction", "serviceaccounts/token"];
    configure(tank, "mutating", "a", webhook("odd", { rules: [{ ...every, resources }] }));
    const outcome = (operation: Json, ask: () => { code: number; body: Json }): string => {
      hooks.on("/odd", () => patch(operation));
      const { code, body } = ask();
      return `${code} ${body.message ?? ""}`.trim();
    };
    const remove = (path: string) => ({ op: "remove", path });
    const replace = (path: string, value: unknown) => ({ op: "replace", path, value });
    const make = () => tank.create(maps, configMap("new", { x: "1" }));
    const change = () => tank.patch(`${maps}/old`, "merge", { data: { x: "2" } });
    expect(outcome(remove("/metadata"), make)).toBe(
      "400 the namespace of the provided object does not match the namespace sent on the request",
    );
    expect(outcome(replace("/metadata/namespace", "kube-system"), make)).toContain("400 the namespace of the provided object");
    expect(outcome(replace("/metadata", "none"), make)).toContain("500 Internal error occurred: ");
    expect(outcome(replace("/data", 7), make)).toContain("500 Internal error occurred: ");
    expect(outcome(replace("/kind", "Secret"), make)).toBe("201");
    expect(outcome(replace("/metadata/name", "other"), change)).toMatch(/^422 .*metadata.name: Invalid value: "other": field is immutable/);
    // What an object is called nobody can take from it.
    expect(outcome(remove("/metadata"), change)).toBe("200");
    expect(outcome(remove("/target"), () => tank.create(`${pods}/p/binding`, { target: { kind: "Node", name: "n" } }))).toContain(
      '422 Binding "p" is invalid: target.name: Required value',
    );
    expect(outcome(remove("/spec"), () => tank.create("/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} }))).toBe(
      "201",
    );
    expect(outcome(remove("/metadata"), () => tank.create(`${pods}/p/eviction`, { metadata: { name: "p" } }))).toBe("201");
    expect(tank.get(`${maps}/old`).body).toMatchObject({ metadata: { name: "old", namespace: "default" }, data: { x: "2" } });
  });

  it("cannot change what is deleted", () => {
    const hooks = new Hooks().on("/gone", () => patch({ op: "add", path: "/x", value: 1 }));
    const tank = hookedTank(hooks);
    tank.create(maps, configMap("a"));
    configure(tank, "mutating", "a", webhook("gone", { rules: [{ ...podRule, operations: ["DELETE"] }] }));
    expect(tank.delete(`${maps}/a`).body.message).toBe(
      'Internal error occurred: admission webhook "gone.example.com" attempted to modify the object, which is not supported for this operation',
    );
  });

  it("are counted under the names of the real server's metrics", () => {
    const hooks = new Hooks().on("/check", () => deny("no"));
    const tank = hookedTank(hooks);
    configure(tank, "validating", "a", webhook("check"));
    tank.create(maps, configMap("a"));
    expect(tank.get("/metrics").text).toContain(
      'apiserver_admission_webhook_admission_duration_seconds_count{name="check.example.com",type="validating",operation="CREATE",rejected="true"} 1',
    );
    expect(tank.get("/metrics").text).toContain(
      'apiserver_admission_webhook_rejection_count{name="check.example.com",type="validating",operation="CREATE",error_type="no_error",rejection_code="400"} 1',
    );
  });
});
