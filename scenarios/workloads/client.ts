import type { Message } from "../../protocol/codec";
import type { Actor } from "../../runtime/actor";
import { type HttpConfig, HttpLoad } from "./http-load";
import { Operator, type OperatorConfig } from "./operator";
import { type RegisterConfig, RegisterLoad } from "./register-load";
import { type WatchConfig, WatchLoad } from "./watch-load";

/** Whoever uses the cluster from outside: an operator who applies and patches, users who send requests, or clients of etcd itself. */
export type ClientConfig = OperatorConfig | HttpConfig | RegisterConfig | WatchConfig;
type Client = Operator | HttpLoad | RegisterLoad | WatchLoad;

/** Addresses "client/…". It keeps nothing on disk: after a crash it knows no task and sends nothing until it is told to begin. */
export const clientActor: Actor<ClientConfig, Client, Message> = {
  role: "client",
  start: (config) => clientOf(config),
  receive(state, input, ctx) {
    // Each component takes its own context; no two share an actor.
    state.receive(input, ctx as never);
  },
};

function clientOf(config: ClientConfig): Client {
  switch (config.type) {
    case "operator":
      return new Operator(config);
    case "http":
      return new HttpLoad(config);
    case "registers":
      return new RegisterLoad(config);
    case "watches":
      return new WatchLoad(config);
  }
}
