import type { ApiObject, JsonObject } from "../../../../protocol/kinds/object";
import { apiVersionOf, type GroupVersionKind } from "../../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../../protocol/status";
import type { ResourceCall } from "../../call";
import { fetchNeeded } from "../../registry/cluster-view";
import type { Ctx, ServerState } from "../../state";
import { mutate, neededBy, validate } from "../index";
import { admitBody, mayMutate, mayValidate } from "./index";
import { Notes, reviewOf, writeOptions } from "./review";

export interface AdmittedBody<T> {
  readonly object: T;
  readonly warnings: readonly string[];
}

/** What is sent to a subresource that is not a part of its object, or as a question, as plug-ins, policies and webhooks leave it; a Failure where they refuse it. */
export function admitSubresource<T extends object>(
  state: ServerState,
  ctx: Ctx,
  call: AskedCall,
  operation: "CREATE" | "CONNECT",
  body: GroupVersionKind,
  given: T,
  dryRun: boolean,
  then: (state: ServerState, admitted: AdmittedBody<T> | Failure, ctx: Ctx) => undefined,
): undefined {
  return askPlugins(state, ctx, call, operation, given, (state, admitted, ctx) =>
    isFailure(admitted) ? then(state, admitted, ctx) : askOthers(state, ctx, call, operation, body, admitted, dryRun, then),
  );
}

/** What plug-ins make of what is posted to a subresource: a Binding, an Eviction, a TokenRequest. */
function askPlugins<T extends object>(
  state: ServerState,
  ctx: Ctx,
  { kind, request, user, deadlineUs }: AskedCall,
  operation: "CREATE" | "CONNECT",
  given: T,
  then: (state: ServerState, admitted: T | Failure, ctx: Ctx) => undefined,
): undefined {
  const { subresource, namespace, name } = request;
  if (operation !== "CREATE" || subresource === "") return then(state, given, ctx);
  const object = { metadata: {}, ...given } as unknown as ApiObject;
  const base = { operation, kind, subresource, namespace, name, user, object, old: undefined, suffix: "" };
  return fetchNeeded(state, ctx, neededBy(base, state.plugins), deadlineUs, (state, cluster, ctx) => {
    if (isFailure(cluster)) return then(state, cluster, ctx);
    const admitted = mutate({ ...base, cluster });
    if (isFailure(admitted)) return then(state, admitted, ctx);
    const refusal = validate({ ...base, object: admitted, cluster });
    return then(state, refusal ?? (admitted === object ? given : (admitted as unknown as T)), ctx);
  });
}

type AskedCall = Pick<ResourceCall, "kind" | "request" | "user" | "deadlineUs" | "caller">;

function askOthers<T extends object>(
  state: ServerState,
  ctx: Ctx,
  call: AskedCall,
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
