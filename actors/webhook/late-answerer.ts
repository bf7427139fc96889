import type { Message } from "../../protocol/codec";
import type { Actor, RequestRef } from "../../runtime/actor";
import { drawMs, type MsRange } from "../container-runtime/image-behaviour";

export interface Lateness {
  /** How long one answer takes. */
  readonly latencyMs: MsRange;
}

interface State<C, M> {
  readonly config: C;
  /** Those who wait for their answer, by the timer. */
  readonly waiting: Map<string, { readonly request: RequestRef; readonly body: M }>;
  next: number;
}

/** What such an actor says, apart from when. */
interface Sayings<C, M> {
  answer(config: C, body: M, wallMs: number): M;
  /** Why it does not answer that at all. */
  refusal?(body: M): string | undefined;
  /** What whoever opens a stream is told. */
  readonly noStream: string;
}

/** Somebody outside of the cluster whom it asks, on a host of their own: each request is answered by itself and after a while, in whatever order. It owns no disk, and nobody sends it datagrams. */
export function lateAnswerer<C extends Lateness, M extends Message>(role: string, says: Sayings<C, M>): Actor<C, State<C, M>, M> {
  return {
    role,
    start: (config) => ({ config, waiting: new Map(), next: 0 }),
    receive(state, input, ctx) {
      switch (input.type) {
        case "request": {
          const { body, request } = input;
          const refusal = says.refusal?.(body);
          if (refusal !== undefined) return void ctx.refuse(request, refusal);
          const timer = `answer:${state.next++}`;
          state.waiting.set(timer, { request, body });
          return void ctx.setTimer(timer, drawMs(state.config.latencyMs, ctx.random("latency")));
        }
        case "timer": {
          const waiting = state.waiting.get(input.name);
          if (!waiting) return;
          state.waiting.delete(input.name);
          return void ctx.reply(waiting.request, says.answer(state.config, waiting.body, ctx.wallUs() / 1000));
        }
        case "opened":
          return void ctx.close(input.stream, "refused", says.noStream);
        case "closed":
        case "item":
        case "message":
        case "persisted":
        case "diskFailed":
          return;
      }
    },
  };
}
