import { controllers as all } from "../../actors/controller-manager";
import type { Kept } from "../client/fake-api-server";
import { plan } from "./bench";
import { cluster, objectsOf } from "./cluster";

const namespace = (name: string, more: object = {}): Kept => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, uid: `uid-${name}`, ...more },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Active" },
});

test("every namespace gets its ServiceAccount and the cluster's certificate authority, again if they are deleted", () => {
  const { simulation, store } = cluster({ controllers: ["serviceaccount", "root-ca-certificate-publisher"] });
  store.put("namespaces", "ADDED", namespace("shop"));
  simulation.runFor(10_000);
  expect(store.of("configmaps").get("shop/kube-root-ca.crt")).toMatchObject({ data: { "ca.crt": "PEM" } });
  store.remove("serviceaccounts", store.of("serviceaccounts").get("shop/default")!);
  const published = store.of("configmaps").get("shop/kube-root-ca.crt")!;
  store.put("configmaps", "MODIFIED", { ...published, data: { "ca.crt": "forged" } });
  simulation.runFor(10_000);
  expect(objectsOf(store, "serviceaccounts").map(({ metadata }) => metadata.name)).toEqual(["default"]);
  expect(store.of("configmaps").get("shop/kube-root-ca.crt")).toMatchObject({ data: { "ca.crt": "PEM" } });
});

test("a namespace that is being deleted is emptied, pods first, and then let go (kubernetes/kubernetes#60807)", () => {
  const { simulation, store } = cluster({ controllers: ["namespace"] });
  const shop = store.put("namespaces", "ADDED", namespace("shop"));
  const inShop = (kind: string, apiVersion: string, name: string, more: object = {}): Kept => ({
    apiVersion,
    kind,
    metadata: { namespace: "shop", name, uid: name, ...more },
  });
  store.put("configmaps", "ADDED", inShop("ConfigMap", "v1", "settings"));
  store.put("deployments", "ADDED", inShop("Deployment", "apps/v1", "web"));
  const pod = store.put("pods", "ADDED", inShop("Pod", "v1", "slow", { finalizers: ["example.com/hold"], deletionGracePeriodSeconds: 2 }));
  store.put("configmaps", "ADDED", {
    ...inShop("ConfigMap", "v1", "elsewhere"),
    metadata: { namespace: "other", name: "elsewhere", uid: "e" },
  });
  simulation.runFor(5_000);
  store.put("namespaces", "MODIFIED", {
    ...shop,
    metadata: { ...shop.metadata, deletionTimestamp: "2026-01-01T00:00:05Z" },
    status: { phase: "Terminating" },
  });
  simulation.runFor(10_000);
  const { conditions } = store.of("namespaces").get("shop")!.status as {
    conditions: { type: string; status: string; reason: string; message: string }[];
  };
  expect(conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
    "NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered",
    "NamespaceDeletionContentFailure=False ContentDeleted",
    "NamespaceContentRemaining=True SomeResourcesRemain",
    "NamespaceFinalizersRemaining=True SomeFinalizersRemain",
  ]);
  expect(conditions[2]!.message).toBe("Some resources are remaining: pods has 1 resource instances");
  // While a pod is left the rest is not touched: it may still need its configuration.
  expect(store.of("configmaps").get("shop/settings")).toBeDefined();
  store.remove("pods", pod);
  simulation.runFor(20_000);
  expect(store.of("namespaces").get("shop")).toBeUndefined();
  expect(objectsOf(store, "configmaps").map(({ metadata }) => metadata.name)).toEqual(["elsewhere"]);
  expect(objectsOf(store, "deployments")).toEqual([]);
});

describe("the collection of pods that nobody else removes (Pod Lifecycle: garbage collection of Pods)", () => {
  const collector = all.find(({ name }) => name === "pod-garbage-collector")!;
  const pod = (name: string, more: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {}) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "shop", name, uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", ...more.metadata },
      spec: { containers: [], ...more.spec },
      status: more.status ?? { phase: "Running" },
    }) as never;
  const leaving = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  const lines = (writes: readonly { do: string; name?: string; options?: { gracePeriodSeconds?: number } }[]) =>
    writes.map((write) => `${write.do} ${write.name}${write.options?.gracePeriodSeconds === 0 ? " now" : ""}`);

  test("a pod whose node has been missing for 40 s, also past the cache, fails and goes", () => {
    const pods = [pod("a", { spec: { nodeName: "gone" } })];
    const first = plan(collector, "pods", { pods }, { monotonicMs: 1000 });
    expect(first.writes).toEqual([]);
    expect(plan(collector, "pods", { pods }, { monotonicMs: 40_999, memory: first.plan.memory }).writes).toEqual([]);
    const { writes } = plan(collector, "pods", { pods }, { monotonicMs: 41_000, memory: first.plan.memory });
    expect(lines(writes)).toEqual(["patch a", "delete a now"]);
    expect(writes[0].patch.status).toMatchObject({
      phase: "Failed",
      conditions: [{ type: "DisruptionTarget", reason: "DeletionByPodGC" }],
    });
    const live = { "nodes gone": { metadata: { name: "gone" } } };
    expect(plan(collector, "pods", { pods }, { monotonicMs: 41_000, memory: first.plan.memory, live }).writes).toEqual([]);
  });

  test("a terminating pod goes at once where it never got a node, or its node is out of service and not ready", () => {
    const tainted = (ready: string) =>
      ({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "n", uid: "n", resourceVersion: "1" },
        spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] },
        status: { conditions: [{ type: "Ready", status: ready }] },
      }) as never;
    const pods = [
      pod("unbound", { metadata: leaving }),
      pod("stuck", { metadata: leaving, spec: { nodeName: "n" } }),
      pod("runs", { spec: { nodeName: "n" } }),
    ];
    expect(lines(plan(collector, "pods", { pods, nodes: [tainted("Unknown")] }).writes)).toEqual([
      "delete unbound now",
      "patch stuck",
      "delete stuck now",
    ]);
    expect(lines(plan(collector, "pods", { pods, nodes: [tainted("True")] }).writes)).toEqual(["delete unbound now"]);
  });

  test("of more ended pods than terminated-pod-gc-threshold the oldest go", () => {
    const ended = (name: string, at: string) => pod(name, { metadata: { creationTimestamp: at }, status: { phase: "Succeeded" } });
    const pods = [
      ended("young", "2026-01-03T00:00:00Z"),
      ended("old", "2026-01-01T00:00:00Z"),
      ended("middle", "2026-01-02T00:00:00Z"),
      pod("runs"),
    ];
    expect(lines(plan(collector, "pods", { pods }, { knobs: { "terminated-pod-gc-threshold": 1 } }).writes)).toEqual([
      "delete old now",
      "delete middle now",
    ]);
  });
});
