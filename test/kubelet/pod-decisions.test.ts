import { rejectionOf } from "../../actors/kubelet/admission";
import { backOffUntilMs, nextBackOff } from "../../actors/kubelet/back-off";
import { podPhase } from "../../actors/kubelet/pod-phase";
import { planPod } from "../../actors/kubelet/pod-plan";
import { podStatus } from "../../actors/kubelet/pod-status";
import { type ContainerState, newPodWorker, type PodWorker } from "../../actors/kubelet/pod-worker";
import { afterProbe, newProbe } from "../../actors/kubelet/probe";
import { qosClass } from "../../actors/kubelet/qos-class";
import { statusPatch } from "../../actors/kubelet/status-writer";
import type { PodSpec } from "../../protocol/kinds/generated";
import { nodeObject, pod } from "../scheduler/objects";

const limits = { backOffInitialMs: 10_000, backOffMaxMs: 300_000 };
const ready = { is: "ready", id: "s", ip: "10.244.0.2" } as const;

const running: ContainerState = {
  is: "running",
  id: "c",
  startedWallMs: 0,
  hooked: true,
  stopping: false,
  killAtMs: Number.POSITIVE_INFINITY,
};
const ended = (exitCode: number): ContainerState => ({
  is: "ended",
  id: "c",
  exitCode,
  reason: exitCode === 0 ? "Completed" : "Error",
  message: "",
  startedWallMs: 0,
  finishedWallMs: 1000,
  finishedMs: 1000,
});

/** A pod's worker with its sandbox up and its containers in the given states. */
function worker(spec: Partial<PodSpec>, states: Readonly<Record<string, ContainerState>> = {}): PodWorker {
  const containers = spec.containers ?? [{ name: "web", image: "web:1" }];
  const { metadata } = pod("p");
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, resourceVersion: "1", creationTimestamp: "" },
    spec: { ...spec, containers },
  };
  const made = newPodWorker(object as Parameters<typeof newPodWorker>[0], 0, 0);
  made.sandbox = ready;
  for (const [name, state] of Object.entries(states)) {
    const container = made.containers.get(name)!;
    container.state = state;
    if (container.kind === "main") made.begun = true;
  }
  return made;
}

const doing = (one: PodWorker, nowMs = 2000) =>
  planPod(one, nowMs, limits).actions.map((action) => ("container" in action ? `${action.type} ${action.container}` : action.type));

