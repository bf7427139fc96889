import { imageLocality } from "../../actors/scheduler/plugins/image-locality";
import { interPodAffinity } from "../../actors/scheduler/plugins/inter-pod-affinity";
import { nodeAffinity } from "../../actors/scheduler/plugins/node-affinity";
import { portsConflict } from "../../actors/scheduler/plugins/node-ports";
import { nodeResourcesBalancedAllocation } from "../../actors/scheduler/plugins/node-resources-balanced-allocation";
import { nodeResourcesFit } from "../../actors/scheduler/plugins/node-resources-fit";
import { podTopologySpread } from "../../actors/scheduler/plugins/pod-topology-spread";
import { schedulingGates } from "../../actors/scheduler/plugins/scheduling-gates";
import { taintToleration } from "../../actors/scheduler/plugins/taint-toleration";
import { podRequests } from "../../actors/scheduler/resource-amounts";
import { tolerates } from "../../actors/scheduler/tolerations";
import { info, node, outcome, pod, snapshot } from "./objects";

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

describe("reasons are Kubernetes' own words (kube-scheduler, plugins' ErrReason texts)", () => {
  test("each reason is counted, and the counts are sorted as texts", () => {
    const nodes = [
      ...["a", "b", "c"].map((name) => node(name, { cpu: "1" })),
      ...["d", "e"].map((name) => node(name, { spec: { taints: [{ key: "dedicated", value: "gpu", effect: "NoSchedule" }] } })),
      node("f", { spec: { unschedulable: true } }),
    ];
    expect(outcome(info("big", { cpu: "2" }), nodes)).toBe(
      "0/6 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint {dedicated: gpu}, 3 Insufficient cpu.",
    );
  });

  test("a cluster without nodes is said to have none", () => {
    expect(outcome(info("any"), [])).toBe("no nodes available to schedule pods");
  });

  test.each([
    ["a node of another name", info("p", { nodeName: "b" }), node("a"), "node(s) didn't match the requested node name"],
    ["a node selector", info("p", { nodeSelector: { disk: "ssd" } }), node("a"), "node(s) didn't match Pod's node affinity/selector"],
    ["no room for one more", info("p"), node("a", { pods: 1, running: [pod("q")] }), "Too many pods"],
    [
      "a taken host port",
      info("p", { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] }),
      node("a", { running: [pod("q", { containers: [{ name: "c", ports: [{ containerPort: 8080, hostPort: 80 }] }] })] }),
      "node(s) didn't have free ports for the requested pod ports",
    ],
    [
      "a constraint on a label that the node lacks",
      info("p", { topologySpreadConstraints: [{ topologyKey: zone, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", labelSelector: {} }] }),
      node("a"),
      "node(s) didn't match pod topology spread constraints (missing required label)",
    ],
  ])("%s", (_title, incoming, on, reason) => {
    expect(outcome(incoming, [on])).toBe(`0/1 nodes are available: 1 ${reason}.`);
  });

  test("two lacking resources are two reasons of one node", () => {
    expect(outcome(info("big", { cpu: "2", memory: "4Gi" }), [node("a", { cpu: "1", memory: "1Gi" })])).toBe(
      "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
    );
  });
});

test("gates keep a pod out of the queue (Pod Scheduling Readiness)", () => {
  const gated = info("p", { schedulingGates: [{ name: "quota" }, { name: "licence" }] });
  expect(schedulingGates.preEnqueue?.(gated)).toBe("waiting for scheduling gates: [quota licence]");
  expect(schedulingGates.preEnqueue?.(info("q"))).toBeUndefined();
});

describe("taints and tolerations", () => {
  test.each([
    [{ operator: "Exists" }, true],
    [{ key: "k", operator: "Exists" }, true],
    [{ key: "k", operator: "Exists", effect: "NoExecute" }, false],
    [{ key: "k", operator: "Equal", value: "v" }, true],
    [{ key: "k", value: "v" }, true],
    [{ key: "k", value: "w" }, false],
    [{ key: "l", operator: "Exists" }, false],
  ])("%j tolerates k=v:NoSchedule: %s", (toleration, expected) => {
    expect(tolerates(toleration, { key: "k", value: "v", effect: "NoSchedule" })).toBe(expected);
  });

  test("a cordoned node takes pods that tolerate its taint", () => {
    const tolerant = info("p", { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] });
    expect(outcome(tolerant, [node("a", { spec: { unschedulable: true } })])).toBe("a");
  });

  test("nodes with fewer PreferNoSchedule taints score higher", () => {
    const shy = { key: "k", effect: "PreferNoSchedule" };
    const nodes = [node("a", { spec: { taints: [shy] } }), node("b")];
    expect(taintToleration.score?.(info("p"), snapshot(nodes), nodes)).toEqual([0, 100]);
  });
});

describe("resources", () => {
  test("a pod asks for its containers and sidecars together, or for its largest init container beside the sidecars before it", () => {
    const container = (name: string, cpu: string, restartPolicy?: string) => ({
      name,
      resources: { requests: { cpu } },
      ...(restartPolicy ? { restartPolicy } : {}),
    });
    const spec = {
      initContainers: [container("proxy", "100m", "Always"), container("migrate", "900m")],
      containers: [container("web", "300m"), container("log", "200m")],
    };
    expect(podRequests({ spec }).milliCpu).toBe(1000);
    expect(podRequests({ spec: { ...spec, initContainers: spec.initContainers.slice(0, 1) } }).milliCpu).toBe(600);
  });

  test("a limit stands in for a request that is not given", () => {
    expect(podRequests({ spec: { containers: [{ name: "c", resources: { limits: { cpu: "2" } } }] } }).milliCpu).toBe(2000);
    // While a pod is being resized it counts for the most that it may take, unless its node is too small for more.
    const resizing = (reason: string, allocated: string) => ({
      spec: { containers: [{ name: "c", resources: { requests: { cpu: "2", memory: "1Gi" } } }] },
      status: {
        conditions: [{ type: "PodResizePending", status: "True", reason }],
        containerStatuses: [{ name: "c", allocatedResources: { cpu: allocated, memory: "1Gi" } }],
      },
    });
    const cpuOf = (reason: string, allocated: string) => podRequests(resizing(reason, allocated) as never).milliCpu;
    expect([cpuOf("Deferred", "1"), cpuOf("Deferred", "3"), cpuOf("Infeasible", "1")]).toEqual([2000, 3000, 1000]);
  });

  test("a pod that would not fit on the empty node cannot be helped by preemption", () => {
    const filter = nodeResourcesFit.filter?.(info("p", { cpu: "8" }), snapshot([]));
    expect(filter?.(node("a"))).toEqual({ reasons: ["Insufficient cpu"], resolvable: false });
    const tight = nodeResourcesFit.filter?.(info("p", { cpu: "3" }), snapshot([]));
    expect(tight?.(node("a", { running: [pod("q", { cpu: "2" })] }))).toEqual({ reasons: ["Insufficient cpu"], resolvable: true });
  });

  test("LeastAllocated is the mean of what is left of CPU and memory, in whole per cent", () => {
    const nodes = [node("a", { running: [pod("q", { cpu: "1", memory: "2Gi" })] }), node("b")];
    // a: (4-2)/4 = 50 and (8-4)/8 = 50; b: (4-1)/4 = 75 and (8-2)/8 = 75.
    expect(nodeResourcesFit.score?.(info("p", { cpu: "1", memory: "2Gi" }), snapshot(nodes), nodes)).toEqual([50, 75]);
  });

  test("balanced allocation takes off half of the distance between the two shares", () => {
    const nodes = [node("a")];
    // CPU 2/4 = 0.5, memory 2/8 = 0.25: 1 - 0.125.
    expect(nodeResourcesBalancedAllocation.score?.(info("p", { cpu: "2", memory: "2Gi" }), snapshot(nodes), nodes)).toEqual([87]);
    expect(nodeResourcesBalancedAllocation.score?.(info("p"), snapshot(nodes), nodes)).toBeUndefined();
  });

  test("host ports conflict on the same address or where one takes every address", () => {
    const on = (hostIP: string, port = 80) => ({ hostIP, port, protocol: "TCP" });
    expect(portsConflict(on("0.0.0.0"), on("10.0.0.1"))).toBe(true);
    expect(portsConflict(on("10.0.0.1"), on("10.0.0.2"))).toBe(false);
    expect(portsConflict(on("10.0.0.1"), on("10.0.0.1", 81))).toBe(false);
  });
});

describe("node affinity", () => {
  test("preferred terms add their weights, and the highest sum becomes 100", () => {
    const prefers = (weight: number, value: string) => ({
      weight,
      preference: { matchExpressions: [{ key: "disk", operator: "In", values: [value] }] },
    });
    const incoming = info("p", {
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefers(80, "ssd"), prefers(20, "hdd")] } },
    });
    const nodes = [node("a", { labels: { disk: "ssd" } }), node("b", { labels: { disk: "hdd" } }), node("c")];
    expect(nodeAffinity.score?.(incoming, snapshot(nodes), nodes)).toEqual([100, 25, 0]);
  });

  test.each([
    ["In", ["ssd", "nvme"], true],
    ["NotIn", ["ssd"], false],
    ["Exists", [], true],
    ["DoesNotExist", [], false],
  ])("disk %s %j on a node with disk=ssd: %s", (operator, values, fits) => {
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator, values }] }] };
    const incoming = info("p", { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } });
    expect(outcome(incoming, [node("a", { labels: { disk: "ssd" } })]) === "a").toBe(fits);
  });
});

