import type { Deployment, Pod, ReplicaSet } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { FakeStore, Kept } from "../client/fake-api-server";
import { cluster, deployment, eventLines, objectsOf } from "./cluster";

const controllers = ["deployment", "replicaset"];

function setImage(store: FakeStore, name: string, image: string): void {
  const current = store.of("deployments").get(`shop/${name}`)!;
  const spec = current.spec as Deployment["spec"] & object;
  const template = { ...spec.template, spec: { ...spec.template.spec, containers: [{ name: "main", image }] } };
  const metadata = { ...current.metadata, generation: current.metadata.generation! + 1 };
  store.put("deployments", "MODIFIED", { ...current, metadata, spec: { ...spec, template } });
}

function scaleTo(store: FakeStore, name: string, replicas: number, more: object = {}): void {
  const current = store.of("deployments").get(`shop/${name}`)!;
  const metadata = { ...current.metadata, generation: current.metadata.generation! + 1 };
  store.put("deployments", "MODIFIED", { ...current, metadata, spec: { ...(current.spec as object), replicas, ...more } });
}

const deploymentOf = (store: FakeStore, name: string) => store.of("deployments").get(`shop/${name}`) as unknown as Stored<Deployment>;
const setsOf = (store: FakeStore) => objectsOf<Stored<ReplicaSet>>(store, "replicasets");
const podsOf = (store: FakeStore) => objectsOf<Stored<Pod>>(store, "pods");
const progressing = (store: FakeStore, name: string) =>
  deploymentOf(store, name).status?.conditions?.find(({ type }) => type === "Progressing");

test("a Deployment makes a ReplicaSet, and it makes the pods (Kubernetes documentation, Deployments: creating a Deployment)", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 3));
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(3);
  const [set] = setsOf(store);
  expect(set!.metadata.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
  });
  const hash = set!.metadata.labels!["pod-template-hash"]!;
  expect(set!.metadata.name).toBe(`web-${hash}`);
  for (const pod of podsOf(store)) expect(pod.metadata.labels).toEqual({ app: "web", "pod-template-hash": hash });
  const { status, metadata } = deploymentOf(store, "web");
  expect(metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "1" });
  expect(status).toMatchObject({ observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 });
  expect(status?.unavailableReplicas).toBeUndefined();
  expect(progressing(store, "web")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  expect(eventLines(store)).toContain(`Normal ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3`);
  expect(eventLines(store).filter((line) => line.startsWith("Normal SuccessfulCreate: Created pod: web-"))).toHaveLength(3);
});

test("a rolling update never has more than replicas + maxSurge pods nor fewer than replicas − maxUnavailable available", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 10));
  simulation.runFor(20_000);
  const before = store.history.length;
  setImage(store, "web", "web:2");
  simulation.runFor(60_000);
  expect(podsOf(store).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(10).fill("web:2"));
  expect(deploymentOf(store, "web").status).toMatchObject({ replicas: 10, updatedReplicas: 10, availableReplicas: 10 });
  const sizes = new Map<string, number>();
  let steps = 0;
  for (const change of store.history.slice(0)) {
    if (change.resource !== "replicasets") continue;
    const set = change.object as unknown as Stored<ReplicaSet>;
    sizes.set(set.metadata.name, change.type === "DELETED" ? 0 : set.spec!.replicas!);
    if (store.history.indexOf(change) < before) continue;
    steps += 1;
    expect([...sizes.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(13);
  }
  expect(steps).toBeGreaterThan(4);
  const available = new Map<string, boolean>();
  let least = Number.POSITIVE_INFINITY;
  for (const [at, change] of store.history.entries()) {
    if (change.resource !== "pods") continue;
    const pod = change.object as unknown as Stored<Pod>;
    const ready = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    available.set(pod.metadata.name, change.type !== "DELETED" && ready && !pod.metadata.deletionTimestamp);
    if (at >= before) least = Math.min(least, [...available.values()].filter(Boolean).length);
  }
  expect(least).toBeGreaterThanOrEqual(8);
  expect(least).toBeLessThan(10);
});

test("after a template is taken back the old ReplicaSet is used again with a new revision (rollout undo)", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 2));
  simulation.runFor(20_000);
  setImage(store, "web", "web:2");
  simulation.runFor(30_000);
  setImage(store, "web", "web:1");
  simulation.runFor(30_000);
  const sets = setsOf(store).map((set) => [
    set.spec!.template!.spec!.containers[0]!.image,
    set.metadata.annotations!["deployment.kubernetes.io/revision"],
    set.spec!.replicas,
  ]);
  expect(sets.sort()).toEqual([
    ["web:1", "3", 2],
    ["web:2", "2", 0],
  ]);
  expect(deploymentOf(store, "web").metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "3" });
  expect(setsOf(store).find((set) => set.spec!.replicas === 2)!.metadata.annotations).toMatchObject({
    "deployment.kubernetes.io/revision-history": "1",
  });
});

