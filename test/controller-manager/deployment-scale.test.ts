import { byCreation, isSameTemplate, newReplicaSetOf, templateHash } from "../../actors/controller-manager/deployment-revision";
import { maxSurgeOf, maxUnavailableOf, newSetSize, scaleAll, scaleNew, scaleOld } from "../../actors/controller-manager/deployment-scale";
import { deletionOrder } from "../../actors/controller-manager/replicaset-deletion-order";
import type { Deployment, Pod, ReplicaSet } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";

type Bound = number | string;

const deployment = (replicas: number, maxSurge: Bound = "25%", maxUnavailable: Bound = "25%", more: object = {}) =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "shop", name: "web", uid: "d", resourceVersion: "1" },
    spec: { replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } }, ...more },
  }) as unknown as Stored<Deployment>;

/** `age`: higher is older. */
const set = (name: string, replicas: number, available = replicas, age = 0, annotations: Record<string, string> = {}) =>
  ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      namespace: "shop",
      name,
      uid: name,
      resourceVersion: "1",
      creationTimestamp: new Date(Date.parse("2026-01-01T00:00:00Z") - age * 60_000).toISOString(),
      annotations,
    },
    spec: { replicas },
    status: { replicas, availableReplicas: available },
  }) as unknown as Stored<ReplicaSet>;
const plain = (sizes: ReadonlyMap<string, number>) => Object.fromEntries(sizes);
const bounds = (desired: number, max: number) => ({
  "deployment.kubernetes.io/desired-replicas": String(desired),
  "deployment.kubernetes.io/max-replicas": String(max),
});

describe("the bounds of a rolling update (Deployments: max surge, max unavailable)", () => {
  test.each([
    [10, "25%", "25%", 3, 2],
    [4, "25%", "25%", 1, 1],
    [1, "25%", "25%", 1, 0],
    [10, 0, 0, 0, 1],
    [10, "100%", 0, 10, 0],
    [3, 0, 5, 0, 3],
    [0, "25%", "25%", 0, 0],
  ] as const)(
    "of %i replicas with maxSurge %s and maxUnavailable %s",
    (replicas, surge, unavailable, expectedSurge, expectedUnavailable) => {
      expect([maxSurgeOf(deployment(replicas, surge, unavailable)), maxUnavailableOf(deployment(replicas, surge, unavailable))]).toEqual([
        expectedSurge,
        expectedUnavailable,
      ]);
    },
  );

  test("Recreate has none", () => {
    const recreate = deployment(10, 1, 1, { strategy: { type: "Recreate" } });
    expect([maxSurgeOf(recreate), maxUnavailableOf(recreate), newSetSize(recreate, 0, 0)]).toEqual([0, 0, 10]);
  });
});

describe("one step of a rolling update", () => {
  test.each([
    ["a new set begins with what maxSurge leaves", 10, 3, set("new", 0), [set("old", 10)], { new: 3 }],
    ["no room, no growth", 10, 0, set("new", 0), [set("old", 10)], {}],
    ["not more than is desired", 10, 5, set("new", 8), [set("old", 0)], { new: 10 }],
    ["down to what is desired", 4, 1, set("new", 6), [], { new: 4 }],
  ] as const)("%s", (_name, replicas, surge, newSet, oldSets, expected) => {
    expect(plain(scaleNew(deployment(replicas, surge, 0), newSet, oldSets))).toEqual(expected);
  });

  test.each([
    ["healthy old ones go as far as the minimum allows", 10, 2, set("new", 3, 0), [set("old", 10)], { old: 8 }],
    ["an unavailable new one keeps an old one", 10, 0, set("new", 3, 0), [set("old", 10)], {}],
    ["an available new one frees an old one", 10, 0, set("new", 3, 3), [set("old", 10)], { old: 7 }],
    [
      "unhealthy old ones go first, the oldest set before others",
      10,
      2,
      set("new", 3, 3),
      [set("b", 4, 4, 1), set("a", 6, 2, 2)],
      { a: 1 },
    ],
    ["two sets share what may go", 10, 5, set("new", 0, 0), [set("b", 5, 5, 1), set("a", 5, 5, 2)], { a: 0 }],
    [
      "a set that was made smaller still reports pods that will go",
      3,
      0,
      set("new", 0, 0),
      [set("b", 3, 2, 1), set("a", 1, 2, 2)],
      { b: 2 },
    ],
  ] as const)("%s", (_name, replicas, unavailable, newSet, oldSets, expected) => {
    expect(plain(scaleOld(deployment(replicas, 3, unavailable), newSet, oldSets))).toEqual(expected);
  });
});

