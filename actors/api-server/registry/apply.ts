import { notImplemented } from "../../../protocol/status";
import { type ResourceCall, refuse } from "../call";
import type { Ctx, ServerState } from "../state";

export function apply(_state: ServerState, ctx: Ctx, call: ResourceCall, _document: unknown): undefined {
  return refuse(ctx, call, notImplemented("server-side apply"));
}
