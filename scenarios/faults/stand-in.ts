import { encode, type Message } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import type { Gate } from "../../runtime/interposer";

/** Answers an ask in the name of the actor that it was meant for, which never hears of it. */
export function answerInItsPlace(gate: Gate, asked: Envelope, body: Message): void {
  gate.send(answerTo(asked, body));
}

/** The answer to an ask as its envelope, from whom it was meant for. */
export function answerTo(asked: Envelope, body: Message): Envelope {
  return {
    ...asked,
    operation: "answer",
    to: asked.from,
    from: asked.to,
    toIncarnation: asked.fromIncarnation,
    // Whoever reads it knows the conversation by its number alone.
    fromIncarnation: asked.toIncarnation,
    fromOpener: false,
    deadlineMs: 0,
    kind: body.kind,
    body: encode(body),
  };
}
