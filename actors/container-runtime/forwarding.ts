import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { TunnelMessage } from "../../protocol/tunnel";
import type { Answer, Context, StreamRef } from "../../runtime/actor";
import { concat, type HttpConnection, httpResponse, parseHttp } from "./http-connection";
import type { State } from "./state";

type Ctx = Context<State>;

/** A tunnel of connections into a sandbox's network. */
export interface Forward {
  readonly is: "forward";
  readonly stream: StreamRef;
  readonly sandboxId: string;
  readonly connections: Map<number, HttpConnection>;
}

const deadlineMs = 30_000;
const nothing = new Uint8Array(0);

/** Opens a connection to a port: it fails where nobody listens, as it would in the pod's own network. */
export function connectForwarded(state: State, forward: Forward, channel: number, port: number, ctx: Ctx): void {
  const connection: HttpConnection = { port, received: nothing, queue: [], answering: true, inputEnded: false };
  forward.connections.set(channel, connection);
  request(state, forward, { port, method: "CONNECT", path: "", body: nothing }, ctx, (now, later, answer) => {
    const refusal = refusalOf(answer);
    if (refusal !== undefined) {
      const where = `failed to connect to localhost:${port} inside namespace "${forward.sandboxId}"`;
      fail(later, now, channel, `failed to execute portforward in network namespace "${forward.sandboxId}": ${where}: ${refusal}`);
      return;
    }
    const known = now.connections.get(channel);
    if (known) known.answering = false;
    serve(state, now, channel, later);
  });
}

/** Bytes of a connection, or its end. */
export function feedForwarded(state: State, forward: Forward, body: TunnelMessage, ctx: Ctx): void {
  const connection = forward.connections.get(body.channel);
  if (connection === undefined) return;
  if (body.kind === "tunnel.data") connection.received = concat(connection.received, body.bytes);
  else connection.inputEnded = true;
  serve(state, forward, body.channel, ctx);
}

/** Answers the requests of a connection one after the other. */
function serve(state: State, forward: Forward, channel: number, ctx: Ctx): void {
  const connection = forward.connections.get(channel);
  if (connection === undefined || connection.answering) return;
  const parsed = parseHttp(connection.received);
  if (parsed.is === "partial") {
    if (connection.inputEnded) end(ctx, forward, channel);
    return;
  }
  if (parsed.is === "bad") {
    say(ctx, forward, channel, httpResponse(400, new TextEncoder().encode(`${parsed.why}\n`), false));
    end(ctx, forward, channel);
    return;
  }
  const { method, path, body, keepAlive } = parsed.request;
  connection.received = parsed.rest;
  connection.answering = true;
  request(state, forward, { port: connection.port, method, path, body }, ctx, (now, later, answer) => {
    const refusal = refusalOf(answer);
    if (refusal !== undefined || !answer.ok) {
      fail(later, now, channel, refusal ?? "the connection was lost");
      return;
    }
    say(later, now, channel, httpResponse(answer.body.code, answer.body.body, keepAlive));
    connection.answering = false;
    if (keepAlive) serve(state, now, channel, later);
    else end(later, now, channel);
  });
}

/** Asks this node's own network, which is this actor; the answer counts only while the tunnel is there. */
function request(
  state: State,
  forward: Forward,
  { port, method, path, body }: Pick<NetRequest, "port" | "method" | "path" | "body">,
  ctx: Ctx,
  then: (forward: Forward, ctx: Ctx, answer: Answer<NetResponse>) => void,
): void {
  const ip = state.sandboxes.get(forward.sandboxId)?.ip ?? "";
  const asked: NetRequest = {
    kind: "net.request",
    sourceIp: "127.0.0.1",
    destinationIp: ip,
    port,
    protocol: "TCP",
    method,
    path,
    body,
    requestId: `forward ${forward.stream.key}`,
  };
  ctx.ask<NetResponse>(ctx.self, asked, { deadlineMs }, (now, answer, later) => {
    const tunnel = now.tunnels.get(forward.stream.key);
    if (tunnel?.is === "forward") then(tunnel, later, answer);
    return undefined;
  });
}

function refusalOf(answer: Answer<NetResponse>): string | undefined {
  if (!answer.ok) return answer.detail;
  return answer.body.outcome === "answered" ? undefined : answer.body.detail;
}

function say(ctx: Ctx, forward: Forward, channel: number, bytes: Uint8Array): void {
  const data: TunnelMessage = { kind: "tunnel.data", channel, bytes };
  ctx.push(forward.stream, data);
}

function end(ctx: Ctx, forward: Forward, channel: number): void {
  forward.connections.delete(channel);
  const closed: TunnelMessage = { kind: "tunnel.close", channel };
  ctx.push(forward.stream, closed);
}

function fail(ctx: Ctx, forward: Forward, channel: number, message: string): void {
  forward.connections.delete(channel);
  const failed: TunnelMessage = { kind: "tunnel.failed", channel, message };
  ctx.push(forward.stream, failed);
}
