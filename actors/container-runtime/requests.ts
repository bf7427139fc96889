import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { Context, RequestRef } from "../../runtime/actor";
import { isLocalPod } from "../network/routes";
import { admissionAnswer } from "./admission-behaviour";
import { askDependency, dependencyOf } from "./dependencies";
import { drawMs } from "./image-behaviour";
import { exit, refused, write } from "./lifecycle";
import { answer, type Container, type PendingRequest, type Running, type State } from "./state";

type Ctx = Context<State>;

/** Service Unavailable: what it needs did not answer. */
const dependencyFailedCode = 503;
/** "CONNECT" only opens a connection, as a TCP probe does. */
const connectOnly = "CONNECT";

/**
 * A request has reached this node for one of its pods. It is answered after the latency of the container that listens there; refused where nobody does.
 * `counts` is false for probes: they neither go into the log nor wear a container out.
 */
export function accept(state: State, asked: NetRequest, request: RequestRef, counts: boolean, ctx: Ctx): void {
  const sandboxes = [...state.sandboxes.values()].filter(({ ip, state: is }) => ip === asked.destinationIp && is === "ready");
  if (sandboxes.length === 0) {
    // An address of the pods' network that nobody has is not there; the node's own always is.
    const inPodNetwork = state.podCidr !== undefined && isLocalPod([state.podCidr], asked.destinationIp);
    const detail = `no pod has ${asked.destinationIp} here`;
    answer(ctx, request, inPodNetwork ? { ...refused(detail), outcome: "unreachable" } : refused(detail));
    return;
  }
  const nowUs = ctx.monotonicUs();
  for (const sandbox of sandboxes)
    for (const id of sandbox.containers) {
      const container = state.containers.get(id)!;
      const { life } = container;
      if (life.is !== "running" || !container.ports.includes(asked.port) || !listens(life, nowUs)) continue;
      if (asked.method === connectOnly) answer(ctx, request, answered(container, 0, ""));
      else work(state, container, life, asked, request, counts, ctx);
      return;
    }
  answer(ctx, request, refused(`connect: connection refused: nobody listens on ${asked.destinationIp}:${asked.port}`));
}

/** Whether the process accepts connections: it is up, and has not been told to end. */
export function listens(running: Running, nowUs: number): boolean {
  return running.readyAtUs <= nowUs && (running.stopping === undefined || nowUs < running.stopping.acceptsUntilUs);
}

function work(state: State, container: Container, life: Running, asked: NetRequest, request: RequestRef, counts: boolean, ctx: Ctx): void {
  const { behaviour } = container;
  if (counts) {
    container.served += 1;
    if (container.served === behaviour.crashOnRequest) {
      exit(state, container, { atUs: ctx.monotonicUs(), exitCode: behaviour.crashCode, reason: "Error" }, ctx);
      answer(ctx, request, refused(`the connection to ${container.pod} was reset: the container exited`));
      return;
    }
  }
  const healthy = ctx.monotonicUs() < life.unhealthyAtUs;
  const code = healthy ? behaviour.code : 500;
  if (counts && behaviour.logsRequests) write(container, `${asked.method} ${asked.path} ${code}`, ctx);
  const timer = `request:${state.nextRequest++}`;
  const dependencies = healthy ? behaviour.dependencies.map(dependencyOf).filter(({ inProbes }) => counts || inProbes === true) : [];
  const review = behaviour.admission && code === 200 ? admissionAnswer(behaviour.admission, asked.body) : undefined;
  const body = healthy ? (review ?? behaviour.body) : "unhealthy";
  state.requests.set(timer, { request, asked, containerId: container.id, code, body, dependencies, open: 0, failure: "" });
  ctx.setTimer(timer, drawMs(behaviour.latencyMs, ctx.random("latency")));
}

/** The latency of a request has passed: it is answered, or those are asked whom the answer depends on. */
export function finishRequest(state: State, timer: string, ctx: Ctx): void {
  const pending = state.requests.get(timer);
  const container = pending && state.containers.get(pending.containerId);
  if (!container) return void state.requests.delete(timer);
  pending.open = pending.dependencies.length;
  if (pending.open === 0) return respond(state, timer, pending, container, ctx);
  for (const dependency of pending.dependencies)
    askDependency(state, container, dependency, pending.asked, ctx, (later, failure, next) => {
      // The container may have exited meanwhile: then it has been answered.
      if (later.requests.get(timer) !== pending) return undefined;
      if (failure !== "" && dependency.required !== false && pending.failure === "") pending.failure = failure;
      pending.open--;
      if (pending.open === 0) respond(later, timer, pending, container, next);
      return undefined;
    });
}

function respond(state: State, timer: string, { request, code, body, failure }: PendingRequest, container: Container, ctx: Ctx): void {
  state.requests.delete(timer);
  if (failure === "") answer(ctx, request, answered(container, code, body));
  else answer(ctx, request, { ...answered(container, dependencyFailedCode, failure), detail: `depends on ${failure}` });
}

function answered(container: Container, code: number, body: string): NetResponse {
  return { kind: "net.response", outcome: "answered", code, body: new TextEncoder().encode(body), servedBy: container.pod, detail: "" };
}
