import type { CriAnswer, CriContainer, CriEvent, CriListed } from "../../protocol/cri";
import { endContainer } from "./end-container";
import { noteNodeChange } from "./node-agent";
import { loseSandbox } from "./pod-worker";
import { beginPods } from "./pods";
import { adopt } from "./recovery";
import { beginProbes, detailOf } from "./start-container";
import { type Ctx, nowMsOf, type State, wallMsOf } from "./state";
import { syncPod } from "./sync-pod";

const retryMs = 1_000;
const listDeadlineMs = 5_000;

/** Listens to the runtime's events and asks what there is; again and again until it answers. */
export function connectRuntime(state: State, ctx: Ctx): void {
  const events = ctx.open<CriEvent>(state.runtime, { kind: "cri.getEvents" }, (s, input, later) => {
    if (s.events?.key !== events.key) return undefined;
    if (input.type === "item") onEvent(s, input.body, later);
    else lose(s, `${input.reason}: ${input.detail}`, later);
    return undefined;
  });
  state.events = events;
  ctx.ask<CriAnswer>(state.runtime, { kind: "cri.list" }, { deadlineMs: listDeadlineMs }, (s, answer, later) => {
    if (s.events?.key !== events.key) return undefined;
    if (answer.ok && answer.body.kind === "cri.listed") found(s, answer.body, later);
    else {
      later.close(events);
      lose(s, detailOf(answer), later);
    }
    return undefined;
  });
}

function lose(state: State, detail: string, ctx: Ctx): void {
  state.events = undefined;
  if (state.runtimeUp) ctx.log("warn", "the container runtime is lost", { detail });
  state.runtimeUp = false;
  ctx.setTimer("runtime", retryMs);
  noteNodeChange(state, ctx);
}

/** The runtime answered: what it has is compared with what should be. */
function found(state: State, listed: CriListed, ctx: Ctx): void {
  state.runtimeUp = true;
  state.images.clear();
  for (const { image, sizeBytes } of listed.images) state.images.set(image, sizeBytes);
  if (state.podCidr !== "") sendPodCidr(state, ctx);
  noteNodeChange(state, ctx);
  if (!state.begun) {
    beginPods(state, listed, ctx);
    return;
  }
  const containers = new Map(listed.containers.map((container) => [container.id, container]));
  for (const worker of [...state.workers.values()]) {
    const { sandbox } = worker;
    if (sandbox.is === "ready" && !listed.sandboxes.some(({ id, state: is }) => id === sandbox.id && is === "ready"))
      loseSandbox(worker, nowMsOf(ctx), wallMsOf(ctx));
    for (const container of worker.containers.values()) {
      const told = container.state.is === "running" ? containers.get(container.state.id) : undefined;
      if (told?.state === "exited") endContainer(state, worker, container, told, ctx);
    }
    syncPod(state, worker, ctx);
  }
}

function onEvent(state: State, { type, container: told }: CriEvent, ctx: Ctx): void {
  if (type !== "stopped") return;
  const worker = state.workers.get(told.podUid);
  const container = worker?.containers.get(told.name);
  if (!worker || !container) return;
  if (container.state.is === "running" && container.state.id === told.id) {
    endContainer(state, worker, container, told, ctx);
    syncPod(state, worker, ctx);
  } else if (container.state.is === "busy") rememberExit(state, told);
}

function rememberExit(state: State, told: CriContainer): void {
  state.earlyExits.set(told.id, told);
  // Only starts under way look here; what is older was never asked for.
  if (state.earlyExits.size > 100) state.earlyExits.delete(state.earlyExits.keys().next().value!);
}

/** Tells the runtime from which network it takes the pods' addresses. */
export function sendPodCidr(state: State, ctx: Ctx): void {
  const request = { kind: "cri.updateRuntimeConfig", podCidr: state.podCidr };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs: listDeadlineMs }, (s, answer, later) => {
    if (!answer.ok || answer.body.kind !== "cri.done") return undefined;
    noteNodeChange(s, later);
    // Pods that came before their network need not wait any longer.
    for (const worker of [...s.workers.values()])
      if (worker.sandbox.is === "none") {
        worker.sandbox = { ...worker.sandbox, retryAtMs: 0 };
        syncPod(s, worker, later);
      }
    return undefined;
  });
}

/** Takes a pod over from the runtime as it is. */
export function takeOver(state: State, uid: string, listed: CriListed, ctx: Ctx): void {
  const worker = state.workers.get(uid);
  if (!worker) return;
  for (const container of worker.containers.values()) beginProbes(container, nowMsOf(ctx));
  adopt(worker, listed, nowMsOf(ctx), wallMsOf(ctx));
  for (const container of worker.containers.values()) if (container.state.is !== "running") container.probes.clear();
}
