import { controllers } from "../../actors/controller-manager";
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetSpec } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type Objects, plan } from "./bench";

const disruption = controllers.find(({ name }) => name === "disruption")!;
const labels = { app: "web" };

const budget = (spec: Partial<PodDisruptionBudgetSpec>, status: object = {}) =>
  ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace: "shop", name: "web", uid: "pdb", resourceVersion: "1", generation: 3 },
    spec: { selector: { matchLabels: labels }, ...spec },
    status,
  }) as unknown as Stored<PodDisruptionBudget>;
const pods = (ready: number, unready = 0, owner = "ReplicaSet") =>
  Array.from({ length: ready + unready }, (_, i) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: "shop",
      name: `p${i}`,
      uid: `u${i}`,
      resourceVersion: "1",
      labels,
      ownerReferences: [{ apiVersion: "apps/v1", kind: owner, name: "web", uid: "rs", controller: true }],
    },
    status: { conditions: [{ type: "Ready", status: i < ready ? "True" : "False" }] },
  })) as unknown as Stored<Pod>[];
const owned = (kind: string, name: string, uid: string, replicas: number, ownerReferences: readonly object[] = []) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { namespace: "shop", name, uid, resourceVersion: "1", ownerReferences },
  spec: { replicas },
});
const set = owned("ReplicaSet", "web", "rs", 10);
const statusOf = (objects: Objects) => plan(disruption, "shop/web", objects).writes[0]?.object.status;

test.each([
  [
    "minAvailable 3 of 5 healthy",
    { minAvailable: 3 },
    5,
    0,
    { expectedPods: 5, desiredHealthy: 3, currentHealthy: 5, disruptionsAllowed: 2 },
  ],
  [
    "minAvailable 3, only 2 healthy",
    { minAvailable: 3 },
    2,
    3,
    { expectedPods: 5, desiredHealthy: 3, currentHealthy: 2, disruptionsAllowed: 0 },
  ],
  [
    "maxUnavailable 1 of 10 wanted",
    { maxUnavailable: 1 },
    10,
    0,
    { expectedPods: 10, desiredHealthy: 9, currentHealthy: 10, disruptionsAllowed: 1 },
  ],
  [
    "maxUnavailable 1, one missing already",
    { maxUnavailable: 1 },
    9,
    0,
    { expectedPods: 10, desiredHealthy: 9, currentHealthy: 9, disruptionsAllowed: 0 },
  ],
  [
    "maxUnavailable 25 % is rounded up",
    { maxUnavailable: "25%" },
    10,
    0,
    { expectedPods: 10, desiredHealthy: 7, currentHealthy: 10, disruptionsAllowed: 3 },
  ],
  [
    "minAvailable 25 % is rounded up",
    { minAvailable: "25%" },
    10,
    0,
    { expectedPods: 10, desiredHealthy: 3, currentHealthy: 10, disruptionsAllowed: 7 },
  ],
  [
    "minAvailable 100 %",
    { minAvailable: "100%" },
    10,
    0,
    { expectedPods: 10, desiredHealthy: 10, currentHealthy: 10, disruptionsAllowed: 0 },
  ],
] as const)("%s (Specifying a Disruption Budget)", (_name, spec, ready, unready, expected) => {
  expect(statusOf({ poddisruptionbudgets: [budget(spec)], pods: pods(ready, unready), replicasets: [set] })).toMatchObject(expected);
});

test("a Deployment's scale counts, not that of its ReplicaSets", () => {
  const deployment = owned("Deployment", "web", "d", 20);
  const replicaset = owned("ReplicaSet", "web", "rs", 10, [
    { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "d", controller: true },
  ]);
  const status = statusOf({
    poddisruptionbudgets: [budget({ maxUnavailable: "50%" })],
    pods: pods(15),
    replicasets: [replicaset],
    deployments: [deployment],
  });
  expect(status).toMatchObject({ expectedPods: 20, desiredHealthy: 10, disruptionsAllowed: 5 });
});

test("without pods nothing may be disrupted, and nothing is expected", () => {
  expect(statusOf({ poddisruptionbudgets: [budget({ minAvailable: 0 })] })).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 });
});

test("an eviction that was allowed counts as lost until its pod goes or two minutes have passed", () => {
  const disruptedPods = { p0: "2026-01-01T00:59:30Z", p1: "2026-01-01T00:57:59Z", gone: "2026-01-01T00:59:59Z" };
  const { writes, plan: decided } = plan(disruption, "shop/web", {
    poddisruptionbudgets: [budget({ minAvailable: 3 }, { disruptedPods })],
    pods: pods(5),
  });
  expect(writes[0].object.status).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1, disruptedPods: { p0: disruptedPods.p0 } });
  expect(Object.keys(writes[0].object.status.disruptedPods)).toEqual(["p0"]);
  expect(decided.requeueAfterMs).toBe(90_001);
});

test("the condition DisruptionAllowed says whether, and for which generation", () => {
  const status = statusOf({ poddisruptionbudgets: [budget({ minAvailable: 1 })], pods: pods(2) });
  expect(status).toMatchObject({
    observedGeneration: 3,
    conditions: [{ type: "DisruptionAllowed", status: "True", reason: "SufficientPods", observedGeneration: 3 }],
  });
});

test("where the scale cannot be told nothing may be disrupted", () => {
  const status = statusOf({ poddisruptionbudgets: [budget({ maxUnavailable: 1 })], pods: pods(3, 0, "Job") });
  expect(status).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: 'found no controllers for pod "p0"' }],
  });
});

test("an unchanged status is not written again", () => {
  const objects = { poddisruptionbudgets: [budget({ minAvailable: 1 })], pods: pods(2) };
  const status = statusOf(objects);
  expect(plan(disruption, "shop/web", { ...objects, poddisruptionbudgets: [budget({ minAvailable: 1 }, status)] }).writes).toEqual([]);
});
