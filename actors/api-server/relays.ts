import type { ApiRequest } from "../../protocol/api";
import type { StreamRef } from "../../runtime/actor";
import { streamEnded } from "./audit/audit";
import type { Ctx, ServerState } from "./state";

/** A stream that somebody else serves and that this server only joins to its caller's: a log that is followed, a tunnel, what an aggregated server streams. */
export interface Relay {
  /** The kubelet's, or the aggregated server's. */
  readonly remote: StreamRef;
  readonly caller: StreamRef;
  readonly request: ApiRequest;
}

/** By the key of the caller's stream. */
export type Relays = Map<string, Relay>;

export function newRelay({ relays }: ServerState, relay: Relay): void {
  relays.set(relay.caller.key, relay);
}

/** The caller has gone: the other end is told. */
export function relayCallerGone({ relays }: ServerState, ctx: Ctx, stream: StreamRef): undefined {
  const relay = relays.get(stream.key);
  if (!relay) return;
  relays.delete(stream.key);
  ctx.close(relay.remote);
}

/** The server goes: each caller's stream ends as if the other side had ended it, so that a client sees an end and not a broken connection. */
export function endAllRelays(state: ServerState, ctx: Ctx): void {
  for (const { caller, remote } of [...state.relays.values()]) {
    state.relays.delete(caller.key);
    ctx.close(remote);
    ctx.close(caller);
    streamEnded(state, ctx, caller.key);
  }
}
