import type { Message } from "../../protocol/codec";
import type { Actor } from "../../runtime/actor";
import { type HttpConfig, HttpLoad } from "./http-load";
import { Operator, type OperatorConfig } from "./operator";

/** Whoever uses the cluster from outside: an operator who applies and patches, or users who send requests. Calls the API as an administrator. */
export type ClientConfig = OperatorConfig | HttpConfig;

/** Addresses "client/…". It keeps nothing on disk: after a crash it knows no task and sends nothing until it is told to begin. */
export const clientActor: Actor<ClientConfig, Operator | HttpLoad, Message> = {
  role: "client",
  start: (config) => (config.type === "operator" ? new Operator(config) : new HttpLoad(config)),
  receive(state, input, ctx) {
    // Each branch narrows to the component whose context type matches; the two never share an actor.
    if (state instanceof Operator) state.receive(input, ctx as never);
    else state.receive(input, ctx as never);
  },
};
