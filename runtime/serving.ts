import type { Address } from "../protocol/address";
import type { Message } from "../protocol/codec";
import type { Actor, CloseReason, Context, Input, StreamRef } from "./actor";
import { type Cell, streamWindowItems } from "./cell";
import type { Host } from "./host";

/**
 * Asynchronous code that stands behind an address: a portal (portal.ts) speaks to actors, a service is spoken to. Everything it is told
 * comes inside a turn of the actor at that address; a service that throws there has crashed that actor. It may answer at any time later, from
 * promises and callbacks: what it says then has a turn of its own. Datagrams are not for services: they are dropped.
 */
export interface Service<M extends Message = Message> {
  asked(request: ServedRequest<M>): void;
  /** Somebody opens a stream. Returns who hears what comes on it. */
  opened(body: M, stream: ServedStream): StreamListener<M>;
}

/** An ask: answered by the first `reply` or `refuse`; what comes after it, or after the actor has crashed, goes nowhere. */
export interface ServedRequest<M extends Message = Message> {
  readonly from: Address;
  readonly body: M;
  /** The asker waits so long; then it is told that there was no answer. */
  readonly deadlineMs: number;
  reply(body: Message): void;
  refuse(detail: string): void;
}

export interface ServedStream {
  readonly from: Address;
  /** False: the window is used up, hold on until `drained`. More than the backlog beyond the window and the stream is cut as slow. */
  push(body: Message): boolean;
  close(reason?: "done" | "refused" | "slow", detail?: string): void;
}

export interface StreamListener<M extends Message = Message> {
  /** The opener sent an item. */
  item?(body: M): void;
  /** The receiver has made room after `push` answered false. */
  drained?(): void;
  /** The stream has ended and not by this side: by the opener, on the way, or because the actor here lost its memory or its host. */
  closed(reason: CloseReason, detail: string): void;
}

/** The actor of a role behind which services stand; it decides nothing. Its addresses are placed by `serve`. */
export function servingActor(role: string): Actor<Serving, Serving> {
  return {
    role,
    start: (serving) => serving.begin(),
    receive: (serving, input, ctx) => serving.receive(input, ctx),
  };
}

/** Places an address on a host behind which the service stands, in this life of the host and in those that follow. */
export function serve<M extends Message>(host: Host, address: Address, service: Service<M>): void {
  host.place(address, new Serving(host, address, service as unknown as Service));
}

interface OpenStream {
  listener: StreamListener | null;
  /** Items that may be pushed before the receiver has to make room; below 0 they wait on this side. */
  room: number;
  full: boolean;
}

class Serving {
  private readonly streams = new Map<string, OpenStream>();

  constructor(
    private readonly host: Host,
    private readonly address: Address,
    private readonly service: Service,
  ) {}

  begin(): Serving {
    this.cell().whenGone.push(() => this.end());
    return this;
  }

  receive(input: Input, ctx: Context<Serving>): undefined {
    switch (input.type) {
      case "request": {
        const { from, body, deadlineMs, request } = input;
        const cell = this.cell();
        this.service.asked({
          from,
          body,
          deadlineMs,
          reply: (answer) => this.say(cell, (ctx) => ctx.reply(request, answer)),
          refuse: (detail) => this.say(cell, (ctx) => ctx.refuse(request, detail)),
        });
        return;
      }
      case "opened":
        this.open(input.body, input.stream);
        return;
      case "item":
        this.streams.get(input.stream.key)?.listener?.item?.(input.body);
        return;
      case "closed": {
        const open = this.streams.get(input.stream.key);
        this.streams.delete(input.stream.key);
        open?.listener?.closed(input.reason, input.detail);
        return;
      }
      case "message":
        ctx.log("debug", "a datagram came for a service", { from: input.from, kind: input.body.kind });
        return;
      case "timer":
      case "persisted":
      case "diskFailed":
        throw new Error(`${this.address}: a service has no ${input.type}`);
    }
  }

  private open(body: Message, stream: StreamRef): void {
    const cell = this.cell();
    const open: OpenStream = { listener: null, room: streamWindowItems, full: false };
    this.streams.set(stream.key, open);
    cell.streams.get(stream.key)!.credited = (items) => this.credited(open, items);
    const listener = this.service.opened(body, {
      from: stream.peer,
      push: (item) => {
        if (this.streams.get(stream.key) !== open) return false;
        this.say(cell, (ctx) => ctx.push(stream, item));
        open.room--;
        open.full = open.room <= 0;
        return !open.full;
      },
      close: (reason, detail) => {
        if (this.streams.get(stream.key) !== open) return;
        this.streams.delete(stream.key);
        this.say(cell, (ctx) => ctx.close(stream, reason, detail));
      },
    });
    open.listener = listener;
  }

  private credited(open: OpenStream, items: number): void {
    open.room += items;
    if (!open.full || open.room <= 0) return;
    open.full = false;
    open.listener?.drained?.();
  }

  /** This life of the actor is over: nobody hears any more of what its streams still had to say. */
  private end(): void {
    const open = [...this.streams.values()];
    this.streams.clear();
    for (const { listener } of open) listener?.closed("crashed", `${this.address} is not running any more`);
  }

  /** The cell is of one incarnation: what was asked of an earlier one is not answered by its heir. */
  private say(cell: Cell, run: (ctx: Context<unknown>) => void): void {
    if (this.host.cell(this.address) === cell && cell.phase !== "down" && cell.phase !== "stopped")
      this.host.enqueue(cell, { type: "call", run });
  }

  private cell(): Cell {
    return this.host.cell(this.address)!;
  }
}
