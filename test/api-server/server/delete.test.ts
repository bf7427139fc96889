import { address } from "../../../protocol/address";
import { configMap, pod, Tank } from "./tank";

const pods = "/api/v1/namespaces/shop/pods";
const maps = "/api/v1/namespaces/shop/configmaps";

describe("deletion", () => {
  const tank = new Tank();
  tank.namespace("shop");
  const bind = (name: string, node = "node-0") =>
    tank.create(`${pods}/${name}/binding`, { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: node } });

  test("a Pod that no node has yet goes at once", () => {
    tank.create(pods, pod("fresh"));
    expect(tank.delete(`${pods}/fresh`)).toMatchObject({ code: 200, body: { kind: "Pod" } });
    expect(tank.get(`${pods}/fresh`).code).toBe(404);
  });

  test("a Pod on a node is marked with its grace, and goes when the kubelet deletes it with grace 0", () => {
    tank.create(pods, pod("bound", { terminationGracePeriodSeconds: 20 }));
    expect(bind("bound").code).toBe(201);
    const marked = tank.delete(`${pods}/bound`);
    expect(marked.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 20, deletionTimestamp: expect.any(String) });
    const stamp = marked.body.metadata.deletionTimestamp;
    expect(tank.delete(`${pods}/bound`).body.metadata).toMatchObject({ deletionTimestamp: stamp, deletionGracePeriodSeconds: 20 });
    expect(tank.delete(`${pods}/bound`, { gracePeriodSeconds: 5 }).body.metadata.deletionGracePeriodSeconds).toBe(5);
    expect(tank.delete(`${pods}/bound`, { gracePeriodSeconds: 0, preconditions: { uid: marked.body.metadata.uid } }).code).toBe(200);
    expect(tank.get(`${pods}/bound`).code).toBe(404);
  });

  test("finalizers keep an object until the last is taken away", () => {
    tank.create(maps, configMap("kept", {}, { finalizers: ["example.com/a", "example.com/b"] }));
    const marked = tank.delete(`${maps}/kept`);
    expect(marked.body.metadata.deletionTimestamp).toEqual(expect.any(String));
    expect(tank.create(maps, configMap("kept")).body.message).toBe('object is being deleted: configmaps "kept" already exists');
    expect(tank.patch(`${maps}/kept`, "merge", { metadata: { finalizers: ["example.com/b"] } }).code).toBe(200);
    expect(tank.get(`${maps}/kept`).code).toBe(200);
    expect(tank.patch(`${maps}/kept`, "merge", { metadata: { finalizers: null } }).code).toBe(200);
    expect(tank.get(`${maps}/kept`).code).toBe(404);
  });

  test.each([
    ["Foreground", ["foregroundDeletion"]],
    ["Orphan", ["orphan"]],
  ])("propagationPolicy %s becomes a finalizer for the garbage collector", (propagationPolicy, finalizers) => {
    tank.create(maps, configMap(`p-${propagationPolicy.toLowerCase()}`));
    const marked = tank.delete(`${maps}/p-${propagationPolicy.toLowerCase()}`, { propagationPolicy });
    expect(marked.body.metadata.finalizers).toEqual(finalizers);
  });

  test("preconditions that do not hold are 409, and nothing is deleted", () => {
    tank.create(maps, configMap("guarded"));
    expect(tank.delete(`${maps}/guarded`, { preconditions: { uid: "another" } }).code).toBe(409);
    expect(tank.delete(`${maps}/guarded`, { preconditions: { resourceVersion: "1" } }).code).toBe(409);
    expect(tank.get(`${maps}/guarded`).code).toBe(200);
  });

  test("wrong options are refused", () => {
    expect(tank.delete(`${maps}/guarded`, { propagationPolicy: "Sideways" }).code).toBe(422);
    expect(tank.delete(`${maps}/guarded?gracePeriodSeconds=soon`).code).toBe(400);
    expect(tank.delete(`${maps}/guarded?dryRun=Some`).body.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": supported values: "All"',
    );
    expect(tank.delete(`${maps}/guarded`, { propagationPolicy: "Orphan", orphanDependents: true }).body.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    );
  });

  test("a Namespace is Terminating until it is finalized, and takes nothing new meanwhile", () => {
    tank.namespace("doomed");
    expect(tank.delete("/api/v1/namespaces/doomed").body).toMatchObject({
      status: { phase: "Terminating" },
      metadata: { deletionTimestamp: expect.any(String) },
    });
    const refused = tank.create("/api/v1/namespaces/doomed/configmaps", configMap("late"));
    expect(refused).toMatchObject({ code: 403, body: { details: { causes: [{ reason: "NamespaceTerminating" }] } } });
    const { body } = tank.get("/api/v1/namespaces/doomed");
    expect(tank.put("/api/v1/namespaces/doomed/finalize", { ...body, spec: { finalizers: [] } }).code).toBe(200);
    expect(tank.get("/api/v1/namespaces/doomed").code).toBe(404);
  });

  test("the namespaces that everything stands on cannot be deleted", () => {
    expect(tank.delete("/api/v1/namespaces/kube-system").code).toBe(403);
  });

  test("nothing is created in a namespace that is not there", () => {
    expect(tank.create("/api/v1/namespaces/nowhere/configmaps", configMap("x"))).toMatchObject({
      code: 404,
      body: { message: 'namespaces "nowhere" not found' },
    });
  });

  test("Events vanish an hour after they were written", () => {
    const events = "/api/v1/namespaces/shop/events";
    tank.create(events, {
      metadata: { name: "e1" },
      involvedObject: { kind: "Pod", namespace: "shop", name: "x" },
      reason: "Tested",
      message: "m",
      type: "Normal",
    });
    tank.simulation.runFor(3_590_000);
    expect(tank.get(`${events}/e1`).code).toBe(200);
    expect(tank.get("/apis/events.k8s.io/v1/namespaces/shop/events/e1").body).toMatchObject({ regarding: { kind: "Pod" }, note: "m" });
    tank.simulation.runFor(90_000);
    expect(tank.get(`${events}/e1`).code).toBe(404);
  });

  test("an Event that is counted up lives for an hour from then, also where the server has no lease for it any more", () => {
    const events = "/api/v1/namespaces/shop/events";
    const created = tank.create(events, {
      metadata: { name: "e2" },
      involvedObject: { kind: "Pod", namespace: "shop", name: "x" },
      type: "Normal",
    });
    expect(created.code).toBe(201);
    tank.simulation.crashActor(address("apiserver", 0));
    tank.simulation.runFor(3_000_000);
    expect(tank.patch(`${events}/e2`, "merge", { count: 2 }).code).toBe(200);
    tank.simulation.runFor(3_500_000);
    expect(tank.get(`${events}/e2`).body.count).toBe(2);
    expect(tank.patch(`${events}/e2`, "merge", { count: 3 }).code).toBe(200);
    tank.simulation.runFor(3_700_000);
    expect(tank.get(`${events}/e2`).code).toBe(404);
  });
});