describe("scaling while a rollout is under way (Deployments: proportional scaling)", () => {
  const old = (replicas: number) => set("old", replicas, replicas, 1, bounds(10, 13));
  const fresh = (replicas: number) => set("new", replicas, 0, 0, bounds(10, 13));

  test("the documentation's example: 8 and 5 of 10 become 11 and 7 of 15", () => {
    expect(plain(scaleAll(deployment(15, 3, 2), fresh(5), [old(8)]))).toEqual({ old: 11, new: 7 });
  });

  test("scaling down takes in proportion too", () => {
    expect(plain(scaleAll(deployment(5, 3, 2), fresh(5), [old(8)]))).toEqual({ old: 5, new: 3 });
  });

  test("to nothing", () => {
    expect(plain(scaleAll(deployment(0, 3, 2), fresh(5), [old(8)]))).toEqual({ old: 0, new: 0 });
  });

  test("a single active set takes it all", () => {
    expect(plain(scaleAll(deployment(7), set("new", 10), [set("old", 0)]))).toEqual({ new: 7 });
    expect(plain(scaleAll(deployment(7), undefined, [set("b", 0, 0, 1), set("a", 0, 0, 2)]))).toEqual({ b: 7 });
  });

  test("once the new set is complete the old ones go", () => {
    expect(plain(scaleAll(deployment(5), set("new", 5, 5, 0, bounds(5, 7)), [set("old", 2, 2, 1)]))).toEqual({ old: 0 });
  });
});

describe("templates", () => {
  const template = (image: string, labels: Record<string, string> = {}) => ({
    metadata: { labels },
    spec: { containers: [{ name: "main", image }] },
  });

  test("are the same whatever their hash label and the order of their fields", () => {
    const a = template("web:1", { app: "web", "pod-template-hash": "x" });
    const b = { spec: { containers: [{ image: "web:1", name: "main" }] }, metadata: { labels: { app: "web" } } };
    expect(isSameTemplate(a, b)).toBe(true);
    expect(isSameTemplate(a, template("web:2", { app: "web" }))).toBe(false);
  });

  test("a hash depends on template and collision count alone, and has no vowels", () => {
    expect(templateHash(template("web:1"), 0)).toBe(templateHash(template("web:1"), 0));
    expect(templateHash(template("web:1"), 1)).not.toBe(templateHash(template("web:1"), 0));
    expect(templateHash(template("web:1"), 0)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/);
  });

  test("of two sets with the template the older is the new one: every manager must choose the same", () => {
    const young = { ...set("a", 1, 1, 1), spec: { template: template("web:1") } } as unknown as Stored<ReplicaSet>;
    const old = { ...set("b", 1, 1, 2), spec: { template: template("web:1") } } as unknown as Stored<ReplicaSet>;
    const wanted = deployment(1, 1, 1, { template: template("web:1") });
    expect(newReplicaSetOf(wanted, [young, old])!.metadata.name).toBe("b");
    expect([young, old].sort(byCreation).map(({ metadata }) => metadata.name)).toEqual(["b", "a"]);
  });
});

describe("which pod a ReplicaSet loses first (ReplicaSet: scaling a ReplicaSet)", () => {
  const nowMs = Date.parse("2026-01-01T12:00:00Z");
  const ago = (minutes: number) => new Date(nowMs - minutes * 60_000).toISOString();
  interface Traits {
    readonly node?: string;
    readonly phase?: string;
    readonly ready?: number;
    readonly cost?: number;
    readonly restarts?: number;
    readonly age?: number;
  }
  const pod = (name: string, { node = "n", phase = "Running", ready = 60, cost, restarts = 0, age = 60 }: Traits) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        namespace: "shop",
        name,
        uid: name,
        resourceVersion: "1",
        creationTimestamp: ago(age),
        ...(cost === undefined ? {} : { annotations: { "controller.kubernetes.io/pod-deletion-cost": String(cost) } }),
      },
      spec: node === "" ? {} : { nodeName: node },
      status: {
        phase,
        conditions: [{ type: "Ready", status: ready > 0 ? "True" : "False", lastTransitionTime: ago(ready) }],
        containerStatuses: [{ restartCount: restarts }],
      },
    }) as unknown as Stored<Pod>;

  test.each([
    ["unassigned before assigned", { node: "" }, {}],
    ["pending before running", { phase: "Pending" }, {}],
    ["unknown before running", { phase: "Unknown" }, {}],
    ["not ready before ready", { ready: 0 }, {}],
    ["the lower deletion cost", { cost: -5 }, {}],
    ["the lower deletion cost, also above none", {}, { cost: 3 }],
    ["ready for a shorter time, by magnitude", { ready: 1 }, { ready: 60 }],
    ["more restarts", { restarts: 3 }, {}],
    ["the younger, by magnitude", { age: 1 }, { age: 60 }],
    ["the phase counts more than the cost", { phase: "Pending", cost: 9 }, { cost: 1 }],
  ] as const)("%s", (_name, first, second) => {
    const pods = [pod("b-first", first), pod("a-second", second)];
    for (const order of [pods, [...pods].reverse()])
      expect(deletionOrder(order, [], nowMs).map(({ metadata }) => metadata.name)).toEqual(["b-first", "a-second"]);
  });

  test("where a node has more of the related pods", () => {
    const pods = [pod("a", { node: "n1" }), pod("b", { node: "n2" }), pod("c", { node: "n2" })];
    expect(deletionOrder(pods, pods, nowMs).map(({ metadata }) => metadata.name)).toEqual(["b", "c", "a"]);
  });

  test("within one magnitude of age the uid decides, so that zones are not emptied one after the other", () => {
    const pods = [pod("z", { ready: 60 }), pod("a", { ready: 50 })];
    expect(deletionOrder(pods, [], nowMs).map(({ metadata }) => metadata.name)).toEqual(["a", "z"]);
  });
});
