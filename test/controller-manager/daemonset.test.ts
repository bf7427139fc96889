import { nodeFit, podForNode, targetNode } from "../../actors/controller-manager/daemon-node";
import type { DaemonSet, Node, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { FakeStore, Kept } from "../client/fake-api-server";
import { cluster, eventLines, objectsOf } from "./cluster";

const controllers = ["daemonset"];
const labels = { app: "agent" };
const node = (name: string, more: { readonly labels?: object; readonly spec?: object } = {}): Kept => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, uid: `uid-${name}`, labels: { ...more.labels } },
  spec: { ...more.spec },
});
const agent = (image = "agent:1", spec: object = {}, template: object = {}): Kept => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { namespace: "shop", name: "agent", uid: "uid-agent", generation: 1 },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image }], ...template } },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    revisionHistoryLimit: 10,
    ...spec,
  },
});
const podsOf = (store: FakeStore) => objectsOf<Stored<Pod>>(store, "pods");
const status = (store: FakeStore) => (store.of("daemonsets").get("shop/agent") as unknown as Stored<DaemonSet>).status;
const images = (store: FakeStore) => podsOf(store).map((pod) => pod.spec!.containers[0]!.image);
const targets = (store: FakeStore) =>
  podsOf(store)
    .map((pod) => targetNode(pod))
    .sort();
function started(set: Kept, options: Parameters<typeof cluster>[0] = {}) {
  const world = cluster({ controllers, ...options });
  for (const name of ["node-1", "node-2", "node-0"]) world.store.put("nodes", "ADDED", node(name));
  world.store.put("daemonsets", "ADDED", set);
  world.simulation.runFor(15_000);
  return world;
}

test("each node gets one pod, meant for it by affinity on its name", () => {
  const { store } = started(agent());
  expect(targets(store)).toEqual(["node-0", "node-1", "node-2"]);
  expect(status(store)).toMatchObject({
    desiredNumberScheduled: 3,
    currentNumberScheduled: 3,
    numberReady: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
    numberMisscheduled: 0,
  });
  const [revision] = objectsOf<Kept & { revision: number }>(store, "controllerrevisions");
  expect(revision).toMatchObject({ revision: 1, metadata: { ownerReferences: [{ kind: "DaemonSet", name: "agent" }] } });
  const hash = revision!.metadata.labels!["controller-revision-hash"];
  expect(podsOf(store).map((pod) => pod.metadata.labels!["controller-revision-hash"])).toEqual([hash, hash, hash]);
});

test("a new node gets its pod, a node that is no longer selected loses it", () => {
  const { simulation, store } = started(agent("agent:1", {}, { nodeSelector: { disk: "ssd" } }));
  expect(podsOf(store)).toEqual([]);
  const selected = store.put("nodes", "ADDED", node("node-1", { labels: { disk: "ssd" } }));
  simulation.runFor(5_000);
  expect(targets(store)).toEqual(["node-1"]);
  store.put("nodes", "MODIFIED", { ...selected, metadata: { ...selected.metadata, labels: { disk: "hdd" } } });
  simulation.runFor(5_000);
  expect(podsOf(store)).toEqual([]);
});

test("a rolling update takes one node after the other, never more than maxUnavailable", () => {
  const { simulation, store } = started(agent());
  const from = store.history.length;
  const current = store.of("daemonsets").get("shop/agent")!;
  store.put("daemonsets", "MODIFIED", { ...current, metadata: { ...current.metadata, generation: 2 }, spec: agent("agent:2").spec });
  simulation.runFor(60_000);
  expect(images(store)).toEqual(["agent:2", "agent:2", "agent:2"]);
  expect(status(store)).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3, observedGeneration: 2 });
  const available = new Map<string, boolean>();
  let least = 3;
  for (const [at, change] of store.history.entries()) {
    if (change.resource !== "pods") continue;
    const pod = change.object as unknown as Stored<Pod>;
    const ready = pod.status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
    available.set(pod.metadata.name, change.type !== "DELETED" && ready && !pod.metadata.deletionTimestamp);
    if (at >= from) least = Math.min(least, [...available.values()].filter(Boolean).length);
  }
  expect(least).toBe(2);
});

test("with OnDelete only pods that are deleted are made anew from the new template", () => {
  const { simulation, store } = started(agent("agent:1", { updateStrategy: { type: "OnDelete" } }));
  const current = store.of("daemonsets").get("shop/agent")!;
  store.put("daemonsets", "MODIFIED", { ...current, spec: agent("agent:2", { updateStrategy: { type: "OnDelete" } }).spec });
  simulation.runFor(20_000);
  expect(images(store)).toEqual(["agent:1", "agent:1", "agent:1"]);
  store.remove("pods", store.of("pods").values().next().value!);
  simulation.runFor(10_000);
  expect(images(store).sort()).toEqual(["agent:1", "agent:1", "agent:2"]);
});

test("a failed pod is replaced, after a longer wait each time", () => {
  const { simulation, store } = started(agent());
  const [pod] = objectsOf<Kept>(store, "pods");
  store.put("pods", "MODIFIED", { ...pod!, status: { phase: "Failed" } });
  simulation.runFor(5_000);
  expect(podsOf(store)).toHaveLength(3);
  expect(podsOf(store).every(({ status: now }) => now?.phase === "Running")).toBe(true);
  expect(
    eventLines(store).some((line) =>
      line.startsWith(`Warning FailedDaemonPod: Found failed daemon pod shop/${pod!.metadata.name} on node`),
    ),
  ).toBe(true);
});

describe("which nodes are fit (DaemonSet: taints and tolerations)", () => {
  const pod: Pod = { metadata: {}, spec: { containers: [] } };
  const tainted = (key: string, effect: string) => node("n", { spec: { taints: [{ key, effect }] } }) as unknown as Stored<Node>;

  test.each([
    ["node.kubernetes.io/not-ready", "NoExecute", { shouldRun: true, mayStay: true }],
    ["node.kubernetes.io/unreachable", "NoExecute", { shouldRun: true, mayStay: true }],
    ["node.kubernetes.io/unschedulable", "NoSchedule", { shouldRun: true, mayStay: true }],
    ["node.kubernetes.io/disk-pressure", "NoSchedule", { shouldRun: true, mayStay: true }],
    ["node.kubernetes.io/network-unavailable", "NoSchedule", { shouldRun: false, mayStay: true }],
    ["dedicated", "NoSchedule", { shouldRun: false, mayStay: true }],
    ["dedicated", "NoExecute", { shouldRun: false, mayStay: false }],
    ["dedicated", "PreferNoSchedule", { shouldRun: true, mayStay: true }],
  ])("with the taint %s:%s", (key, effect, fit) => {
    expect(nodeFit(pod, tainted(key, effect))).toEqual(fit);
  });

  test("a template's own node affinity goes on holding, within the node the pod is meant for", () => {
    const terms = [{ matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] }];
    const picky: Pod = {
      metadata: {},
      spec: {
        containers: [],
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
      },
    };
    expect(nodeFit(picky, node("n", { labels: { disk: "hdd" } }) as unknown as Stored<Node>).mayStay).toBe(false);
    expect(nodeFit(picky, node("n", { labels: { disk: "ssd" } }) as unknown as Stored<Node>).shouldRun).toBe(true);
    const made = podForNode(picky, "n");
    expect(made.spec!.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms).toEqual([
      { matchExpressions: terms[0]!.matchExpressions, matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }] },
    ]);
    expect(targetNode(made)).toBe("n");
  });
});
