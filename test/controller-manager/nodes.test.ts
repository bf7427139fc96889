import { controllers } from "../../actors/controller-manager";
import { type Health, isOverdue, observeHealth, unknownConditions } from "../../actors/controller-manager/node-health";
import { freeRanges } from "../../actors/controller-manager/node-ipam";
import { evictionRate, refill, zoneState } from "../../actors/controller-manager/node-zones";
import { tolerationMs } from "../../actors/controller-manager/toleration";
import type { Lease, Node, Pod, Taint } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { plan } from "./bench";

const node = (name: string, ready: string | undefined, zone = "a", more: Partial<Node> = {}) =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: "7",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "topology.kubernetes.io/zone": zone },
    },
    status: ready === undefined ? {} : { conditions: [{ type: "Ready", status: ready, lastHeartbeatTime: "2026-01-01T00:00:00Z" }] },
    ...more,
  }) as Stored<Node>;
const lease = (name: string, renewTime: string) =>
  ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "kube-node-lease", name, uid: name, resourceVersion: "1" },
    spec: { renewTime },
  }) as unknown as Stored<Lease>;
const grace = { monitorMs: 50_000, startupMs: 60_000 };

describe("health (Nodes: heartbeats)", () => {
  const before: Health = { aliveMs: 1000, heartbeat: "2026-01-01T00:00:00Z//True", renewed: "t1" };

  test("a renewed Lease is a sign of life, an unchanged one is not", () => {
    expect(observeHealth(node("n", "True"), lease("n", "t2"), before, 9000).aliveMs).toBe(9000);
    expect(observeHealth(node("n", "True"), lease("n", "t1"), before, 9000)).toBe(before);
  });

  test("what the controller itself wrote about the node is no sign of life", () => {
    expect(observeHealth(node("n", "Unknown"), lease("n", "t1"), before, 9000)).toBe(before);
  });

  test("a node is overdue after node-monitor-grace-period, one that never posted a status after node-startup-grace-period", () => {
    expect(isOverdue(node("n", "True"), before, grace, 51_000)).toBe(false);
    expect(isOverdue(node("n", "True"), before, grace, 51_001)).toBe(true);
    expect(isOverdue(node("n", undefined), before, grace, 51_001)).toBe(false);
    expect(isOverdue(node("n", undefined), before, grace, 61_001)).toBe(true);
  });

  test("of a lost node all conditions are Unknown, with the reasons that kubectl shows", () => {
    const conditions = unknownConditions(node("n", "True"), 0);
    expect(conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      "Ready=Unknown NodeStatusUnknown",
      "MemoryPressure=Unknown NodeStatusNeverUpdated",
      "DiskPressure=Unknown NodeStatusNeverUpdated",
      "PIDPressure=Unknown NodeStatusNeverUpdated",
    ]);
    const again = node("n", undefined, "a", { status: { conditions } });
    expect(unknownConditions(again, 60_000)).toBe(conditions);
  });
});

describe("zones (Nodes: rate limits on eviction)", () => {
  const rates = { perSecond: 0.1, secondaryPerSecond: 0.01, unhealthyShare: 0.55, largeZone: 50 };
  const of = (ready: number, lost: number) => [...Array(ready).fill(node("r", "True")), ...Array(lost).fill(node("l", "Unknown"))];

  test.each([
    [3, 0, "normal"],
    [1, 2, "normal"],
    [2, 3, "partial"],
    [4, 4, "normal"],
    [0, 1, "full"],
    [0, 0, "normal"],
  ] as const)("%i ready and %i lost nodes are %s", (ready, lost, state) => {
    expect(zoneState(of(ready, lost), rates.unhealthyShare)).toBe(state);
  });

  test.each([
    ["normal", 10, false, 0.1],
    ["partial", 10, false, 0],
    ["partial", 51, false, 0.01],
    ["full", 10, false, 0.1],
    ["full", 10, true, 0],
  ] as const)("a zone that is %s with %i nodes (all zones full: %s) is emptied at %f nodes a second", (state, size, allFull, rate) => {
    expect(evictionRate(state, size, allFull, rates)).toBe(rate);
  });

  test("at 0.1 a second a bucket gives one at once and the next after ten seconds", () => {
    const used = { ...refill(undefined, 0.1, 0), tokens: 0 };
    expect(refill(used, 0.1, 9_000).tokens).toBeLessThan(1);
    expect(refill(used, 0.1, 10_000).tokens).toBe(1);
    expect(refill(used, 0.1, 100_000).tokens).toBe(1);
  });
});

