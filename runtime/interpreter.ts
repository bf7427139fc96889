import { encode } from "../protocol/codec";
import type { Effect } from "./actor";
import type { Cell } from "./cell";
import type { Continuations } from "./collector";
import type { Host } from "./host";

/** Performs effects in their order; an interposer of the host may let the actor or the host die in between, and the rest with it. */
export function performAll(host: Host, cell: Cell, effects: readonly Effect[], continuations: Continuations, synced = false): void {
  for (const effect of effects) {
    const { performs, dies } = host.fateOf(cell, effect, synced);
    if (performs) perform(host, cell, effect, continuations);
    if (dies === "nobody") continue;
    return host.strike(cell, dies, `crashed on purpose ${performs ? "after" : "before"} it wanted to ${effect.type}`);
  }
}

/** Performs one effect of a turn that has ended well. The only place where effects become deeds; a new kind of effect does not compile until it is here. */
function perform(host: Host, cell: Cell, effect: Effect, continuations: Continuations): void {
  const { conversations } = host;
  switch (effect.type) {
    case "send":
      conversations.transmit(cell, effect.to, "tell", { kind: effect.kind, body: effect.body });
      return;
    case "ask": {
      const then = continuations.asks.get(effect.id);
      if (then === undefined) throw new Error(`ask ${effect.id} of ${cell.address} has no continuation`);
      host.keepAsk(cell, effect, then);
      const sent = conversations.transmit(cell, effect.to, "ask", {
        id: effect.id,
        fromOpener: true,
        deadlineMs: Math.ceil(effect.deadlineMs),
        kind: effect.kind,
        body: effect.body,
      });
      if (!sent)
        host.enqueue(cell, { type: "answer", id: effect.id, answer: { ok: false, error: "refused", detail: `no actor ${effect.to}` } });
      return;
    }
    case "reply":
      host.answer(cell, "answer", effect.request, effect.kind, effect.body);
      return;
    case "refuse":
      host.answer(cell, "refuse", effect.request, "refused", encode({ kind: effect.detail }));
      return;
    case "open":
      conversations.begin(cell, effect.id, effect.to, effect.kind, effect.body, continuations.opens.get(effect.id) ?? null);
      return;
    case "push":
      conversations.push(cell, effect.stream.key, effect.kind, effect.body);
      return;
    case "close":
      conversations.close(cell, effect.stream.key, effect.reason, effect.detail);
      return;
    case "setTimer":
      host.setTimer(cell, effect.name, effect.delayUs);
      return;
    case "cancelTimer":
      host.cancelTimer(cell, effect.name);
      return;
    case "persist": {
      const { incarnation } = cell;
      const { token } = effect;
      host.ports.disk.write(
        cell.address,
        effect.operations,
        () => {
          if (!host.alive(cell, incarnation)) return;
          performAll(host, cell, effect.then, continuations, true);
          if (!host.alive(cell, incarnation)) return;
          if (token !== "") host.enqueue(cell, { type: "persisted", token });
        },
        (detail) => {
          if (host.alive(cell, incarnation)) host.enqueue(cell, { type: "diskFailed", token, detail });
        },
      );
      return;
    }
    case "spawn":
      host.spawn(cell, effect.address, effect.config);
      return;
    case "stop":
      host.stop(effect.address);
      return;
    case "sign": {
      const then = continuations.signs.get(effect.id);
      if (then === undefined) throw new Error(`sign ${effect.id} of ${cell.address} has no continuation`);
      cell.signs.set(effect.id, then);
      host.signed(cell, effect.id, host.ports.secrets.perform(effect.request));
      return;
    }
    case "record":
      host.observe({ type: "fact", actor: cell.address, fact: effect.fact });
      return;
    case "log":
      host.observe({ type: "log", actor: cell.address, level: effect.level, message: effect.message, fields: effect.fields });
      return;
    default:
      return effect satisfies never;
  }
}
