import type { Address, HostName } from "../protocol/address";
import { decode, encode } from "../protocol/codec";
import type { Envelope, Operation } from "../protocol/envelope";
import type { CloseReason, StreamRef } from "./actor";
import { acceptedKey, type Cell, type Delivery, requestKey, type Stream, streamBacklogItems, streamWindowItems } from "./cell";

/** What conversations need of their host. */
export interface Carrier {
  hostOf(actor: Address): HostName | undefined;
  send(envelope: Envelope, toHost: HostName): void;
  enqueue(cell: Cell, delivery: Delivery): void;
  monotonicUs(): number;
}

const nothing = new Uint8Array(0);

/** Asks and streams between one host's actors and everybody: sequence numbers, credits, who must be told when something ends. */
export class Conversations {
  constructor(private readonly carrier: Carrier) {}

  transmit(
    cell: Cell,
    to: Address,
    operation: Operation,
    fields: Partial<Pick<Envelope, "toIncarnation" | "id" | "sequence" | "fromOpener" | "deadlineMs" | "kind" | "body">>,
  ): boolean {
    const toHost = this.carrier.hostOf(to);
    if (toHost === undefined) return false;
    this.carrier.send(
      {
        operation,
        to,
        from: cell.address,
        toIncarnation: fields.toIncarnation ?? 0,
        fromIncarnation: cell.incarnation,
        id: fields.id ?? 0,
        sequence: fields.sequence ?? 0,
        fromOpener: fields.fromOpener ?? false,
        deadlineMs: fields.deadlineMs ?? 0,
        kind: fields.kind ?? "",
        body: fields.body ?? nothing,
      },
      toHost,
    );
    return true;
  }

  /** Answers or refuses an ask that is still open; a second answer is dropped, so that each ask is answered once. */
  answer(cell: Cell, operation: "answer" | "refuse", key: string, kind: string, body: Uint8Array): void {
    const open = cell.inbound.get(key);
    if (open === undefined) return;
    cell.inbound.delete(key);
    const { from, fromIncarnation, id } = open.request;
    this.transmit(cell, from, operation, { toIncarnation: fromIncarnation, id, kind, body });
  }

  /** Notes an ask that came in, so that it can be answered once, and refused should the actor crash. */
  noteInbound(cell: Cell, e: Envelope): void {
    const now = this.carrier.monotonicUs();
    if (cell.inbound.size >= 1024 && cell.inbound.size % 256 === 0)
      for (const [key, open] of cell.inbound) if (open.expiresUs < now) cell.inbound.delete(key);
    const request = { from: e.from, fromIncarnation: e.fromIncarnation, id: e.id };
    cell.inbound.set(requestKey(request), { request, expiresUs: now + e.deadlineMs * 1000 });
  }

  begin(cell: Cell, id: number, to: Address, kind: string, body: Uint8Array, then: Stream["then"]): void {
    const key = `to ${id}`;
    const peerHost = this.carrier.hostOf(to);
    cell.streams.set(key, newStream(key, id, null, to, peerHost, 0, then));
    if (!this.transmit(cell, to, "open", { id, fromOpener: true, kind, body }))
      this.carrier.enqueue(cell, { type: "streamBroken", key, reason: "unreachable", detail: `no actor ${to}` });
  }

  accept(cell: Cell, e: Envelope): StreamRef {
    const key = acceptedKey(e.from, e.fromIncarnation, e.id);
    cell.streams.set(key, newStream(key, e.id, e, e.from, this.carrier.hostOf(e.from), e.fromIncarnation, null));
    return { key, peer: e.from };
  }

  push(cell: Cell, key: string, kind: string, body: Uint8Array): void {
    const stream = cell.streams.get(key);
    if (stream === undefined || stream.closing !== null) return;
    if (stream.credit > 0 && stream.waiting.length === 0) this.item(cell, stream, kind, body);
    else if (stream.waiting.length < streamBacklogItems) stream.waiting.push({ kind, body });
    else {
      this.sendClose(cell, stream, "slow", `more than ${streamBacklogItems} items waited`);
      this.carrier.enqueue(cell, { type: "streamBroken", key, reason: "slow", detail: `more than ${streamBacklogItems} items waited` });
    }
  }

  close(cell: Cell, key: string, reason: "done" | "refused" | "slow", detail: string): void {
    const stream = cell.streams.get(key);
    if (stream === undefined || stream.closing !== null) return;
    if (stream.waiting.length > 0) {
      stream.closing = { reason, detail };
      return;
    }
    cell.streams.delete(key);
    this.sendClose(cell, stream, reason, detail);
  }

