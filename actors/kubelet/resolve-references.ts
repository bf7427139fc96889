import { configMaps, secrets } from "../client";
import type { PodWorker } from "./pod-worker";
import { type Reference, wrongWithReference } from "./references";
import type { Ctx, State } from "./state";

/** Called with undefined when all is there, else with what is wrong with the first that is not. */
type Then<R> = (
  state: State,
  worker: PodWorker,
  failure: { readonly reference: R; readonly message: string } | undefined,
  ctx: Ctx,
) => undefined;

/**
 * Looks whether what a pod refers to is there, one after the other. What has been seen once for this pod is not asked for again: a container must be able
 * to restart while the API cannot be reached.
 */
export function resolveReferences<R extends Reference>(
  state: State,
  worker: PodWorker,
  references: readonly R[],
  ctx: Ctx,
  then: Then<R>,
): void {
  const next = references.find((reference) => !worker.resolved.has(keyOf(reference)));
  if (next === undefined) {
    then(state, worker, undefined, ctx);
    return;
  }
  const { uid } = worker;
  const { namespace = "" } = worker.pod.metadata;
  const resource = next.kind === "configmap" ? configMaps : secrets;
  state.client.get<{ readonly data?: object; readonly binaryData?: object }>(
    ctx,
    resource,
    { namespace, name: next.name },
    (s, result, later) => {
      const now = s.workers.get(uid);
      if (!now) return undefined;
      if (!result.ok && result.status.reason !== "NotFound") {
        const message = `failed to sync ${next.kind} cache: ${result.status.message}`;
        return then(s, now, { reference: next, message }, later);
      }
      const data = result.ok
        ? new Set([...Object.keys(result.object.data ?? {}), ...Object.keys(result.object.binaryData ?? {})])
        : undefined;
      const message = wrongWithReference(next, namespace, data);
      if (message !== undefined) return then(s, now, { reference: next, message }, later);
      now.resolved.add(keyOf(next));
      resolveReferences(s, now, references, later, then);
      return undefined;
    },
  );
}

const keyOf = ({ kind, name, keys }: Reference) => `${kind}/${name}/${keys.join(",")}`;
