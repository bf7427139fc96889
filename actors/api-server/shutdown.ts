import type { Address } from "../../protocol/address";
import { roleOf } from "../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { text } from "./health";
import { leaveMembership } from "./membership";
import { endAllWatches } from "./registry/watchers";
import { endAllRelays } from "./relays";
import type { Ctx, ServerState } from "./state";

/**
 * How an API server goes: it says so (readyz fails, its address leaves the endpoints) while it goes on to serve for shutdown-delay-duration, so
 * that those who send it clients hear of it; then it takes nothing new, ends the watches with a last bookmark and streams that
 * others serve (logs that are followed, exec, attach, port-forward), and finishes what is under way.
 */
export type Shutdown = "serving" | "announced" | "draining";

export const shutdownTimer = "shutdown";

/** Whether somebody may tell this server to go, or to take another configuration: only its own door. */
export function isOwnDoor(from: Address): boolean {
  return roleOf(from) === "gateway";
}

/** The first sign: everybody is told, nobody is turned away yet. */
export function beginShutdown(state: ServerState, ctx: Ctx): undefined {
  if (state.shutdown !== "serving") return;
  state.shutdown = "announced";
  ctx.log("info", "the API server is going", { delayMs: state.knobs["shutdown-delay-duration"] });
  leaveMembership(state, ctx);
  ctx.setTimer(shutdownTimer, state.knobs["shutdown-delay-duration"]);
}

/** On the timer: from now on nothing new is taken, and watchers go to another server. */
export function drain(state: ServerState, ctx: Ctx): undefined {
  state.shutdown = "draining";
  endAllRelays(state, ctx);
  endAllWatches(state, ctx);
  return sayGoodbye(state, ctx);
}

/** To be called when the server drains and when a request has been answered: whoever wants to hear of its end does, once nothing is under way. */
export function sayGoodbye({ shutdown, metrics: { inFlight }, goodbyes }: ServerState, ctx: Ctx): undefined {
  if (shutdown !== "draining" || inFlight.readOnly + inFlight.mutating > 0) return;
  for (const request of goodbyes.splice(0)) ctx.reply(request, text(200, "ok"));
}

/** What is said to a request that comes too late; those of health checks and of this server itself are answered to the end. */
export function tooLate({ shutdown }: Pick<ServerState, "shutdown">, { userAgent }: ApiRequest): ApiResponse | undefined {
  if (shutdown !== "draining" || userAgent.startsWith("kube-apiserver/")) return undefined;
  const answer = text(429, "The apiserver is shutting down, please try again later.\n");
  return { ...answer, headers: [...answer.headers, ["Retry-After", "5"], ["Connection", "close"]] };
}