  credit(cell: Cell, stream: Stream, items: number): void {
    stream.credit += items;
    while (stream.credit > 0) {
      const next = stream.waiting.shift();
      if (next === undefined) break;
      this.item(cell, stream, next.kind, next.body);
    }
    stream.credited?.(items);
    if (stream.waiting.length === 0 && stream.closing !== null) {
      cell.streams.delete(stream.key);
      this.sendClose(cell, stream, stream.closing.reason, stream.closing.detail);
    }
  }

  /** An item was handled: gives credit back by half windows, so that credits cost little. */
  handled(cell: Cell, stream: Stream): void {
    stream.taken++;
    if (stream.taken < streamWindowItems / 2 || !cell.streams.has(stream.key)) return;
    this.toPeer(cell, stream, "credit", stream.taken);
    stream.taken = 0;
  }

  /** The stream of an envelope, or undefined when it is not (or no longer) known. */
  find(cell: Cell, e: Envelope): Stream | undefined {
    return cell.streams.get(e.fromOpener ? acceptedKey(e.from, e.fromIncarnation, e.id) : `to ${e.id}`);
  }

  /** Tells the sender of an envelope that whom it meant is not there: asks are refused, streams closed. */
  bounce(
    e: Envelope,
    here: { readonly address: Address; readonly incarnation: number },
    reason: "crashed" | "refused",
    detail: string,
  ): void {
    const toHost = this.carrier.hostOf(e.from);
    if (toHost === undefined || (e.operation !== "ask" && e.operation !== "open" && e.operation !== "item")) return;
    this.carrier.send(
      {
        operation: e.operation === "ask" ? "refuse" : "close",
        to: e.from,
        from: e.to,
        toIncarnation: e.fromIncarnation,
        // In the name of the incarnation that was meant: the one that lives now may have a stream of the same number.
        fromIncarnation: e.toIncarnation === 0 ? here.incarnation : e.toIncarnation,
        id: e.id,
        sequence: 0,
        fromOpener: e.operation === "item" && !e.fromOpener,
        deadlineMs: 0,
        kind: reason,
        body: encode({ kind: detail }),
      },
      toHost,
    );
  }

  /** Ends all of a cell's conversations because it lost its memory: whoever asked is refused, streams are closed as crashed. */
  abandon(cell: Cell, detail: string): void {
    for (const key of [...cell.inbound.keys()]) this.answer(cell, "refuse", key, "crashed", encode({ kind: detail }));
    for (const stream of cell.streams.values()) this.sendClose(cell, stream, "crashed", detail);
    cell.streams.clear();
    for (const ask of cell.asks.values()) ask.deadline.cancel();
    cell.asks.clear();
    cell.signs.clear();
  }

  /** The connection to a host broke: asks to it are unknown from now on, streams with it end on this side too. */
  disconnected(cell: Cell, host: HostName): void {
    for (const [id, ask] of cell.asks)
      if (ask.toHost === host)
        this.carrier.enqueue(cell, {
          type: "answer",
          id,
          answer: { ok: false, error: "unreachable", detail: `connection to ${host} broke` },
        });
    for (const stream of cell.streams.values())
      if (stream.peerHost === host)
        this.carrier.enqueue(cell, { type: "streamBroken", key: stream.key, reason: "unreachable", detail: `connection to ${host} broke` });
    for (const [key, open] of cell.inbound) if (this.carrier.hostOf(open.request.from) === host) cell.inbound.delete(key);
  }

  private item(cell: Cell, stream: Stream, kind: string, body: Uint8Array): void {
    stream.credit--;
    stream.nextOut++;
    this.toPeer(cell, stream, "item", stream.nextOut, kind, body);
  }

  private sendClose(cell: Cell, stream: Stream, reason: CloseReason, detail: string): void {
    this.toPeer(cell, stream, "close", stream.nextOut, reason, encode({ kind: detail }));
  }

  private toPeer(cell: Cell, stream: Stream, operation: Operation, sequence: number, kind = "", body: Uint8Array = nothing): void {
    this.transmit(cell, stream.peer, operation, {
      toIncarnation: stream.peerIncarnation,
      id: stream.id,
      sequence,
      fromOpener: stream.opener,
      kind,
      body,
    });
  }
}

function newStream(
  key: string,
  id: number,
  opening: Envelope | null,
  peer: Address,
  peerHost: HostName | undefined,
  peerIncarnation: number,
  then: Stream["then"],
): Stream {
  return {
    key,
    id,
    opener: opening === null,
    opening,
    peer,
    peerHost,
    peerIncarnation,
    nextOut: 0,
    nextIn: 0,
    credit: streamWindowItems,
    taken: 0,
    waiting: [],
    closing: null,
    then,
    credited: null,
  };
}

/** The sentence that came with a close or a refusal. */
export function detailOf(e: Envelope): string {
  return e.body.length === 0 ? "" : decode(e.body).kind;
}
