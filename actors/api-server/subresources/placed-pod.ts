import type { Pod } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { badRequest, type Failure, isFailure, notFound } from "../../../protocol/status";
import { type ResourceCall, refuse, storageFailure } from "../call";
import { subjectOf } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { keyOfObject } from "../storage/keys";
import { readEntry } from "../storage/store";

/**
 * Reads the Pod that the call names and passes on what its kubelet is to be asked, together with the name of its node. A Pod that is not
 * there or has no node, and a request that `requestOf` finds wrong, are refused.
 */
export function withPlacedPod<R extends { readonly kind: string }>(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  requestOf: (pod: Stored<Pod>, ctx: Ctx) => R | Failure,
  then: (state: ServerState, ctx: Ctx, node: string, request: R) => undefined,
): undefined {
  const key = keyOfObject(call.resource, call.request.namespace, call.request.name);
  return readEntry(
    state,
    ctx,
    key,
    call.deadlineUs,
    (state, read, ctx) => {
      if (read.type !== "done") return refuse(ctx, call, storageFailure(read));
      if (!read.entry) return refuse(ctx, call, notFound(subjectOf(call)));
      const pod = read.entry.object as Stored<Pod>;
      const request = requestOf(pod, ctx);
      if (isFailure(request)) return refuse(ctx, call, request);
      const node = pod.spec?.nodeName;
      if (!node) return refuse(ctx, call, badRequest(`pod ${pod.metadata.name} does not have a host assigned`));
      return then(state, ctx, node, request);
    },
    cacheOf(state.feed, call.resource).get(key),
  );
}
