import type { KubeletExecRequest, KubeletPortForwardRequest, KubeletTunnelResponse } from "../../protocol/cluster";
import type { CriAnswer, CriAttach, CriExec, CriPortForward } from "../../protocol/cri";
import { keyOf } from "../../protocol/kinds/object";
import type { TunnelMessage } from "../../protocol/tunnel";
import type { StreamRef } from "../../runtime/actor";
import { followsAny, followVolumes, isDue } from "./follow-volumes";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import type { Ctx, State } from "./state";

type Asked = KubeletExecRequest | KubeletPortForwardRequest;

/** Opens what was asked for at the container runtime and joins the two streams; the end of either ends the other. */
export function openTunnel(state: State, asked: Asked, stream: StreamRef, ctx: Ctx): void {
  const entered = enteredBy(state, asked);
  if (!entered) return joinTunnel(state, asked, stream, ctx);
  const [worker, container] = entered;
  state.entered.set(stream.key, [worker.uid, container.name]);
  // Whoever looks around in a container finds its volumes as they are now.
  followVolumes(state, worker, container, ctx, (s, later) => {
    if (s.entered.has(stream.key)) joinTunnel(s, asked, stream, later);
    return undefined;
  });
}

/** The container that is entered, where it shows something that changes. */
function enteredBy(state: State, asked: Asked): readonly [PodWorker, ContainerWorker] | undefined {
  if (asked.kind === "kubelet.portForward") return undefined;
  const worker = workerOf(state, asked);
  const container = worker?.containers.get(asked.container);
  return worker && container?.state.is === "running" && followsAny(worker, container) ? [worker, container] : undefined;
}

function joinTunnel(state: State, asked: Asked, stream: StreamRef, ctx: Ctx): void {
  const request = runtimeRequest(state, asked);
  if ("code" in request) return refuse(ctx, stream, request.code, request.message);
  let answered = false;
  const runtime = ctx.open<CriAnswer | TunnelMessage>(state.runtime, request, (s, input, later) => {
    if (!s.followed.has(stream.key)) return undefined;
    if (input.type === "closed") {
      s.followed.delete(stream.key);
      s.entered.delete(stream.key);
      if (answered) later.close(stream);
      else refuse(later, stream, 500, input.detail || `the container runtime: ${input.reason}`);
    } else if (input.body.kind === "cri.done") {
      answered = true;
      later.push(stream, response(200, ""));
    } else later.push(stream, input.body);
    return undefined;
  });
  state.followed.set(stream.key, runtime);
}

/** What comes from the user's side goes on to the runtime. */
export function passIn(state: State, stream: StreamRef, body: TunnelMessage, ctx: Ctx): void {
  const runtime = state.followed.get(stream.key);
  const [uid = "", name = ""] = state.entered.get(stream.key) ?? [];
  const worker = state.workers.get(uid);
  const container = worker?.containers.get(name);
  if (worker && container && isDue(worker, container, ctx)) followVolumes(state, worker, container, ctx, () => undefined);
  if (runtime) ctx.push(runtime, body);
}

function runtimeRequest(
  state: State,
  asked: Asked,
): CriExec | CriAttach | CriPortForward | { readonly code: number; readonly message: string } {
  const worker = workerOf(state, asked);
  if (!worker) return { code: 404, message: `pod does not exist` };
  if (asked.kind === "kubelet.portForward") {
    const { sandbox } = worker;
    return sandbox.is === "ready"
      ? { kind: "cri.portForward", sandboxId: sandbox.id }
      : { code: 500, message: "the pod's network is not up" };
  }
  const container = worker.containers.get(asked.container);
  if (container?.state.is !== "running") return { code: 500, message: `container not found ("${asked.container}")` };
  const { command, stdin, tty } = asked;
  const containerId = container.state.id;
  return asked.kind === "kubelet.exec"
    ? { kind: "cri.exec", containerId, command, stdin, tty }
    : { kind: "cri.attach", containerId, stdin, tty };
}

/** Of two pods of one name the newer is meant. */
function workerOf(state: State, { namespace, pod }: Asked): PodWorker | undefined {
  return [...state.workers.values()].filter((one) => keyOf(one.pod) === `${namespace}/${pod}`).at(-1);
}

function refuse(ctx: Ctx, stream: StreamRef, code: number, message: string): void {
  ctx.push(stream, response(code, message));
  ctx.close(stream);
}

function response(code: number, message: string): KubeletTunnelResponse {
  return { kind: "kubelet.tunnel.response", code, message };
}