test("Recreate starts no new pod before the last old one is gone", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 3, "web:1", { strategy: { type: "Recreate" } }));
  simulation.runFor(20_000);
  setImage(store, "web", "web:2");
  simulation.runFor(30_000);
  const alive = new Map<string, string>();
  for (const change of store.history) {
    if (change.resource !== "pods") continue;
    const pod = change.object as unknown as Stored<Pod>;
    if (change.type === "DELETED") alive.delete(pod.metadata.name);
    else alive.set(pod.metadata.name, pod.spec!.containers[0]!.image!);
    expect(new Set(alive.values()).size).toBeLessThanOrEqual(1);
  }
  expect([...alive.values()]).toEqual(["web:2", "web:2", "web:2"]);
});

test("a rollout that does not come to readiness stops at the bounds and is told after progressDeadlineSeconds", () => {
  const { simulation, store } = cluster({
    controllers,
    readyAfterMs: (pod) => (pod.spec!.containers[0]!.image === "web:2" ? undefined : 100),
  });
  store.put("deployments", "ADDED", deployment("web", 4, "web:1", { progressDeadlineSeconds: 60 }));
  simulation.runFor(20_000);
  setImage(store, "web", "web:2");
  simulation.runFor(50_000);
  expect(progressing(store, "web")).toMatchObject({ status: "True", reason: "ReplicaSetUpdated" });
  simulation.runFor(30_000);
  expect(progressing(store, "web")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
  // maxSurge 1 and maxUnavailable 1: two of the new kind, three of the old, which all stay available.
  expect(
    podsOf(store)
      .map((pod) => pod.spec!.containers[0]!.image)
      .sort(),
  ).toEqual(["web:1", "web:1", "web:1", "web:2", "web:2"]);
  expect(deploymentOf(store, "web").status?.conditions?.find(({ type }) => type === "Available")).toMatchObject({
    status: "True",
    reason: "MinimumReplicasAvailable",
  });
});

test("a paused Deployment follows changes of replicas but not of its template", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 2));
  simulation.runFor(20_000);
  scaleTo(store, "web", 4, { paused: true });
  setImage(store, "web", "web:2");
  simulation.runFor(20_000);
  expect(podsOf(store).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(4).fill("web:1"));
  expect(progressing(store, "web")).toMatchObject({ status: "Unknown", reason: "DeploymentPaused" });
  scaleTo(store, "web", 4, { paused: false });
  simulation.runFor(30_000);
  expect(podsOf(store).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(4).fill("web:2"));
});

test("a name that another template's ReplicaSet has taken is avoided by counting the collision (kubernetes/kubernetes#29735)", () => {
  const first = cluster({ controllers });
  first.store.put("deployments", "ADDED", deployment("web", 1));
  first.simulation.runFor(20_000);
  const taken = setsOf(first.store)[0]!;

  const { simulation, store } = cluster({ controllers });
  const foreign = {
    ...taken,
    metadata: { ...taken.metadata, uid: "foreign", ownerReferences: [], labels: { other: "thing" } },
    spec: { ...taken.spec, replicas: 0, selector: { matchLabels: { other: "thing" } } },
  };
  store.put("replicasets", "ADDED", foreign as unknown as Kept);
  store.put("deployments", "ADDED", deployment("web", 1));
  simulation.runFor(20_000);
  expect(deploymentOf(store, "web").status).toMatchObject({ collisionCount: 1, availableReplicas: 1 });
});

test("old ReplicaSets beyond revisionHistoryLimit go once the rollout is complete", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("deployments", "ADDED", deployment("web", 1, "web:0", { revisionHistoryLimit: 2 }));
  simulation.runFor(20_000);
  for (const image of ["web:1", "web:2", "web:3", "web:4"]) {
    setImage(store, "web", image);
    simulation.runFor(20_000);
  }
  expect(
    setsOf(store)
      .map((set) => set.spec!.template!.spec!.containers[0]!.image)
      .sort(),
  ).toEqual(["web:2", "web:3", "web:4"]);
});

test("a watch on pods that stands still for long makes no extra pods (kubernetes/kubernetes#129795)", () => {
  let held = false;
  const { simulation, store } = cluster({ controllers, holds: (resource) => held && resource === "pods" });
  simulation.runFor(5_000);
  held = true;
  store.put("deployments", "ADDED", deployment("web", 3));
  // For longer than the five minutes after which client-go's expectations run out, the ReplicaSet is looked at again and again.
  for (let minute = 0; minute < 8; minute++) {
    simulation.runFor(60_000);
    const set = setsOf(store)[0] as unknown as Kept;
    store.put("replicasets", "MODIFIED", {
      ...set,
      metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, minute: String(minute) } },
    });
  }
  expect(store.requests.filter((request) => request === "create pods")).toHaveLength(3);
  held = false;
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(3);
  expect(deploymentOf(store, "web").status).toMatchObject({ replicas: 3 });
});

