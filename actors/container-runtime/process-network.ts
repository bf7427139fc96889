import { address } from "../../protocol/address";
import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { Context } from "../../runtime/actor";
import type { NetworkAnswer, NetworkAsk } from "./shell/program";
import type { Container, State } from "./state";

const nothing = new Uint8Array(0);
const decoder = new TextDecoder();

/** Carries what a process in a container asks of the network to the node's kube-proxy, as everything goes that leaves a pod; `then` gets the answer. */
export function askNetwork(
  state: State,
  container: Container,
  ask: NetworkAsk,
  ctx: Context<State>,
  then: (state: State, answer: NetworkAnswer, ctx: Context<State>) => undefined,
): void {
  const [namespace = ""] = container.pod.split("/");
  const from = {
    kind: "net.request",
    sourceIp: state.sandboxes.get(container.sandboxId)?.ip ?? "",
    requestId: ctx.uuid(),
  } as const;
  const request: NetRequest =
    ask.is === "lookUp"
      ? {
          ...{ ...from, destinationIp: "", port: 0, protocol: "UDP", method: "", path: "", body: nothing },
          ...{ name: { host: ask.host, namespace }, lookUp: true },
        }
      : { ...from, destinationIp: ask.ip, port: ask.port, protocol: ask.protocol, method: ask.method, path: ask.path, body: ask.body };
  ctx.ask<NetResponse>(
    address("kube-proxy", state.config.node),
    request,
    { deadlineMs: Math.ceil(Math.min(ask.timeoutMs, 600_000)) },
    (later, answer, next) => {
      if (!answer.ok) return then(later, { outcome: answer.error === "timeout" ? "timeout" : "refused", code: 0, text: "" }, next);
      const { outcome, code, body } = answer.body;
      return then(later, { outcome, code, text: decoder.decode(body) }, next);
    },
  );
}
