import type { Kept } from "../client/fake-api-server";
import { cluster, objectsOf } from "./cluster";

const controllers = ["garbage-collector"];
const object = (kind: string, apiVersion: string, name: string, more: object = {}): Kept => ({
  apiVersion,
  kind,
  metadata: { namespace: "shop", name, uid: `uid-${name}`, ...more },
});
const ownedBy = (name: string, kind = "ReplicaSet", more: object = {}) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: `uid-${name}`, controller: true, blockOwnerDeletion: true, ...more }],
});
const names = (store: Parameters<typeof objectsOf>[0], resource: string) =>
  objectsOf(store, resource)
    .map(({ metadata }) => metadata.name)
    .sort();

test("what an object owned goes after it, level by level (Garbage Collection: background cascading deletion)", () => {
  const { simulation, store } = cluster({ controllers });
  const web = store.put("deployments", "ADDED", object("Deployment", "apps/v1", "web"));
  store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "web-1", ownedBy("web", "Deployment")));
  for (const name of ["a", "b", "c"]) store.put("pods", "ADDED", object("Pod", "v1", name, ownedBy("web-1")));
  store.put("pods", "ADDED", object("Pod", "v1", "other"));
  simulation.runFor(10_000);
  expect(names(store, "pods")).toEqual(["a", "b", "c", "other"]);
  store.remove("deployments", web);
  simulation.runFor(10_000);
  expect(names(store, "replicasets")).toEqual([]);
  expect(names(store, "pods")).toEqual(["other"]);
});

test("an orphan whose owner went before the collector started is found (kubernetes/kubernetes#109748)", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("pods", "ADDED", object("Pod", "v1", "left-over", ownedBy("long-gone")));
  simulation.runFor(10_000);
  expect(names(store, "pods")).toEqual([]);
});

test("one look past the cache is enough for all that a missing owner owned", () => {
  const { simulation, store } = cluster({ controllers });
  for (let i = 0; i < 40; i++) store.put("pods", "ADDED", object("Pod", "v1", `left-over-${i}`, ownedBy("long-gone")));
  simulation.runFor(10_000);
  expect(names(store, "pods")).toEqual([]);
  expect(store.requests.filter((request) => request === "get replicasets").length).toBeLessThanOrEqual(2);
});

test("another object under the owner's name is not the owner: uids decide", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("replicasets", "ADDED", {
    ...object("ReplicaSet", "apps/v1", "web"),
    metadata: { namespace: "shop", name: "web", uid: "another" },
  });
  store.put("pods", "ADDED", object("Pod", "v1", "a", ownedBy("web")));
  simulation.runFor(10_000);
  expect(names(store, "pods")).toEqual([]);
});

test("an owner that only the cache lacks keeps what it owns", () => {
  let held = false;
  const { simulation, store } = cluster({ controllers, holds: (resource) => held && resource === "replicasets" });
  simulation.runFor(10_000);
  held = true;
  store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "web"));
  store.put("pods", "ADDED", object("Pod", "v1", "a", ownedBy("web")));
  simulation.runFor(30_000);
  expect(names(store, "pods")).toEqual(["a"]);
});

test("a read that fails deletes nothing", () => {
  const { simulation, store } = cluster({
    controllers,
    intercept: (request) =>
      request.verb === "get" && request.resource === "replicasets"
        ? {
            kind: "Status",
            apiVersion: "v1",
            metadata: {},
            status: "Failure",
            reason: "ServiceUnavailable",
            code: 503,
            message: "no leader",
          }
        : undefined,
  });
  store.put("pods", "ADDED", object("Pod", "v1", "a", ownedBy("gone")));
  simulation.runFor(30_000);
  expect(names(store, "pods")).toEqual(["a"]);
});

test("of two owners the one that is left keeps the object, and the other's reference is taken off", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "stays"));
  const goes = store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "goes"));
  const both = {
    ownerReferences: [...ownedBy("goes").ownerReferences, ...ownedBy("stays", "ReplicaSet", { controller: false }).ownerReferences],
  };
  store.put("pods", "ADDED", object("Pod", "v1", "a", both));
  simulation.runFor(10_000);
  store.remove("replicasets", goes);
  simulation.runFor(10_000);
  expect(
    store
      .of("pods")
      .get("shop/a")!
      .metadata.ownerReferences!.map(({ name }) => name),
  ).toEqual(["stays"]);
});

test("a foreground deletion removes the owner after everything that blocks it (foregroundDeletion)", () => {
  const { simulation, store } = cluster({ controllers });
  const web = store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "web"));
  for (const name of ["a", "b"])
    store.put("pods", "ADDED", { ...object("Pod", "v1", name, { ...ownedBy("web"), finalizers: ["example.com/hold"] }) });
  simulation.runFor(10_000);
  store.put("replicasets", "MODIFIED", {
    ...web,
    metadata: { ...web.metadata, finalizers: ["foregroundDeletion"], deletionTimestamp: "2026-01-01T00:00:10Z" },
  });
  simulation.runFor(10_000);
  expect(names(store, "replicasets")).toEqual(["web"]);
  expect(objectsOf(store, "pods").every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
  for (const pod of objectsOf(store, "pods")) store.remove("pods", pod);
  simulation.runFor(10_000);
  expect(names(store, "replicasets")).toEqual([]);
});

test("with the orphan policy the owner goes and what it owned stays, ownerless", () => {
  const { simulation, store } = cluster({ controllers });
  const web = store.put("replicasets", "ADDED", object("ReplicaSet", "apps/v1", "web"));
  store.put("pods", "ADDED", object("Pod", "v1", "a", ownedBy("web")));
  simulation.runFor(10_000);
  store.put("replicasets", "MODIFIED", {
    ...web,
    metadata: { ...web.metadata, finalizers: ["orphan"], deletionTimestamp: "2026-01-01T00:00:10Z" },
  });
  simulation.runFor(10_000);
  expect(names(store, "replicasets")).toEqual([]);
  expect(store.of("pods").get("shop/a")!.metadata.ownerReferences).toEqual([]);
});
