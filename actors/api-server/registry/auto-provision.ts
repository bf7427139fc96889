import type { ApiObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../protocol/status";
import { mutate } from "../admission/index";
import { type ResourceCall, storageFailure } from "../call";
import type { Ctx, ServerState } from "../state";
import { encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { keyOfObject, resourceNamed } from "../storage/keys";
import { nothingAlongside, writeGuarded } from "../storage/store";
import { viewOf } from "./cluster-view";
import { born, complete, wrongWithNew } from "./objects";

/**
 * Makes the namespace in which something is about to be created, where it is not there and NamespaceAutoProvision is on. A dry run makes none.
 * Source: "Admission Control", NamespaceAutoProvision.
 */
export function provideNamespace(
  state: ServerState,
  ctx: Ctx,
  { kind, request, user, deadlineUs }: Pick<ResourceCall, "kind" | "request" | "user" | "deadlineUs">,
  dryRun: boolean,
  then: (state: ServerState, refused: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  const { namespace: name } = request;
  if (state.knobs["admission-plugin-NamespaceAutoProvision"] !== 1 || !kind.namespaced || dryRun) return then(state, undefined, ctx);
  const resource = resourceNamed("", "v1", "namespaces");
  const key = keyOfObject(resource, "", name);
  if (cacheOf(state.feed, resource).get(key)) return then(state, undefined, ctx);
  const namespaces = kindOf("v1", "Namespace")!;
  const bare = complete(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } } as ApiObject);
  const admitted = mutate({
    ...({ operation: "CREATE", kind: namespaces, subresource: "", namespace: "", name, object: bare, old: undefined, user } as const),
    ...{ suffix: "", cluster: viewOf(state, ctx.wallUs() / 1000) },
  });
  if (isFailure(admitted)) return then(state, admitted, ctx);
  const made = born(namespaces, admitted, { uid: ctx.uuid(), nowMs: ctx.wallUs() / 1000, user });
  const wrong = wrongWithNew(namespaces, made);
  if (wrong) return then(state, wrong, ctx);
  const write = { key, expected: 0, stored: encodeStored(made), lease: 0, alongside: nothingAlongside };
  return writeGuarded(state, ctx, write, deadlineUs, (state, outcome, ctx) =>
    // Where somebody was faster it is there now, which is all that is wanted.
    then(state, outcome.type === "written" || outcome.type === "conflict" ? undefined : storageFailure(outcome), ctx),
  );
}