describe("the monitor", () => {
  const lifecycle = controllers.find(({ name }) => name === "node-lifecycle")!;
  const lost = (name: string, zone: string) => node(name, "Unknown", zone);

  test("a lost node gets the unreachable taint, one per zone and bucket", () => {
    const { writes, measures } = plan(lifecycle, "monitor", {
      nodes: [lost("n1", "a"), lost("n2", "a"), lost("n3", "b"), node("n4", "True", "a"), node("n5", "True", "b")],
    });
    expect(writes.map((write) => `${write.name} ${write.patch.spec.taints.map((taint: Taint) => `${taint.key}:${taint.effect}`)}`)).toEqual(
      ["n1 node.kubernetes.io/unreachable:NoExecute", "n3 node.kubernetes.io/unreachable:NoExecute"],
    );
    expect(measures).toEqual(["node_collector_evictions_total{/a} 1", "node_collector_evictions_total{/b} 1"]);
  });

  test("when every zone is fully disrupted nothing is evicted and the taints are taken back (kubernetes/kubernetes#28832)", () => {
    const tainted = node("n1", "Unknown", "a", { spec: { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] } });
    const { writes } = plan(lifecycle, "monitor", { nodes: [tainted, lost("n2", "b")] });
    expect(writes.map((write) => [write.name, write.patch.spec.taints])).toEqual([["n1", null]]);
  });

  test("a node that comes back loses the taint at once", () => {
    const back = node("n1", "True", "a", {
      spec: {
        taints: [
          { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
          { key: "mine", effect: "NoSchedule" },
        ],
      },
    });
    const { writes } = plan(lifecycle, "monitor", { nodes: [back, lost("n2", "b"), node("n3", "True", "b")] });
    expect(writes.find((write) => write.name === "n1")!.patch.spec.taints).toEqual([{ key: "mine", effect: "NoSchedule" }]);
  });

  test("after the grace period a silent node is Unknown, its ready pods are marked not ready, and both are told", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "shop", name: "web-1", uid: "p", resourceVersion: "3" },
      spec: { nodeName: "n1" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    };
    const objects = { nodes: [node("n1", "True"), node("n2", "True")], pods: [pod as unknown as Stored<Pod>] };
    const first = plan(lifecycle, "monitor", objects, { monotonicMs: 0 });
    expect(first.writes).toEqual([]);
    expect(first.events).toEqual([
      "Normal RegisteredNode Node n1 event: Registered Node n1 in Controller",
      "Normal RegisteredNode Node n2 event: Registered Node n2 in Controller",
    ]);
    const alive = { ...objects, leases: [lease("n2", "t9")] };
    const { writes, events } = plan(lifecycle, "monitor", alive, { monotonicMs: 50_001, memory: first.plan.memory });
    expect(writes.map((write) => `${write.resource.plural}/${write.subresource} ${write.object.metadata.name}`)).toEqual([
      "nodes/status n1",
      "pods/status web-1",
    ]);
    expect(writes[1]!.object.status.conditions).toMatchObject([{ type: "Ready", status: "False" }]);
    expect(events).toEqual(["Normal NodeNotReady Node n1 status is now: NodeNotReady", "Warning NodeNotReady Node is not ready"]);
  });

  test.each([
    ["Ready", "False", "node.kubernetes.io/not-ready"],
    ["Ready", "Unknown", "node.kubernetes.io/unreachable"],
    ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
    ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
    ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
    ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
  ])("%s=%s is the taint %s:NoSchedule (Taints and Tolerations: taint nodes by condition)", (type, status, key) => {
    const sick = node("n1", undefined, "a", { status: { conditions: [{ type, status }] } });
    const { writes } = plan(lifecycle, "node/n1", { nodes: [sick] });
    expect(writes.map((write) => write.patch.spec.taints)).toMatchObject([[{ key, effect: "NoSchedule" }]]);
  });

  test("a cordoned node has the unschedulable taint, and loses it when uncordoned", () => {
    const cordoned = node("n1", "True", "a", { spec: { unschedulable: true } });
    expect(plan(lifecycle, "node/n1", { nodes: [cordoned] }).writes[0]!.patch.spec.taints).toMatchObject([
      { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
    ]);
    const free = node("n1", "True", "a", { spec: { taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }] } });
    expect(plan(lifecycle, "node/n1", { nodes: [free] }).writes[0]!.patch.spec.taints).toBeNull();
  });
});