describe("topology spread", () => {
  const web = { app: "web" };
  const constraint = (rest: object = {}) => ({
    topologyKey: zone,
    maxSkew: 1,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: web },
    ...rest,
  });

  test("a domain may be ahead of the emptiest by maxSkew at most", () => {
    const nodes = [node("a", { zone: "a", running: [pod("w", {}, web)] }), node("b", { zone: "b" })];
    expect(outcome(info("p", { topologySpreadConstraints: [constraint()] }, web), nodes)).toBe("b");
  });

  test("with fewer domains than minDomains the emptiest counts as empty", () => {
    const nodes = [node("a", { zone: "a", running: [pod("w", {}, web)] })];
    expect(outcome(info("p", { topologySpreadConstraints: [constraint({ minDomains: 2 })] }, web), nodes)).toBe(
      "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.",
    );
    expect(outcome(info("p", { topologySpreadConstraints: [constraint()] }, web), nodes)).toBe("a");
  });

  test("pods on their way out do not count", () => {
    const leaving = { ...pod("w", {}, web), metadata: { ...pod("w", {}, web).metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const nodes = [node("a", { zone: "a", running: [leaving, leaving] }), node("b", { zone: "b", cpu: "0" })];
    expect(outcome(info("p", { cpu: "1", topologySpreadConstraints: [constraint()] }, web), nodes)).toBe("a");
  });

  test("pods that say nothing are spread from their siblings by host and zone", () => {
    const nodes = [node("a", { zone: "a", running: [pod("w", {}, web)] }), node("b", { zone: "b" })];
    const siblings = () => (labels: Readonly<Record<string, string>>) => labels.app === "web";
    const scores = podTopologySpread.score?.(info("p", {}, web), snapshot(nodes, { siblings }), nodes);
    expect(scores![1]).toBeGreaterThan(scores![0]!);
    expect(podTopologySpread.score?.(info("p", {}, web), snapshot(nodes), nodes)).toBeUndefined();
  });
});

describe("inter-pod affinity", () => {
  const web = { app: "web" };
  const term = { topologyKey: hostname, labelSelector: { matchLabels: web } };
  const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, topologyKey: zone }] } } };

  test("a pod keeps away from pods it does not want near", () => {
    const nodes = [node("a", { running: [pod("w", {}, web)] }), node("b")];
    expect(outcome(info("p", apart, web), nodes)).toBe("b");
    expect(outcome(info("p", apart, web), nodes.slice(0, 1))).toBe(
      "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    );
  });

  test("a running pod's anti-affinity holds against newcomers", () => {
    const nodes = [node("a", { running: [pod("w", apart, web)] })];
    expect(outcome(info("p", {}, web), nodes)).toBe("0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.");
  });

  test("a pod goes where its companions are; the first of its kind may start anywhere", () => {
    const nodes = [node("a", { zone: "a" }), node("b", { zone: "b", running: [pod("w", {}, web)] })];
    expect(outcome(info("p", near), nodes)).toBe("b");
    expect(outcome(info("p", near), nodes.slice(0, 1))).toBe("0/1 nodes are available: 1 node(s) didn't match pod affinity rules.");
    expect(outcome(info("p", near, web), nodes.slice(0, 1))).toBe("a");
  });

  test("terms mean the pod's own namespace unless they name others", () => {
    const other = { ...pod("w", {}, web), metadata: { ...pod("w", {}, web).metadata, namespace: "elsewhere" } };
    const nodes = [node("a", { running: [other] })];
    expect(outcome(info("p", apart, web), nodes)).toBe("a");
    const all = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, namespaceSelector: {} }] } } };
    expect(outcome(info("p", all, web), nodes)).toMatch("anti-affinity rules");
  });

  test("preferences are scaled from the lowest sum to the highest", () => {
    const prefers = {
      affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, podAffinityTerm: term }] } },
    };
    const nodes = [node("a", { running: [pod("w", {}, web)] }), node("b")];
    expect(interPodAffinity.score?.(info("p", prefers), snapshot(nodes), nodes)).toEqual([100, 0]);
  });
});

test("a node that has the image scores, less so while it is the only one (ImageLocality)", () => {
  const has = { images: [{ names: ["p:1"], sizeBytes: 500 * 1024 * 1024 }] };
  const alone = [node("a", has), node("b")];
  const all = [node("a", has), node("b", has)];
  expect(imageLocality.score?.(info("p"), snapshot(alone), alone)).toEqual([23, 0]);
  expect(imageLocality.score?.(info("p"), snapshot(all), all)).toEqual([48, 48]);
});

describe("volumes (Persistent Volumes)", () => {
  const wants = info("p", { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "db" } }] });
  const claim = (phase: string) => ({ claim: () => ({ metadata: { name: "db" }, status: { phase } }) });

  test("a pod waits for its claims, and no node is looked at before", () => {
    expect(outcome(wants, [node("a")])).toBe('0/1 nodes are available: persistentvolumeclaim "db" not found.');
    expect(outcome(wants, [node("a")], claim("Pending"))).toBe(
      "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    );
    expect(outcome(wants, [node("a")], claim("Bound"))).toBe("a");
  });
});
