import type { CriContainer, CriListed } from "../../protocol/cri";
import type { ContainerStatus } from "../../protocol/kinds/generated";
import { timeMs } from "../../protocol/kinds/object";
import { endedOf } from "./end-container";
import { containerScheme } from "./pod-status";
import { type ContainerWorker, type Ended, lost, type PodWorker } from "./pod-worker";
import { recallResources } from "./resize";

/**
 * Brings a pod that this kubelet has just learnt of to what the runtime really runs of it, and, where that has nothing, to what the API last said:
 * a kubelet that starts again takes its pods over as they are; a node that lost everything starts them anew and counts it.
 */
export function adopt(worker: PodWorker, listed: CriListed, nowMs: number, wallMs: number): void {
  const sandbox = listed.sandboxes.find(({ uid, state }) => uid === worker.uid && state === "ready");
  // What is over keeps its stopped sandbox, with the logs in it, until its object goes.
  const over = worker.pod.status?.phase === "Succeeded" || worker.pod.status?.phase === "Failed";
  const old = over ? listed.sandboxes.find(({ uid }) => uid === worker.uid) : undefined;
  if (sandbox) worker.sandbox = { is: "ready", id: sandbox.id, ip: sandbox.ip };
  else if (old) worker.sandbox = { is: "stopped", id: old.id, ip: old.ip };
  const statuses = [
    ...(worker.pod.status?.containerStatuses ?? []),
    ...(worker.pod.status?.initContainerStatuses ?? []),
    ...(worker.pod.status?.ephemeralContainerStatuses ?? []),
  ];
  for (const container of worker.containers.values()) {
    const told = sandbox
      ? listed.containers
          .filter(({ sandboxId, name, state }) => sandboxId === sandbox.id && name === container.name && state !== "created")
          .sort((a, b) => b.attempt - a.attempt)
      : [];
    const status = statuses.find(({ name }) => name === container.name);
    if (told[0]) takeOver(container, told[0], told[1], status, nowMs);
    else if (status) remember(container, status, sandbox !== undefined, nowMs, wallMs);
    if (told[0]?.state === "running") container.actual = container.allocated ?? {};
    if (status) recallResources(container, status);
    if (container.kind === "main" && told[0]) worker.begun = true;
  }
}

function takeOver(
  container: ContainerWorker,
  told: CriContainer,
  before: CriContainer | undefined,
  status: ContainerStatus | undefined,
  nowMs: number,
): void {
  container.restartCount = told.attempt;
  container.imageRef = told.imageRef;
  if (before) container.last = endedOf(before, nowMs);
  if (told.state === "exited") {
    container.state = { is: "ended", ...endedOf(told, nowMs) };
    return;
  }
  container.state = {
    is: "running",
    id: told.id,
    startedWallMs: told.startedUs / 1000,
    hooked: true,
    stopping: false,
    killAtMs: Number.POSITIVE_INFINITY,
  };
  // What the old kubelet found out by probes still holds for the same instance: a restart of the kubelet makes no pod unready.
  const same = status?.containerID === `${containerScheme}${told.id}`;
  for (const [kind, progress] of container.probes) {
    const known = same && ((kind === "readiness" && status.ready) || (kind === "startup" && status.started));
    if (known) container.probes.set(kind, { ...progress, result: "success" });
  }
}

function remember(container: ContainerWorker, status: ContainerStatus, hasSandbox: boolean, nowMs: number, wallMs: number): void {
  container.restartCount = status.restartCount;
  container.imageRef = status.imageID;
  const terminated = status.state?.terminated ?? status.lastState?.terminated;
  if (status.state?.running) {
    const startedWallMs = timeMs(status.state.running.startedAt) ?? wallMs;
    container.state = { is: "ended", ...lost(idOf(status.containerID), startedWallMs, nowMs, wallMs) };
  } else if (terminated) {
    const ended: Ended = {
      id: idOf(terminated.containerID),
      exitCode: terminated.exitCode,
      reason: terminated.reason ?? "",
      message: terminated.message ?? "",
      startedWallMs: timeMs(terminated.startedAt) ?? wallMs,
      finishedWallMs: timeMs(terminated.finishedAt) ?? wallMs,
      finishedMs: nowMs,
    };
    // In a new sandbox init containers run again, whatever became of them in the old one.
    if (container.kind === "init" && !hasSandbox) container.last = ended;
    else container.state = { is: "ended", ...ended };
  }
}

const idOf = (containerId: string | undefined) => containerId?.slice(containerId.indexOf("://") + 3) ?? "";
