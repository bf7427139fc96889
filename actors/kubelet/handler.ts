import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { CriAnswer } from "../../protocol/cri";
import type { Container, HTTPGetAction, LifecycleHandler } from "../../protocol/kinds/generated";
import type { Answer } from "../../runtime/actor";
import { followVolumes, isDue, mayRead } from "./follow-volumes";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import type { Ctx, State } from "./state";

/** Called with undefined where it went well, else with what went wrong. */
type Then = (state: State, failure: string | undefined, ctx: Ctx) => undefined;

/** What a probe or a hook does to a container. */
export interface Check {
  readonly httpGet?: HTTPGetAction | undefined;
  readonly tcpSocket?: { readonly port: number | string } | undefined;
  readonly grpc?: { readonly port: number; readonly service?: string } | undefined;
  readonly exec?: { readonly command?: readonly string[] } | undefined;
}

/**
 * Runs a hook. A sleep sets the given timer, and who receives it goes on; everything else goes on in `then`.
 */
export function runHandler(
  state: State,
  worker: PodWorker,
  container: ContainerWorker,
  id: string,
  handler: LifecycleHandler,
  timer: string,
  limitMs: number,
  ctx: Ctx,
  then: Then,
): void {
  if (handler.sleep) ctx.setTimer(timer, Math.min(handler.sleep.seconds * 1000, limitMs));
  else runCheck(state, worker, container, id, handler, limitMs, ctx, then);
}

/** Asks a container: by HTTP, by opening a connection, by gRPC's health protocol, or by a command in it. */
export function runCheck(
  state: State,
  worker: PodWorker,
  container: ContainerWorker,
  id: string,
  check: Check,
  timeoutMs: number,
  ctx: Ctx,
  then: Then,
): void {
  const ip = worker.sandbox.is === "ready" || worker.sandbox.is === "stopping" ? worker.sandbox.ip : "";
  if (check.exec) {
    const command = check.exec.command ?? [];
    if (mayRead(worker, container, command, false) && isDue(worker, container, ctx)) {
      followVolumes(state, worker, container, ctx, (s, later) => {
        runCommand(s, id, command, timeoutMs, later, then);
        return undefined;
      });
    } else runCommand(state, id, command, timeoutMs, ctx, then);
    return;
  }
  const target = targetOf(check, container.spec, ip);
  if (typeof target === "string") {
    then(state, target, ctx);
    return;
  }
  const request: NetRequest = {
    kind: "net.request",
    sourceIp: state.config.internalIp,
    destinationIp: target.host,
    port: target.port,
    protocol: "TCP",
    method: target.method,
    path: target.path,
    body: new Uint8Array(0),
    requestId: "",
  };
  ctx.ask<NetResponse>(state.runtime, request, { deadlineMs: Math.ceil(timeoutMs) }, (s, answer, later) =>
    then(s, netFailure(answer, target, timeoutMs), later),
  );
}

function runCommand(state: State, id: string, command: readonly string[], timeoutMs: number, ctx: Ctx, then: Then): void {
  ctx.ask<CriAnswer>(
    state.runtime,
    { kind: "cri.execSync", containerId: id, command } as { readonly kind: string },
    { deadlineMs: Math.ceil(timeoutMs) },
    (s, answer, later) => then(s, execFailure(answer, command, timeoutMs), later),
  );
}

interface Target {
  readonly method: "GET" | "CONNECT" | "GRPC";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly url: string;
}

function targetOf({ httpGet, tcpSocket, grpc }: Check, spec: Container, ip: string): Target | string {
  const named = httpGet?.port ?? tcpSocket?.port ?? grpc?.port ?? 0;
  const port = typeof named === "number" ? named : spec.ports?.find(({ name }) => name === named)?.containerPort;
  if (port === undefined) return `couldn't find port ${JSON.stringify(named)} of container ${spec.name}`;
  const host = httpGet?.host || ip;
  const path = httpGet?.path ?? "/";
  const url = httpGet ? `${(httpGet.scheme ?? "HTTP").toLowerCase()}://${host}:${port}${path}` : `${host}:${port}`;
  return { method: httpGet ? "GET" : grpc ? "GRPC" : "CONNECT", host, port, path: httpGet ? path : (grpc?.service ?? ""), url };
}

function netFailure(answer: Answer<NetResponse>, { method, host, port, url }: Target, timeoutMs: number): string | undefined {
  const dial = `dial tcp ${host}:${port}:`;
  const outcome = answer.ok ? answer.body.outcome : "timeout";
  if (method === "GRPC") {
    if (outcome !== "answered") return `timeout: failed to connect service "${url}" within ${timeoutMs / 1000}s: context deadline exceeded`;
    return answer.ok && answer.body.code < 400 ? undefined : `service unhealthy (responded with "NOT_SERVING")`;
  }
  const get = method === "GET" ? `Get "${url}": ` : "";
  switch (outcome) {
    case "refused":
      return `${get}${dial} connect: connection refused`;
    case "unreachable":
      return `${get}${dial} connect: no route to host`;
    case "timeout":
      return method === "GET" ? `${get}context deadline exceeded (Client.Timeout exceeded while awaiting headers)` : `${dial} i/o timeout`;
    case "answered": {
      const code = answer.ok ? answer.body.code : 0;
      return method === "CONNECT" || (code >= 200 && code < 400) ? undefined : `HTTP probe failed with statuscode: ${code}`;
    }
  }
}

function execFailure(answer: Answer<CriAnswer>, command: readonly string[], timeoutMs: number): string | undefined {
  if (!answer.ok) return `command "${command.join(" ")}" timed out after ${timeoutMs / 1000}s`;
  if (answer.body.kind === "cri.execResult") return answer.body.exitCode === 0 ? undefined : `${answer.body.stdout}${answer.body.stderr}`;
  return answer.body.kind === "cri.failed" ? answer.body.message : `unexpected ${answer.body.kind}`;
}
