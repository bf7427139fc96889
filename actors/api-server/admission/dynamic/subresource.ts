import type { JsonObject } from "../../../../protocol/kinds/object";
import { apiVersionOf, type GroupVersionKind } from "../../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../../protocol/status";
import type { ResourceCall } from "../../call";
import type { Ctx, ServerState } from "../../state";
import { admitBody, mayMutate, mayValidate } from "./index";
import { Notes, reviewOf, writeOptions } from "./review";

export interface AdmittedBody<T> {
  readonly object: T;
  readonly warnings: readonly string[];
}

/** What is sent to a subresource that is not a part of its object, or as a question, as policies and webhooks leave it; a Failure where they refuse it. */
export function admitSubresource<T extends object>(
  state: ServerState,
  ctx: Ctx,
  call: Pick<ResourceCall, "kind" | "request" | "user" | "deadlineUs" | "caller">,
  operation: "CREATE" | "CONNECT",
  body: GroupVersionKind,
  given: T,
  dryRun: boolean,
  then: (state: ServerState, admitted: AdmittedBody<T> | Failure, ctx: Ctx) => undefined,
): undefined {
  if (!mayMutate(state, call.kind) && !mayValidate(state, call.kind)) return then(state, { object: given, warnings: [] }, ctx);
  const notes = new Notes(call.caller.exchange.annotations);
  const object = { kind: body.kind, apiVersion: apiVersionOf(body), ...given } as unknown as JsonObject;
  const options = operation === "CONNECT" ? undefined : writeOptions(call, "CreateOptions");
  const review = reviewOf(call, operation, { body, object, options, dryRun });
  return admitBody(state, ctx, review, { notes, deadlineUs: call.deadlineUs }, (state, admitted, ctx) =>
    then(state, isFailure(admitted) ? admitted : { object: admitted as unknown as T, warnings: notes.warnings }, ctx),
  );
}
