import { podPrinter, summarizePod } from "../../../actors/api-server/table/pod";
import { toTable } from "../../../actors/api-server/table/table";
import type { ContainerStatus, Pod } from "../../../protocol/kinds/generated";

const nowMs = Date.parse("2026-03-01T12:00:00Z");

const container = (name: string, over: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: "i",
  imageID: "",
  ready: false,
  restartCount: 0,
  ...over,
});
const running = { running: { startedAt: "2026-03-01T11:00:00Z" } };

function pod(status: Pod["status"], over: { init?: readonly string[]; sidecars?: readonly string[]; deleted?: boolean } = {}): Pod {
  const initContainers = [
    ...(over.init ?? []).map((name) => ({ name })),
    ...(over.sidecars ?? []).map((name) => ({ name, restartPolicy: "Always" as const })),
  ];
  return {
    metadata: { name: "web-1", ...(over.deleted ? { deletionTimestamp: "2026-03-01T11:59:00Z" } : {}) },
    spec: { containers: [{ name: "web" }], initContainers },
    status: status ?? {},
  };
}

// Source: what `kubectl get pods` prints, from the Kubernetes documentation on Pod lifecycle, init containers and debugging Pods.
test.each<[string, Pod]>([
  ["0/1 Pending", pod({ phase: "Pending" })],
  [
    "0/1 ContainerCreating",
    pod({ phase: "Pending", containerStatuses: [container("web", { state: { waiting: { reason: "ContainerCreating" } } })] }),
  ],
  ["1/1 Running", pod({ phase: "Running", containerStatuses: [container("web", { ready: true, state: running })] })],
  [
    "0/1 CrashLoopBackOff",
    pod({ phase: "Running", containerStatuses: [container("web", { state: { waiting: { reason: "CrashLoopBackOff" } } })] }),
  ],
  [
    "0/1 Completed",
    pod({ phase: "Succeeded", containerStatuses: [container("web", { state: { terminated: { exitCode: 0, reason: "Completed" } } })] }),
  ],
  [
    "0/1 OOMKilled",
    pod({ phase: "Failed", containerStatuses: [container("web", { state: { terminated: { exitCode: 137, reason: "OOMKilled" } } })] }),
  ],
  ["0/1 ExitCode:3", pod({ phase: "Failed", containerStatuses: [container("web", { state: { terminated: { exitCode: 3 } } })] })],
  [
    "0/1 Signal:9",
    pod({ phase: "Failed", containerStatuses: [container("web", { state: { terminated: { exitCode: 137, signal: 9 } } })] }),
  ],
  ["0/1 Evicted", pod({ phase: "Failed", reason: "Evicted" })],
  ["0/1 SchedulingGated", pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] })],
  [
    "0/1 Init:0/2",
    pod({ phase: "Pending", initContainerStatuses: [container("a", { state: running }), container("b")] }, { init: ["a", "b"] }),
  ],
  [
    "0/1 Init:1/2",
    pod(
      {
        phase: "Pending",
        initContainerStatuses: [container("a", { state: { terminated: { exitCode: 0 } } }), container("b", { state: running })],
      },
      { init: ["a", "b"] },
    ),
  ],
  [
    "0/1 Init:Error",
    pod(
      { phase: "Pending", initContainerStatuses: [container("a", { state: { terminated: { exitCode: 1, reason: "Error" } } })] },
      { init: ["a"] },
    ),
  ],
  [
    "0/1 Init:CrashLoopBackOff",
    pod(
      { phase: "Pending", initContainerStatuses: [container("a", { state: { waiting: { reason: "CrashLoopBackOff" } } })] },
      { init: ["a"] },
    ),
  ],
  [
    "0/1 PodInitializing",
    pod(
      {
        phase: "Pending",
        initContainerStatuses: [container("a", { state: { terminated: { exitCode: 0 } } })],
        containerStatuses: [container("web", { state: { waiting: { reason: "PodInitializing" } } })],
      },
      { init: ["a"] },
    ),
  ],
  [
    "2/2 Running",
    pod(
      {
        phase: "Running",
        initContainerStatuses: [container("mesh", { ready: true, started: true, state: running })],
        containerStatuses: [container("web", { ready: true, state: running })],
      },
      { sidecars: ["mesh"] },
    ),
  ],
  ["1/1 Terminating", pod({ phase: "Running", containerStatuses: [container("web", { ready: true, state: running })] }, { deleted: true })],
  ["0/1 Unknown", pod({ phase: "Running", reason: "NodeLost" }, { deleted: true })],
  [
    "0/1 Completed",
    pod(
      { phase: "Succeeded", containerStatuses: [container("web", { state: { terminated: { exitCode: 0, reason: "Completed" } } })] },
      { deleted: true },
    ),
  ],
])("a Pod reads %s", (expected, given) => {
  const { ready, total, status } = summarizePod(given);
  expect(`${ready}/${total} ${status}`).toBe(expected);
});

test("a Pod with one container done and one running is Running, or NotReady until it is ready", () => {
  const statuses = [
    container("done", { state: { terminated: { exitCode: 0, reason: "Completed" } } }),
    container("web", { ready: true, state: running }),
  ];
  expect(summarizePod(pod({ phase: "Running", containerStatuses: statuses })).status).toBe("NotReady");
  const ready = [{ type: "Ready", status: "True" }];
  expect(summarizePod(pod({ phase: "Running", containerStatuses: statuses, conditions: ready })).status).toBe("Running");
});

test("restarts tell how long ago the last one was", () => {
  const restarted = pod({
    phase: "Running",
    containerStatuses: [
      container("web", {
        restartCount: 3,
        ready: true,
        state: running,
        lastState: { terminated: { exitCode: 1, finishedAt: "2026-03-01T11:55:00Z" } },
      }),
    ],
  });
  const column = podPrinter.columns.find((c) => c.name === "Restarts");
  expect(column?.cell(restarted, nowMs)).toBe("3 (5m ago)");
  expect(column?.cell(pod({ phase: "Running" }), nowMs)).toBe("0");
});

test("rows of Pods that have ended are marked Completed, which clients can filter by", () => {
  const rows = (phase: string) => toTable({ group: "", kind: "Pod" }, [pod({ phase })], { nowMs }).rows[0];
  expect(rows("Succeeded")?.conditions).toMatchObject([{ type: "Completed", status: "True", reason: "Succeeded" }]);
  expect(rows("Failed")?.conditions).toMatchObject([{ type: "Completed", reason: "Failed" }]);
  expect(rows("Running")).not.toHaveProperty("conditions");
});
