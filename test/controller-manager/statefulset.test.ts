import type { Pod, StatefulSet } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { FakeStore, Kept } from "../client/fake-api-server";
import { cluster, eventLines, figuresOf, objectsOf } from "./cluster";

const controllers = ["statefulset"];
const labels = { app: "db" };
const db = (replicas: number, image = "db:1", spec: object = {}): Kept => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { namespace: "shop", name: "db", uid: "uid-db", generation: 1 },
  spec: {
    replicas,
    serviceName: "db",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image }] } },
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    ...spec,
  },
});
const podsOf = (store: FakeStore) => objectsOf<Stored<Pod>>(store, "pods");
const names = (store: FakeStore) => podsOf(store).map(({ metadata }) => metadata.name);
const images = (store: FakeStore) => new Map(podsOf(store).map((pod) => [pod.metadata.name, pod.spec!.containers[0]!.image]));
const statusOf = (store: FakeStore) => (store.of("statefulsets").get("shop/db") as unknown as Stored<StatefulSet>).status!;
function change(store: FakeStore, spec: object): void {
  const current = store.of("statefulsets").get("shop/db")!;
  const metadata = { ...current.metadata, generation: current.metadata.generation! + 1 };
  store.put("statefulsets", "MODIFIED", { ...current, metadata, spec: { ...(current.spec as object), ...spec } });
}
const template = (image: string) => ({ template: { metadata: { labels }, spec: { containers: [{ name: "main", image }] } } });

test("pods are made in order, each after the one before is ready, and know who they are (StatefulSets: Pod identity)", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("statefulsets", "ADDED", db(3));
  simulation.runFor(20_000);
  expect(names(store)).toEqual(["db-0", "db-1", "db-2"]);
  const [pod] = podsOf(store);
  expect(pod!.metadata.labels).toMatchObject({ "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0" });
  expect(pod!.spec).toMatchObject({ hostname: "db-0", subdomain: "db" });
  expect(statusOf(store)).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3 });
  const order = store.history
    .filter(({ resource }) => resource === "pods")
    .map(({ type, object }) => `${type} ${object.metadata.name} ${(object as unknown as Pod).status?.phase ?? ""}`);
  expect(order.indexOf("ADDED db-1 ")).toBeGreaterThan(order.indexOf("MODIFIED db-0 Running"));
  expect(order.indexOf("ADDED db-2 ")).toBeGreaterThan(order.indexOf("MODIFIED db-1 Running"));
  expect(eventLines(store)).toContain("Normal SuccessfulCreate: create Pod db-0 in StatefulSet db successful");
  const line = (what: string) =>
    `statefulset_controller_statefulset_${what}{statefulset_namespace="shop",statefulset_name="db",pod_management_policy="OrderedReady"}`;
  const standing = () => ["max_unavailable", "unavailable_replicas"].map((what) => figuresOf(simulation).get(line(what)));
  expect(standing()).toEqual([1, 0]);
  const sick = { phase: "Running", conditions: [{ type: "Ready", status: "False" }] };
  store.put("pods", "MODIFIED", { ...store.of("pods").get("shop/db-1")!, status: sick });
  simulation.runFor(1_000);
  expect(standing()).toEqual([1, 1]);
  store.remove("statefulsets", store.of("statefulsets").get("shop/db")!);
  simulation.runFor(1_000);
  expect(standing()).toEqual([undefined, undefined]);
});

test("while one is not ready the next is not made", () => {
  const { simulation, store } = cluster({ controllers, readyAfterMs: (pod) => (pod.metadata.name === "db-1" ? undefined : 100) });
  store.put("statefulsets", "ADDED", db(3));
  simulation.runFor(30_000);
  expect(names(store)).toEqual(["db-0", "db-1"]);
});

test("with podManagementPolicy Parallel none waits for another", () => {
  const { simulation, store } = cluster({ controllers, readyAfterMs: () => undefined });
  store.put("statefulsets", "ADDED", db(3, "db:1", { podManagementPolicy: "Parallel" }));
  simulation.runFor(10_000);
  expect(names(store).sort()).toEqual(["db-0", "db-1", "db-2"]);
});

test("scaling down takes the highest ordinal first, one at a time", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("statefulsets", "ADDED", db(4));
  simulation.runFor(20_000);
  change(store, { replicas: 1 });
  simulation.runFor(20_000);
  expect(names(store)).toEqual(["db-0"]);
  const deleted = store.history
    .filter(({ resource, type }) => resource === "pods" && type === "DELETED")
    .map(({ object }) => object.metadata.name);
  expect(deleted).toEqual(["db-3", "db-2", "db-1"]);
});

