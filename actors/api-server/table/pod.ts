import type { ContainerStateTerminated, ContainerStatus, Pod } from "../../../protocol/kinds/generated";
import { humanAge } from "./age";
import { age, name, type Printer, type RowCondition, text, wide } from "./column";
import { none } from "./phrases";

/** What the STATUS, READY and RESTARTS columns say of a Pod. */
export interface PodSummary {
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When the container that restarted last had ended (RFC 3339); "" where unknown. */
  readonly lastRestart: string;
}

export const podPrinter: Printer<Pod> = {
  columns: [
    name(),
    text("Ready", "Containers that are ready, of all containers that keep running.", (pod) => {
      const { ready, total } = summarizePod(pod);
      return `${ready}/${total}`;
    }),
    text("Status", "What the Pod, or the container that keeps it from running, is doing.", (pod) => summarizePod(pod).status),
    text("Restarts", "How often containers were started again, and how long ago the last time was.", (pod, nowMs) => {
      const { restarts, lastRestart } = summarizePod(pod);
      return restarts !== 0 && lastRestart !== "" ? `${restarts} (${humanAge(lastRestart, nowMs)} ago)` : String(restarts);
    }),
    age(),
    wide(text("IP", "The Pod's own address.", (pod) => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || none)),
    wide(text("Node", "The node the Pod is bound to.", (pod) => pod.spec?.nodeName || none)),
    wide(text("Nominated Node", "The node where room is being made for the Pod.", (pod) => pod.status?.nominatedNodeName || none)),
    wide(text("Readiness Gates", "Extra conditions that are true, of those the Pod waits for.", readinessGates)),
  ],
  conditions: (pod) => completed.get(pod.status?.phase ?? "") ?? [],
};

const completed: ReadonlyMap<string, readonly RowCondition[]> = new Map([
  ["Succeeded", [{ type: "Completed", status: "True", reason: "Succeeded", message: "The Pod has run to its end." }]],
  ["Failed", [{ type: "Completed", status: "True", reason: "Failed", message: "The Pod has failed." }]],
]);

/**
 * Sums a Pod up as `kubectl get pods` does: init containers speak first, in order, then the containers, of which the first with
 * something to say wins; deletion overrides both as long as the Pod has not ended.
 */
export function summarizePod(pod: Pod): PodSummary {
  const init = summarizeInit(pod);
  const conditions = pod.status?.conditions ?? [];
  const isTrue = (type: string) => conditions.some((c) => c.type === type && c.status === "True");

  let status: string = pod.status?.reason || pod.status?.phase || "Unknown";
  if (conditions.some((c) => c.type === "PodScheduled" && c.reason === "SchedulingGated")) status = "SchedulingGated";
  let { ready, restarts, lastRestart } = init;

  if (init.waitsFor !== "") status = init.waitsFor;
  if (init.waitsFor === "" || isTrue("Initialized")) {
    restarts = init.sidecarRestarts;
    lastRestart = init.lastSidecarRestart;
    let running = false;
    for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
      restarts += container.restartCount;
      lastRestart = later(lastRestart, container);
      const { waiting, terminated } = container.state ?? {};
      if (waiting?.reason) status = waiting.reason;
      else if (terminated) status = terminated.reason || exitText(terminated);
      else if (container.ready && container.state?.running) {
        running = true;
        ready++;
      }
    }
    if (status === "Completed" && running) status = isTrue("Ready") ? "Running" : "NotReady";
  }

  const phase = pod.status?.phase;
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (pod.status?.reason === "NodeLost") status = "Unknown";
    else if (phase !== "Succeeded" && phase !== "Failed") status = "Terminating";
  }
  return { status, ready, total: (pod.spec?.containers.length ?? 0) + init.sidecars, restarts, lastRestart };
}

interface InitSummary {
  /** "Init:0/2", "Init:Error", …; "" once every init container has done its part. */
  readonly waitsFor: string;
  readonly ready: number;
  /** Init containers that keep running beside the others (restartPolicy Always). */
  readonly sidecars: number;
  readonly restarts: number;
  readonly lastRestart: string;
  readonly sidecarRestarts: number;
  readonly lastSidecarRestart: string;
}

function summarizeInit(pod: Pod): InitSummary {
  const specs = pod.spec?.initContainers ?? [];
  const sidecarNames = new Set(specs.filter((c) => c.restartPolicy === "Always").map((c) => c.name));
  let waitsFor = "";
  let ready = 0;
  let restarts = 0;
  let lastRestart = "";
  let sidecarRestarts = 0;
  let lastSidecarRestart = "";
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecarNames.has(container.name);
    restarts += container.restartCount;
    lastRestart = later(lastRestart, container);
    if (sidecar) {
      sidecarRestarts += container.restartCount;
      lastSidecarRestart = later(lastSidecarRestart, container);
    }
    const { waiting, terminated } = container.state ?? {};
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated) waitsFor = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") waitsFor = `Init:${waiting.reason}`;
    else waitsFor = `Init:${index}/${specs.length}`;
    break;
  }
  return { waitsFor, ready, sidecars: sidecarNames.size, restarts, lastRestart, sidecarRestarts, lastSidecarRestart };
}

function exitText(terminated: ContainerStateTerminated): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** The later of a time and the end of the container's former run; RFC 3339 in UTC sorts as text. */
function later(than: string, container: ContainerStatus): string {
  const ended = container.lastState?.terminated?.finishedAt ?? "";
  return ended > than ? ended : than;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const met = gates.filter((gate) => pod.status?.conditions?.find((c) => c.type === gate.conditionType)?.status === "True");
  return `${met.length}/${gates.length}`;
}