describe("what is done for a pod (Pod Lifecycle)", () => {
  test("first its sandbox, then its containers together", () => {
    const one = worker({ containers: [{ name: "a" }, { name: "b" }] });
    one.sandbox = { is: "none", retryAtMs: 0, message: "" };
    expect(doing(one)).toEqual(["startSandbox"]);
    one.sandbox = ready;
    expect(doing(one)).toEqual(["start a", "start b"]);
  });

  const inits = { initContainers: [{ name: "first" }, { name: "proxy", restartPolicy: "Always" }, { name: "second" }] };

  test("init containers run one after the other, each to its end; a sidecar has to be up only (Init Containers, Sidecar Containers)", () => {
    expect(doing(worker(inits))).toEqual(["start first"]);
    expect(doing(worker(inits, { first: running }))).toEqual([]);
    expect(doing(worker(inits, { first: ended(0) }))).toEqual(["start proxy"]);
    expect(doing(worker(inits, { first: ended(0), proxy: running }))).toEqual(["start second"]);
    expect(doing(worker(inits, { first: ended(0), proxy: running, second: ended(0) }))).toEqual(["start web"]);
  });

  test("a sidecar that ends is started again, also while the others run", () => {
    expect(doing(worker(inits, { first: ended(0), proxy: ended(0), second: ended(0), web: running }))).toEqual(["start proxy"]);
  });

  test.each([
    ["Always", 0, ["start web"]],
    ["OnFailure", 1, ["start web"]],
    ["OnFailure", 0, ["stopSandbox"]],
    ["Never", 1, ["stopSandbox"]],
  ])("restart policy %s after exit code %d: %j", (restartPolicy, exitCode, expected) => {
    expect(doing(worker({ restartPolicy }, { web: ended(exitCode) }))).toEqual(expected);
  });

  test("a container that keeps crashing is left alone until its back-off is over", () => {
    const one = worker({}, { web: ended(1) });
    one.containers.get("web")!.crashBackOff = { delayMs: 10_000, sinceMs: 0 };
    expect(planPod(one, 2000, limits)).toEqual({ actions: [], wakeAtMs: 11_000 });
    expect(doing(one, 11_000)).toEqual(["start web"]);
  });

  test("a pod that ends stops its main containers first, then its sidecars from the last to the first, then its sandbox, and only then is finished", () => {
    const spec = {
      initContainers: [
        { name: "s1", restartPolicy: "Always" },
        { name: "s2", restartPolicy: "Always" },
      ],
    };
    const one = worker(spec, { s1: running, s2: running, web: running });
    one.terminating = { sinceMs: 2000, graceMs: 30_000 };
    expect(doing(one)).toEqual(["stop web"]);
    one.containers.get("web")!.state = ended(0);
    expect(doing(one)).toEqual(["stop s2"]);
    one.containers.get("s2")!.state = ended(0);
    expect(doing(one)).toEqual(["stop s1"]);
    one.containers.get("s1")!.state = ended(0);
    expect(doing(one)).toEqual(["stopSandbox"]);
    one.sandbox = { ...ready, is: "stopped" };
    expect(doing(one)).toEqual(["finish"]);
  });

  test("a stop under way is not repeated unless its grace is shortened", () => {
    const one = worker({}, { web: { ...running, stopping: true, killAtMs: 32_000 } as ContainerState });
    one.terminating = { sinceMs: 2000, graceMs: 30_000 };
    expect(doing(one, 5000)).toEqual([]);
    one.terminating = { sinceMs: 5000, graceMs: 1000 };
    expect(doing(one, 5000)).toEqual(["stop web"]);
  });
});

describe("phase", () => {
  test.each<[string, Partial<PodSpec>, Readonly<Record<string, ContainerState>>, string]>([
    ["nothing runs yet", {}, {}, "Pending"],
    ["it runs", {}, { web: running }, "Running"],
    ["it is about to be restarted", {}, { web: ended(1) }, "Running"],
    ["all have succeeded for good", { restartPolicy: "Never" }, { web: ended(0) }, "Succeeded"],
    [
      "one has failed for good",
      { restartPolicy: "Never", containers: [{ name: "web" }, { name: "b" }] },
      { web: ended(1), b: ended(0) },
      "Failed",
    ],
    ["an init container is still at work", { initContainers: [{ name: "i" }] }, { i: running }, "Pending"],
    ["an init container has failed for good", { restartPolicy: "Never", initContainers: [{ name: "i" }] }, { i: ended(1) }, "Failed"],
  ])("%s: %4$s", (_title, spec, states, phase) => {
    expect(podPhase(worker(spec, states))).toBe(phase);
  });

  test("a final phase is never left", () => {
    const one = worker({}, { web: running });
    one.pod = { ...one.pod, status: { phase: "Failed" } };
    expect(podPhase(one)).toBe("Failed");
  });
});

