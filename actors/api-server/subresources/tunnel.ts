import { address } from "../../../protocol/address";
import type { ApiResponse } from "../../../protocol/api";
import type { KubeletExecRequest, KubeletPortForwardRequest, KubeletTunnelResponse } from "../../../protocol/cluster";
import type { Pod } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { Subresource } from "../../../protocol/kinds/registry";
import { badRequest, type Failure, failure, internalError, isFailure, serviceUnavailable } from "../../../protocol/status";
import type { TunnelMessage } from "../../../protocol/tunnel";
import type { StreamRef } from "../../../runtime/actor";
import { admitSubresource } from "../admission/dynamic/subresource";
import { streamEnded } from "../audit/audit";
import { attributesOf } from "../authorization/attributes";
import { askAccess, refuseAccess } from "../authorization-chain";
import { begin, type ResourceCall, refuse } from "../call";
import { isTrue } from "../registry/list-options";
import { newRelay } from "../relays";
import type { Ctx, ServerState } from "../state";
import { containerOf } from "./log";
import { withPlacedPod } from "./placed-pod";

type Tunnelled = KubeletExecRequest | KubeletPortForwardRequest;

/**
 * exec, attach and portforward of a Pod: a tunnel to its node's kubelet. A first answer with code 101 says that it stands, anything else
 * is why it does not; after it, TunnelMessages go through in both directions.
 */
export function openTunnel(state: ServerState, ctx: Ctx, call: ResourceCall, subresource: Subresource): undefined {
  if (call.caller.type !== "open") return refuse(ctx, call, badRequest("Upgrade request required"));
  // Who may only read must not get a connection in both directions because WebSockets begin with a GET.
  const wanted = { ...attributesOf(call.request), verb: "create" as const };
  return askAccess(state, ctx, call.user, wanted, call.deadlineUs, (state, decision, ctx) =>
    decision.allowed ? openAllowed(state, ctx, call, subresource) : refuseAccess(ctx, call, wanted, decision),
  );
}

function openAllowed(state: ServerState, ctx: Ctx, call: ResourceCall, subresource: Subresource): undefined {
  const { body, options } = connectOptions(call, subresource.name);
  return admitSubresource(state, ctx, call, "CONNECT", body, options, false, (state, admitted, ctx) =>
    isFailure(admitted)
      ? refuse(ctx, call, admitted)
      : withPlacedPod(
          state,
          ctx,
          call,
          (pod) => kubeletRequest(call, pod, subresource.name),
          (state, ctx, node, request) => join(state, ctx, call, node, request),
        ),
  );
}

const connectKinds: ReadonlyMap<string, string> = new Map([
  ["exec", "PodExecOptions"],
  ["attach", "PodAttachOptions"],
  ["portforward", "PodPortForwardOptions"],
]);

/** What webhooks are told of a connection. */
function connectOptions({ request: { query, repeated } }: ResourceCall, subresource: string) {
  const flags = ["stdin", "stdout", "stderr", "tty"].filter((name) => isTrue(query[name])).map((name) => [name, true]);
  const command = repeated?.command ?? (query.command === undefined ? undefined : [query.command]);
  const ports = (repeated?.ports ?? (query.ports === undefined ? [] : [query.ports])).map(Number);
  const options = {
    ...Object.fromEntries(flags),
    ...(query.container ? { container: query.container } : {}),
    ...(command ? { command } : {}),
    ...(ports.length > 0 ? { ports } : {}),
  };
  return { body: { group: "", version: "v1", kind: connectKinds.get(subresource) ?? "PodExecOptions" }, options };
}

/** What the client sends through a tunnel goes on to the kubelet. */
export function passToKubelet(state: ServerState, ctx: Ctx, stream: StreamRef, body: TunnelMessage): undefined {
  const relay = state.relays.get(stream.key);
  if (relay) ctx.push(relay.remote, body);
}

function join(state: ServerState, ctx: Ctx, call: ResourceCall, node: string, request: Tunnelled): undefined {
  const { caller } = call;
  if (caller.type !== "open") return;
  let answered = false;
  const kubelet: StreamRef = ctx.open<KubeletTunnelResponse | TunnelMessage>(address("kubelet", node), request, (state, input, ctx) => {
    if (!state.relays.has(caller.stream.key)) return;
    if (input.type === "closed") {
      state.relays.delete(caller.stream.key);
      if (!answered)
        return refuse(
          ctx,
          call,
          serviceUnavailable(`error dialing backend: the kubelet of node ${node} cannot be reached: ${input.reason}`),
        );
      ctx.close(caller.stream);
      streamEnded(state, ctx, caller.stream.key);
      return;
    }
    if (input.body.kind !== "kubelet.tunnel.response") {
      ctx.push(caller.stream, input.body);
      return;
    }
    const { code, message } = input.body;
    if (code !== 200) {
      state.relays.delete(caller.stream.key);
      ctx.close(kubelet);
      return refuse(ctx, call, code === 404 ? failure("NotFound", message) : internalError(`unable to upgrade connection: ${message}`));
    }
    answered = true;
    const accepted: ApiResponse = { kind: "api.response", code: 101, contentType: "", headers: [], body: new Uint8Array(0) };
    begin(ctx, call, accepted);
  });
  newRelay(state, { remote: kubelet, caller: caller.stream, request: call.request });
}

function kubeletRequest({ request }: ResourceCall, pod: Stored<Pod>, subresource: string): Tunnelled | Failure {
  const { namespace, name, query, repeated } = request;
  if (subresource === "portforward") return { kind: "kubelet.portForward", namespace, pod: name };
  const container = containerOf(pod, query.container ?? "");
  if (isFailure(container)) return container;
  const given = (parameter: string) => isTrue(query[parameter]);
  const tty = given("tty");
  const streams = { stdin: given("stdin"), stdout: given("stdout"), stderr: given("stderr") && !tty, tty };
  if (!streams.stdin && !streams.stdout && !streams.stderr) return badRequest("you must specify at least 1 of stdin, stdout, stderr");
  if (subresource === "attach") return { kind: "kubelet.attach", namespace, pod: name, container, command: [], ...streams };
  const command = repeated?.command ?? (query.command === undefined ? [] : [query.command]);
  if (command.length === 0) return badRequest("you must specify at least one command for the container");
  return { kind: "kubelet.exec", namespace, pod: name, container, command, ...streams };
}
