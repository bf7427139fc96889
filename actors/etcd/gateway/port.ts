import type { Address } from "../../../protocol/address";
import type { ComponentGetResponse } from "../../../protocol/cluster";
import type { Message } from "../../../protocol/codec";
import type { EtcdMessage, EtcdRequest, EtcdResponse } from "../../../protocol/etcd";
import type { Answer, StreamInput } from "../../../runtime/actor";
import type { Portal } from "../../../runtime/portal";

export interface EtcdStream<M extends EtcdMessage = EtcdMessage> {
  push(item: M): void;
  close(): void;
}

/** All that etcd's gateway knows of the member behind it. */
export interface EtcdPort {
  /** Always resolves; a failure is an answer too. */
  ask(request: EtcdRequest, deadlineMs: number): Promise<Answer<EtcdResponse>>;
  /** What the member answers to a GET of that path. Always resolves. */
  get(path: string, deadlineMs: number): Promise<Answer<ComponentGetResponse>>;
  /** Opens a stream; `then` gets its items and, once and last, its end. It must not throw. */
  open<M extends EtcdMessage>(request: EtcdMessage, then: (input: StreamInput<M>) => void): EtcdStream;
}

/** The port to one member, through the portal of the gateway's own actor. */
export function portTo(member: Address, portal: Portal): EtcdPort {
  return {
    ask: (request, deadlineMs) => new Promise((resolve) => portal.ask<EtcdResponse>(member, request, deadlineMs, resolve)),
    get: (path, deadlineMs) =>
      new Promise((resolve) => portal.ask<ComponentGetResponse>(member, { kind: "component.get", path } as Message, deadlineMs, resolve)),
    open: (request, then) => portal.open(member, request, then),
  };
}