describe("taint eviction (Taints and Tolerations: taint based evictions)", () => {
  const eviction = controllers.find(({ name }) => name === "taint-eviction")!;
  const unreachable: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };
  const pod = (tolerations: NonNullable<Pod["spec"]>["tolerations"]) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "shop", name: "web", uid: "p", resourceVersion: "3" },
      spec: { nodeName: "n1", containers: [], tolerations },
    }) as unknown as Stored<Pod>;
  const bears = (tolerationSeconds?: number) => [
    {
      key: "node.kubernetes.io/unreachable",
      operator: "Exists",
      effect: "NoExecute",
      ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
    },
  ];

  test.each([
    ["no toleration", [], 0],
    ["one without end", bears(), Number.POSITIVE_INFINITY],
    ["300 seconds", bears(300), 300_000],
    ["a negative time", bears(-1), 0],
    ["everything", [{ operator: "Exists" }], Number.POSITIVE_INFINITY],
    ["another key", [{ key: "other", operator: "Exists" }], 0],
    ["another effect", [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoSchedule" }], 0],
    ["an equal value", [{ key: "node.kubernetes.io/unreachable", value: "" }], Number.POSITIVE_INFINITY],
    ["a different value", [{ key: "node.kubernetes.io/unreachable", operator: "Equal", value: "x" }], 0],
  ])("a pod with %s", (_name, tolerations, ms) => {
    expect(tolerationMs(pod(tolerations), [unreachable])).toBe(ms);
  });

  test("of several taints the shortest time counts", () => {
    const tolerations = [
      { key: "a", operator: "Exists", tolerationSeconds: 60 },
      { key: "b", operator: "Exists", tolerationSeconds: 5 },
    ];
    expect(
      tolerationMs(pod(tolerations), [
        { key: "a", effect: "NoExecute" },
        { key: "b", effect: "NoExecute" },
      ]),
    ).toBe(5000);
  });

  test("a pod that bears the taint for 300 s is deleted after that, counted from when it was seen, not before", () => {
    const objects = { nodes: [node("n1", "Unknown", "a", { spec: { taints: [unreachable] } })], pods: [pod(bears(300))] };
    const first = plan(eviction, "shop/web", objects, { monotonicMs: 1000 });
    expect(first.writes).toEqual([]);
    expect(first.plan.requeueAfterMs).toBe(300_000);
    const early = plan(eviction, "shop/web", objects, { monotonicMs: 300_999, memory: first.plan.memory });
    expect(early.writes).toEqual([]);
    const { writes, events } = plan(eviction, "shop/web", objects, { monotonicMs: 301_000, memory: first.plan.memory });
    expect(writes.map((write) => write.do)).toEqual(["patch", "delete"]);
    expect(writes[0]!.patch.status.conditions).toMatchObject([
      { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager" },
    ]);
    expect(events).toEqual(["Normal TaintManagerEviction Marking for deletion Pod shop/web"]);
  });

  test("the taint goes in time and the pod stays", () => {
    const first = plan(eviction, "shop/web", {
      nodes: [node("n1", "Unknown", "a", { spec: { taints: [unreachable] } })],
      pods: [pod(bears(300))],
    });
    const {
      writes,
      events,
      plan: second,
    } = plan(
      eviction,
      "shop/web",
      { nodes: [node("n1", "True")], pods: [pod(bears(300))] },
      { monotonicMs: 400_000, memory: first.plan.memory },
    );
    expect(writes).toEqual([]);
    expect(events).toEqual(["Normal TaintManagerEviction Cancelling deletion of Pod shop/web"]);
    expect(second.memory).toBeNull();
  });
});

describe("pod CIDRs", () => {
  test("ranges are cut from the cluster's, those in use left out", () => {
    expect([...freeRanges("10.244.0.0/22", 24, new Set(["10.244.1.0/24"]))]).toEqual(["10.244.0.0/24", "10.244.2.0/24", "10.244.3.0/24"]);
    expect([...freeRanges("10.0.0.0/26", 28, new Set())]).toHaveLength(4);
  });

  test("what is no range is refused with what was expected", () => {
    expect(() => [...freeRanges("10.244.0.0", 24, new Set())]).toThrow(
      'cluster-cidr "10.244.0.0": expected an IPv4 range such as 10.244.0.0/16',
    );
    expect(() => [...freeRanges("10.244.0.0/25", 24, new Set())]).toThrow("cannot be cut into ranges of /24");
  });

  test("no two nodes get the same range, and a full cluster says so", () => {
    const ipam = controllers.find(({ name }) => name === "node-ipam")!;
    const taken = node("n1", "True", "a", { spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] } });
    const { writes, events } = plan(
      ipam,
      "nodes",
      { nodes: [taken, node("n3", "True"), node("n2", "True"), node("n4", "True")] },
      { clusterCidr: "10.244.0.0/23", noFail: true },
    );
    expect(writes.map((write) => [write.name, write.patch.spec.podCIDR])).toEqual([["n2", "10.244.1.0/24"]]);
    expect(events).toEqual(["Normal CIDRNotAvailable Node n3 status is now: CIDRNotAvailable"]);
  });
});
