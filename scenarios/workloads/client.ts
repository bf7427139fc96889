import type { Message } from "../../protocol/codec";
import type { Actor } from "../../runtime/actor";
import { workloadNamed } from "./index";
import { Operator, type OperatorConfig } from "./operator";
import type { Client, ClientConfig } from "./workload";

/**
 * Whoever uses the cluster from outside, at addresses "client/…": the operator who applies and patches, or a workload. It keeps nothing on disk: after a
 * crash it knows no task and sends nothing until it is told to begin.
 */
export const clientActor: Actor<ClientConfig, Client, Message> = {
  role: "client",
  start(config) {
    if (config.type === "operator") return new Operator(config as unknown as OperatorConfig);
    const workload = workloadNamed(config.type);
    if (!workload) throw new Error(`there is no workload "${config.type}"`);
    return workload.start(config);
  },
  receive(state, input, ctx) {
    state.receive(input, ctx);
  },
};