test("a rolling update goes from the highest ordinal down, one at a time, and names keep their identity", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("statefulsets", "ADDED", db(3));
  simulation.runFor(20_000);
  change(store, template("db:2"));
  simulation.runFor(40_000);
  expect([...images(store)].sort()).toEqual([
    ["db-0", "db:2"],
    ["db-1", "db:2"],
    ["db-2", "db:2"],
  ]);
  const deleted = store.history
    .filter(({ resource, type }) => resource === "pods" && type === "DELETED")
    .map(({ object }) => object.metadata.name);
  expect(deleted).toEqual(["db-2", "db-1", "db-0"]);
  const status = statusOf(store);
  expect(status).toMatchObject({ updatedReplicas: 3, currentReplicas: 3, observedGeneration: 2 });
  expect(status.currentRevision).toBe(status.updateRevision);
});

test("ordinals below the partition keep the old template, also when they are made anew", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("statefulsets", "ADDED", db(3));
  simulation.runFor(20_000);
  change(store, { ...template("db:2"), updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } });
  simulation.runFor(20_000);
  expect([...images(store)].sort()).toEqual([
    ["db-0", "db:1"],
    ["db-1", "db:1"],
    ["db-2", "db:2"],
  ]);
  store.remove("pods", store.of("pods").get("shop/db-0")!);
  simulation.runFor(20_000);
  expect(images(store).get("db-0")).toBe("db:1");
  expect(statusOf(store).currentRevision).not.toBe(statusOf(store).updateRevision);
});

test("there is never more than one pod of an identity, though watches lag (at most one; kubernetes/kubernetes#59848)", () => {
  let held = false;
  const { simulation, store } = cluster({ controllers, holds: (resource) => held && resource === "pods" });
  store.put("statefulsets", "ADDED", db(2));
  simulation.runFor(20_000);
  held = true;
  change(store, { replicas: 4 });
  simulation.runFor(60_000);
  change(store, { replicas: 2 });
  held = false;
  simulation.runFor(30_000);
  expect(names(store).sort()).toEqual(["db-0", "db-1"]);
});

test("each pod has its claims, which stay when it goes (StatefulSets: stable storage)", () => {
  const { simulation, store } = cluster({ controllers });
  const volumeClaimTemplates = [
    { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
  ];
  store.put("statefulsets", "ADDED", db(2, "db:1", { volumeClaimTemplates }));
  simulation.runFor(20_000);
  expect(objectsOf(store, "persistentvolumeclaims").map(({ metadata }) => metadata.name)).toEqual(["data-db-0", "data-db-1"]);
  expect(podsOf(store)[1]!.spec!.volumes).toEqual([{ name: "data", persistentVolumeClaim: { claimName: "data-db-1", readOnly: false } }]);
  change(store, { replicas: 1 });
  simulation.runFor(20_000);
  expect(objectsOf(store, "persistentvolumeclaims")).toHaveLength(2);
});

test("a failed pod is made anew under its name", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("statefulsets", "ADDED", db(2));
  simulation.runFor(20_000);
  const pod = store.of("pods").get("shop/db-0")!;
  store.put("pods", "MODIFIED", { ...pod, status: { phase: "Failed" } });
  simulation.runFor(20_000);
  expect(store.of("pods").get("shop/db-0")!.metadata.uid).not.toBe(pod.metadata.uid);
  expect(eventLines(store)).toContain("Warning RecreatingFailedPod: StatefulSet shop/db is recreating failed Pod db-0");
});

test("claims go with the set or with a pod that is scaled away, where the retention policy says so (StatefulSets: PersistentVolumeClaim retention)", () => {
  const { simulation, store } = cluster({ controllers: ["statefulset", "garbage-collector"] });
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }];
  const claims = () =>
    objectsOf(store, "persistentvolumeclaims").map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.kind]);
  const retention = (whenDeleted: string, whenScaled: string) => ({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
  store.put("statefulsets", "ADDED", db(3, "db:1", { volumeClaimTemplates, ...retention("Delete", "Delete") }));
  simulation.runFor(20_000);
  expect(claims()).toEqual(["data-db-0", "data-db-1", "data-db-2"].map((name) => [name, "StatefulSet"]));
  change(store, { replicas: 2 });
  simulation.runFor(20_000);
  expect(claims()).toEqual(["data-db-0", "data-db-1"].map((name) => [name, "StatefulSet"]));
  change(store, retention("Retain", "Delete"));
  simulation.runFor(20_000);
  expect(claims()).toEqual(["data-db-0", "data-db-1"].map((name) => [name, undefined]));
  expect(names(store)).toEqual(["db-0", "db-1"]);
});

test("maxUnavailable lets several be replaced at once, never more", () => {
  const { simulation, store } = cluster({ controllers, readyAfterMs: () => 3_000 });
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1, maxUnavailable: "40%" } };
  store.put("statefulsets", "ADDED", db(5, "db:1", { podManagementPolicy: "Parallel", updateStrategy }));
  simulation.runFor(20_000);
  change(store, template("db:2"));
  let least = 5;
  for (let step = 0; step < 300; step++) {
    simulation.runFor(100);
    least = Math.min(least, statusOf(store).readyReplicas ?? 0);
  }
  expect(least).toBe(3);
  expect([...images(store).values()].sort()).toEqual(["db:1", "db:2", "db:2", "db:2", "db:2"]);
});
