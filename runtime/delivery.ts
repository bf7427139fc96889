import { decode } from "../protocol/codec";
import type { Envelope } from "../protocol/envelope";
import { decodeTold } from "../protocol/told";
import type { Answer, CloseReason, StreamInput } from "./actor";
import type { Cell, Delivery, Stream } from "./cell";
import type { Collector } from "./collector";
import { detailOf } from "./conversations";
import type { Host } from "./host";

/** Gives one delivery to its actor: runs inside a turn, so what throws here crashes the actor and nothing of the turn is said. */
export function deliver(host: Host, cell: Cell, delivery: Delivery, ctx: Collector): void {
  switch (delivery.type) {
    case "start":
      host.observe({ type: "started", actor: cell.address, incarnation: cell.incarnation });
      cell.state = cell.actor.start(cell.config, ctx, delivery.recovered);
      return;
    case "envelope":
      host.observe({ type: "deliver", actor: cell.address, envelope: delivery.envelope });
      return deliverEnvelope(host, cell, delivery.envelope, ctx);
    case "answer":
      return deliverAnswer(host, cell, delivery.id, delivery.answer, ctx);
    case "signed": {
      const then = cell.signs.get(delivery.id);
      cell.signs.delete(delivery.id);
      then?.(cell.state, delivery.result, ctx);
      return;
    }
    case "timer": {
      if (cell.timers.get(delivery.name)?.generation !== delivery.generation) return;
      cell.timers.delete(delivery.name);
      host.observe({ type: "timer", actor: cell.address, name: delivery.name });
      return cell.actor.receive(cell.state, { type: "timer", name: delivery.name }, ctx);
    }
    case "persisted":
      host.observe({ type: "persisted", actor: cell.address, token: delivery.token });
      return cell.actor.receive(cell.state, { type: "persisted", token: delivery.token }, ctx);
    case "diskFailed":
      return cell.actor.receive(cell.state, { type: "diskFailed", token: delivery.token, detail: delivery.detail }, ctx);
    case "call":
      return delivery.run(ctx);
    case "streamBroken": {
      const stream = cell.streams.get(delivery.key);
      if (stream !== undefined) endStream(cell, stream, delivery.reason, delivery.detail, ctx);
      return;
    }
  }
}

function deliverEnvelope(host: Host, cell: Cell, e: Envelope, ctx: Collector): void {
  switch (e.operation) {
    case "tell":
      return cell.actor.receive(cell.state, { type: "message", from: e.from, body: decodeTold(e.body), bytes: e.body.length }, ctx);
    case "ask": {
      host.conversations.noteInbound(cell, e);
      const request = { from: e.from, fromIncarnation: e.fromIncarnation, id: e.id };
      return cell.actor.receive(
        cell.state,
        { type: "request", from: e.from, body: decode(e.body), request, deadlineMs: e.deadlineMs },
        ctx,
      );
    }
    case "answer":
      return deliverAnswer(host, cell, e.id, { ok: true, body: decode(e.body) }, ctx);
    case "refuse":
      return deliverAnswer(host, cell, e.id, { ok: false, error: e.kind === "crashed" ? "crashed" : "refused", detail: detailOf(e) }, ctx);
    case "open":
      return cell.actor.receive(
        cell.state,
        { type: "opened", from: e.from, body: decode(e.body), stream: host.conversations.accept(cell, e) },
        ctx,
      );
    case "item":
      return deliverItem(host, cell, e, ctx);
    case "close": {
      const stream = host.conversations.find(cell, e);
      if (stream === undefined) return;
      const gap = e.kind === "done" && e.sequence !== stream.nextIn;
      return endStream(cell, stream, gap ? "gap" : (e.kind as CloseReason), gap ? "items are missing before the end" : detailOf(e), ctx);
    }
    case "credit":
      return;
  }
}

function deliverItem(host: Host, cell: Cell, e: Envelope, ctx: Collector): void {
  const stream = host.conversations.find(cell, e);
  if (stream === undefined || stream.closing !== null) return;
  if (stream.peerIncarnation === 0) stream.peerIncarnation = e.fromIncarnation;
  if (e.sequence !== stream.nextIn + 1) {
    host.conversations.close(cell, stream.key, "refused", "items are missing");
    return endStream(cell, stream, "gap", `item ${e.sequence} came after ${stream.nextIn}`, ctx);
  }
  stream.nextIn = e.sequence;
  const body = host.decodedItem(e.body);
  if (stream.then !== null) stream.then(cell.state, { type: "item", body }, ctx);
  else cell.actor.receive(cell.state, { type: "item", stream: { key: stream.key, peer: stream.peer }, body }, ctx);
  host.conversations.handled(cell, stream);
}

function endStream(cell: Cell, stream: Stream, reason: CloseReason, detail: string, ctx: Collector): void {
  cell.streams.delete(stream.key);
  if (stream.closing !== null) return;
  const closed: StreamInput = { type: "closed", reason, detail };
  if (stream.then !== null) stream.then(cell.state, closed, ctx);
  else cell.actor.receive(cell.state, { ...closed, stream: { key: stream.key, peer: stream.peer } }, ctx);
}

function deliverAnswer(host: Host, cell: Cell, id: number, answer: Answer, ctx: Collector): void {
  const ask = cell.asks.get(id);
  if (ask === undefined) return;
  cell.asks.delete(id);
  ask.deadline.cancel();
  if (!answer.ok && answer.error === "timeout") host.observe({ type: "expired", actor: cell.address, kind: ask.kind, to: ask.to });
  ask.then(cell.state, answer, ctx);
}
