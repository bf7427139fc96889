import type { Ctx, ServerState } from "../state";

/**
 * Long work in pieces: while a list of tens of thousands is looked through and put together, everybody else's requests have their turns. What is
 * worked on does not change: entries are of one revision, whatever comes meanwhile.
 */
export interface Pieces {
  nextId: number;
  readonly waiting: Map<string, (state: ServerState, input: undefined, ctx: Ctx) => undefined>;
}

/** So many objects at a time: where each has to be decoded, that takes some milliseconds. */
export const pieceSize = 500;

/** Timers go before new requests: these need a moment in which none is due. */
const pauseMs = 1;

const timerPrefix = "piece/";

export function newPieces(): Pieces {
  return { nextId: 1, waiting: new Map() };
}

/** Works on all items, a piece at a time, the first at once, and then goes on. `work` answers whether there is no need of more. */
export function inPieces<T>(
  state: ServerState,
  ctx: Ctx,
  items: readonly T[],
  work: (item: T, index: number) => boolean,
  then: (state: ServerState, ctx: Ctx) => undefined,
): undefined {
  return piece(state, ctx, 0);

  function piece(state: ServerState, ctx: Ctx, from: number): undefined {
    const to = Math.min(items.length, from + pieceSize);
    for (let index = from; index < to; index++) if (work(items[index]!, index)) return then(state, ctx);
    if (to === items.length) return then(state, ctx);
    return after(state, ctx, pauseMs, (state, ctx) => piece(state, ctx, to));
  }
}

/** Goes on after a while. */
export function after(state: ServerState, ctx: Ctx, delayMs: number, then: (state: ServerState, ctx: Ctx) => undefined): undefined {
  const name = timerPrefix + state.pieces.nextId++;
  state.pieces.waiting.set(
    name,
    ctx.keep((state, _: undefined, ctx) => then(state, ctx)),
  );
  ctx.setTimer(name, delayMs);
}

/** The timers of pieces; answers true for them. */
export function onPieceTimer(state: ServerState, ctx: Ctx, name: string): boolean {
  if (!name.startsWith(timerPrefix)) return false;
  const next = state.pieces.waiting.get(name);
  state.pieces.waiting.delete(name);
  next?.(state, undefined, ctx);
  return true;
}