test("a create that nobody answered is looked up before more pods are made", () => {
  let swallowed = 0;
  const { simulation, store } = cluster({
    controllers,
    intercept: (request) => {
      if (request.verb !== "create" || request.resource !== "pods" || swallowed >= 2) return undefined;
      swallowed += 1;
      return "silence";
    },
  });
  store.put("deployments", "ADDED", deployment("web", 3));
  simulation.runFor(120_000);
  expect(swallowed).toBe(2);
  expect(podsOf(store)).toHaveLength(3);
  expect(store.requests.filter((request) => request === "create pods")).toHaveLength(3);
});

test("when pods cannot be made the ReplicaSet says so, and the Deployment too", () => {
  const { simulation, store } = cluster({
    controllers,
    intercept: (request) =>
      request.verb === "create" && request.resource === "pods"
        ? {
            kind: "Status",
            apiVersion: "v1",
            metadata: {},
            status: "Failure",
            reason: "Forbidden",
            code: 403,
            message: "pods is forbidden: exceeded quota",
          }
        : undefined,
  });
  store.put("deployments", "ADDED", deployment("web", 3));
  simulation.runFor(10_000);
  expect(setsOf(store)[0]!.status?.conditions).toMatchObject([{ type: "ReplicaFailure", status: "True", reason: "FailedCreate" }]);
  expect(deploymentOf(store, "web").status?.conditions?.map(({ type }) => type)).toContain("ReplicaFailure");
  expect(eventLines(store).some((line) => line.startsWith("Warning FailedCreate: Error creating: pods is forbidden"))).toBe(true);
  // Slow start: a refusal stops the batch, so one try at a time.
  expect(store.requests.filter((request) => request === "create pods").length).toBeLessThan(20);
});

test("an orphan that matches is adopted and counts; a pod that no longer matches is released and replaced", () => {
  const { simulation, store } = cluster({ controllers: ["replicaset"] });
  const labels = { app: "web" };
  store.put("pods", "ADDED", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name: "orphan", uid: "orphan", labels },
    spec: { containers: [] },
  });
  store.put("replicasets", "ADDED", {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { namespace: "shop", name: "web", uid: "rs", generation: 1 },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
  });
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(2);
  const orphan = store.of("pods").get("shop/orphan")!;
  expect(orphan.metadata.ownerReferences).toMatchObject([
    { kind: "ReplicaSet", name: "web", uid: "rs", controller: true, blockOwnerDeletion: true },
  ]);
  store.put("pods", "MODIFIED", { ...orphan, metadata: { ...orphan.metadata, labels: { app: "debug" } } });
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(3);
  expect(store.of("pods").get("shop/orphan")!.metadata.ownerReferences).toEqual([]);
});

test("a ReplicationController makes, adopts and deletes pods by its plain selector, and counts them", () => {
  const { simulation, store } = cluster({ controllers: ["replicationcontroller"] });
  const labels = { app: "web" };
  const spec = { selector: labels, template: { metadata: { labels }, spec: { containers: [] } } };
  store.put("pods", "ADDED", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name: "orphan", uid: "orphan", labels },
    spec: { containers: [] },
  });
  const metadata = { namespace: "shop", name: "web", uid: "rc", generation: 1 };
  store.put("replicationcontrollers", "ADDED", {
    apiVersion: "v1",
    kind: "ReplicationController",
    metadata,
    spec: { ...spec, replicas: 3 },
  });
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(3);
  for (const pod of podsOf(store))
    expect(pod.metadata.ownerReferences).toMatchObject([
      { apiVersion: "v1", kind: "ReplicationController", name: "web", uid: "rc", controller: true },
    ]);
  const found = () => store.of("replicationcontrollers").get("shop/web")!;
  expect(found().status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  });
  store.put("replicationcontrollers", "MODIFIED", { ...found(), metadata: { ...metadata, generation: 2 }, spec: { ...spec, replicas: 1 } });
  simulation.runFor(20_000);
  expect(podsOf(store)).toHaveLength(1);
  expect(found().status).toMatchObject({ replicas: 1, observedGeneration: 2 });
});

test("of two managers one works; when it crashes the other takes over within 18 s and goes on", () => {
  const { simulation, store } = cluster({ controllers, managers: 2 });
  store.put("deployments", "ADDED", deployment("web", 2));
  simulation.runFor(20_000);
  const holder = () =>
    (store.of("leases").get("kube-system/kube-controller-manager")!.spec as { holderIdentity: string }).holderIdentity.split("_")[0]!;
  const first = holder();
  expect(podsOf(store)).toHaveLength(2);
  simulation.crashHost(first.replace("/", "-"));
  scaleTo(store, "web", 5);
  simulation.runFor(18_000);
  expect(holder()).not.toBe(first);
  expect(eventLines(store, "kube-system").map((line) => line.replace(/_\S+/, ""))).toEqual([
    `Normal LeaderElection: ${first} became leader`,
    `Normal LeaderElection: ${holder()} became leader`,
  ]);
  simulation.runFor(10_000);
  expect(podsOf(store)).toHaveLength(5);
});