describe("status", () => {
  const statusOf = (one: PodWorker, nowMs = 2000) => podStatus(one, { internalIp: "192.168.0.10" }, nowMs, nowMs, limits);

  test("a container in back-off waits as CrashLoopBackOff and shows how it ended", () => {
    const one = worker({}, { web: ended(1) });
    one.containers.get("web")!.crashBackOff = { delayMs: 80_000, sinceMs: 0 };
    const [status] = statusOf(one).containerStatuses!;
    expect(status?.state?.waiting).toEqual({
      reason: "CrashLoopBackOff",
      message: "back-off 1m20s restarting failed container=web pod=p_shop(uid-p)",
    });
    expect(status?.lastState?.terminated?.exitCode).toBe(1);
  });

  test("conditions keep their transition time while they stay, and others' conditions are left in", () => {
    const one = worker({}, { web: running });
    const others = { type: "DisruptionTarget", status: "True" };
    const old = { type: "Ready", status: "True", lastTransitionTime: "2020-01-01T00:00:00Z" };
    one.pod = { ...one.pod, status: { conditions: [others, old] } };
    const conditions = statusOf(one).conditions!;
    expect(conditions.find(({ type }) => type === "Ready")?.lastTransitionTime).toBe("2020-01-01T00:00:00Z");
    expect(conditions.find(({ type }) => type === "ContainersReady")?.lastTransitionTime).toBe("1970-01-01T00:00:02Z");
    expect(conditions).toContainEqual(others);
  });

  test("a readiness gate keeps a pod from being ready", () => {
    const one = worker({ readinessGates: [{ conditionType: "example.org/warm" }] }, { web: running });
    const conditions = statusOf(one).conditions!;
    expect(conditions.find(({ type }) => type === "ContainersReady")?.status).toBe("True");
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
  });

  test("a patch takes away what went away and refuses another pod of the name", () => {
    const before = {
      phase: "Pending",
      reason: "OutOfcpu",
      conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "m" }],
      podIPs: [{ ip: "10.244.0.2" }],
      hostIPs: [{ ip: "h" }],
    };
    const after = {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      podIPs: [{ ip: "10.244.0.3" }],
      hostIPs: [{ ip: "h" }],
    };
    expect(statusPatch(before, after, "uid-1")).toEqual({
      metadata: { uid: "uid-1" },
      status: {
        phase: "Running",
        reason: null,
        conditions: [{ type: "Ready", status: "True", reason: null, message: null }],
        podIPs: [{ ip: "10.244.0.3" }, { $patch: "delete", ip: "10.244.0.2" }],
        hostIPs: [{ ip: "h" }],
      },
    });
  });
});

test("back-off doubles from 10 s to 300 s, and is forgotten after ten good minutes", () => {
  let one = nextBackOff(undefined, 0, limits);
  const delays = [one.delayMs];
  for (let at = 1; at <= 6; at += 1) delays.push((one = nextBackOff(one, at, limits)).delayMs);
  expect(delays).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  expect(backOffUntilMs(one, 600_006, limits)).toBe(900_006);
  expect(backOffUntilMs(one, 600_007, limits)).toBe(600_007);
  expect(nextBackOff(one, 600_007, limits).delayMs).toBe(10_000);
});

describe("probes (Configure Liveness, Readiness and Startup Probes)", () => {
  const probe = { failureThreshold: 3, successThreshold: 2, periodSeconds: 5 };
  test("a result changes after so many equal outcomes in a row", () => {
    let one = newProbe("readiness", { ...probe, initialDelaySeconds: 7 }, 1000);
    expect([one.result, one.dueMs]).toEqual(["failure", 8000]);
    const results = [true, false, true, true, false, false, true, false, false, false].map(
      (ok) => (one = afterProbe(one, probe, ok, one.dueMs)).result,
    );
    expect(results.map((result) => result.charAt(0)).join("")).toBe("fffssssssf");
  });
  test("what has not been probed is alive, but neither up nor ready", () => {
    expect((["startup", "readiness", "liveness"] as const).map((kind) => newProbe(kind, probe, 0).result)).toEqual([
      "unknown",
      "failure",
      "success",
    ]);
  });
});

describe("admission on the node", () => {
  test("a pod that does not fit is failed with what is lacking, in the node's own figures", () => {
    expect(rejectionOf(pod("p", { cpu: "500m" }), nodeObject("a", { cpu: "1" }), [pod("q", { cpu: "900m" })])).toEqual({
      reason: "OutOfcpu",
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: 900, capacity: 1000",
    });
  });
  test("so is one whose selector does not mean this node", () => {
    expect(rejectionOf(pod("p", { nodeSelector: { disk: "ssd" } }), nodeObject("a"), [])?.reason).toBe("NodeAffinity");
    expect(rejectionOf(pod("p"), nodeObject("a"), [])).toBeUndefined();
  });
});

test.each([
  [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
  [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }, "Burstable"],
  [{ requests: { memory: "1Mi" } }, "Burstable"],
  [{}, "BestEffort"],
])("quality of service of %j is %s (Pod Quality of Service Classes)", (resources, expected) => {
  expect(qosClass({ spec: { containers: [{ name: "c", resources }] } })).toBe(expected);
});
