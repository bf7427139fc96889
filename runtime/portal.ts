import type { Address } from "../protocol/address";
import type { Message } from "../protocol/codec";
import type { Actor, Answer, Context, StreamInput, StreamRef } from "./actor";
import type { Host } from "./host";

/** The actor behind a gateway: it decides nothing, it only gives the real world (or a test) an address to speak from. */
export const gatewayActor: Actor<unknown, null> = {
  role: "gateway",
  start: () => null,
  receive: () => undefined,
};

export interface PortalStream {
  push(body: Message): void;
  close(): void;
}

/** Speaks for one "gateway/…" actor that is placed on the host. Callbacks run inside the runtime's turns: they must not throw. */
export class Portal {
  constructor(
    private readonly host: Host,
    readonly address: Address,
  ) {}

  /** Sends an ask; `then` is called exactly once, unless the host dies. */
  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void {
    const sent = this.call((ctx) =>
      ctx.ask<M>(to, body, { deadlineMs }, (_state, answer) => {
        then(answer);
        return undefined;
      }),
    );
    if (!sent) then({ ok: false, error: "unreachable", detail: `${this.address} is not running` });
  }

  send(to: Address, body: Message): void {
    this.call((ctx) => ctx.send(to, body));
  }

  /** Opens a stream; `then` gets its items and, once and last, its end. */
  open<M extends Message>(to: Address, body: Message, then: (input: StreamInput<M>) => void): PortalStream {
    let stream: StreamRef | undefined;
    const opened = this.call((ctx) => {
      stream = ctx.open<M>(to, body, (_state, input) => {
        then(input);
        return undefined;
      });
    });
    if (!opened) then({ type: "closed", reason: "unreachable", detail: `${this.address} is not running` });
    return {
      push: (item) => void this.call((ctx) => stream !== undefined && ctx.push(stream, item)),
      close: () => void this.call((ctx) => stream !== undefined && ctx.close(stream)),
    };
  }

  private call(run: (ctx: Context<unknown>) => void): boolean {
    const cell = this.host.cell(this.address);
    if (cell === undefined || cell.phase === "down" || cell.phase === "stopped") return false;
    this.host.enqueue(cell, { type: "call", run });
    return true;
  }
}
