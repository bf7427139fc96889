import { isFailure } from "../../../protocol/status";
import { type ResourceCall, refuse, respondObject } from "../call";
import { awaitConverted } from "../custom-resources/webhook-conversion";
import type { Ctx, ServerState } from "../state";
import type { Entry } from "../storage/entry";
import { type Rendering, renderObject } from "./render";

/** Answers with one object in the version and form that were asked for; a webhook may have to convert it first. */
export function answerObject(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  rendering: Rendering,
  code: number,
  entry: Entry,
  warnings: readonly string[] = [],
): undefined {
  if (!call.kind.custom) return respondObject(ctx, call, code, renderObject(rendering, entry, ctx.wallUs() / 1000), warnings);
  return awaitConverted(state, ctx, call.kind, [entry], (_state, refusal, ctx) =>
    isFailure(refusal)
      ? refuse(ctx, call, refusal)
      : respondObject(ctx, call, code, renderObject(rendering, entry, ctx.wallUs() / 1000), warnings),
  );
}
