import type { ApiChunk } from "../../protocol/api";
import type { KubeletLogRequest, KubeletLogResponse } from "../../protocol/cluster";
import type { CriAnswer, CriLog, CriReadLog } from "../../protocol/cri";
import { keyOf } from "../../protocol/kinds/object";
import type { RequestRef, StreamRef } from "../../runtime/actor";
import { type PodWorker, shouldRestart } from "./pod-worker";
import { detailOf } from "./start-container";
import type { Ctx, State } from "./state";

const deadlineMs = 10_000;
const empty = new Uint8Array(0);

/** Which container's log is meant, or why there is none. */
export function logOf(
  workers: Iterable<PodWorker>,
  { namespace, pod, container, previous }: KubeletLogRequest,
): { readonly id: string } | { readonly code: number; readonly message: string } {
  // Of two pods of one name the newer is meant.
  const worker = [...workers].filter((one) => keyOf(one.pod) === `${namespace}/${pod}`).at(-1);
  if (!worker) return { code: 404, message: `pod ${JSON.stringify(pod)} is not on this node` };
  const one = worker.containers.get(container);
  if (!one) return { code: 400, message: `container ${container} is not valid for pod ${pod}` };
  const { state, last } = one;
  const current = state.is === "running" || state.is === "ended" ? state.id : undefined;
  if (previous) {
    // What waits to be restarted is over already: it is the previous one.
    const before = state.is === "ended" && shouldRestart(worker.pod, one, state.exitCode) ? state.id : last?.id;
    return before ? { id: before } : { code: 400, message: `previous terminated container "${container}" in pod "${pod}" not found` };
  }
  if (current) return { id: current };
  if (last) return { id: last.id };
  const reason = state.is === "waiting" && state.reason ? state.reason : "ContainerCreating";
  const why = reason === "ErrImagePull" || reason === "ImagePullBackOff" ? "trying and failing to pull image" : reason;
  return { code: 400, message: `container "${container}" in pod "${pod}" is waiting to start: ${why}` };
}

const response = (code: number, message: string, bytes: Uint8Array): KubeletLogResponse => ({
  kind: "kubelet.log.response",
  code,
  message,
  bytes,
});

function readRequest(id: string, request: KubeletLogRequest): CriReadLog {
  const { follow, timestamps, tailLines, limitBytes, sinceUs } = request;
  return { kind: "cri.readLog", containerId: id, follow, timestamps, tailLines, limitBytes, sinceUs };
}

/** Answers with a log as it is. */
export function answerLog(state: State, asked: KubeletLogRequest, request: RequestRef, ctx: Ctx): void {
  const found = logOf(state.workers.values(), asked);
  if (!("id" in found)) {
    ctx.reply(request, response(found.code, found.message, empty));
    return;
  }
  ctx.ask<CriAnswer>(state.runtime, readRequest(found.id, { ...asked, follow: false }), { deadlineMs }, (_s, answer, later) => {
    if (answer.ok && answer.body.kind === "cri.log") later.reply(request, response(200, "", answer.body.bytes));
    else later.reply(request, response(500, detailOf(answer), empty));
    return undefined;
  });
}

/** Passes on a log for as long as its container runs, or until whoever asked has gone. */
export function followLog(state: State, asked: KubeletLogRequest, stream: StreamRef, ctx: Ctx): void {
  const found = logOf(state.workers.values(), asked);
  if (!("id" in found)) {
    ctx.push(stream, response(found.code, found.message, empty));
    ctx.close(stream);
    return;
  }
  ctx.push(stream, response(200, "", empty));
  let left = asked.limitBytes >= 0 ? asked.limitBytes : Number.POSITIVE_INFINITY;
  const source = ctx.open<CriLog>(state.runtime, readRequest(found.id, asked), (s, input, later) => {
    if (!s.followed.has(stream.key)) return undefined;
    if (input.type === "item") {
      const bytes = input.body.bytes.length > left ? input.body.bytes.slice(0, left) : input.body.bytes;
      left -= bytes.length;
      const chunk: ApiChunk = { kind: "api.chunk", bytes };
      if (bytes.length > 0) later.push(stream, chunk);
      if (left > 0) return undefined;
      later.close(source);
    }
    s.followed.delete(stream.key);
    later.close(stream);
    return undefined;
  });
  state.followed.set(stream.key, source);
}

/** Whoever followed a log has gone. */
export function endFollow(state: State, stream: StreamRef, ctx: Ctx): void {
  const source = state.followed.get(stream.key);
  state.followed.delete(stream.key);
  state.entered.delete(stream.key);
  if (source) ctx.close(source);
}
