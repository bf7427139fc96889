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
  state.client.get<Data>(ctx, resource, { namespace, name: next.name }, (s, result, later) => {
    const now = s.workers.get(uid);
    if (!now) return undefined;
    if (!result.ok && result.status.reason !== "NotFound") {
      const message = `failed to sync ${next.kind} cache: ${result.status.message}`;
      return then(s, now, { reference: next, message }, later);
    }
    const data = result.ok ? valuesOf(next.kind, result.object) : undefined;
    const message = wrongWithReference(next, namespace, data && new Set(data.keys()));
    if (message !== undefined) return then(s, now, { reference: next, message }, later);
    now.resolved.add(keyOf(next));
    if (data) now.referenced.set(`${next.kind}/${next.name}`, data);
    resolveReferences(s, now, references, later, then);
    return undefined;
  });
}

interface Data {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Values as a process sees them: a Secret's are base64 in the API. */
function valuesOf(kind: Reference["kind"], { data = {}, binaryData = {} }: Data): ReadonlyMap<string, string> {
  const decoded = (text: string) => Buffer.from(text, "base64").toString("utf8");
  return new Map([
    ...Object.entries(data).map(([key, value]) => [key, kind === "secret" ? decoded(value) : value] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, decoded(value)] as const),
  ]);
}

const keyOf = ({ kind, name, keys }: Reference) => `${kind}/${name}/${keys.join(",")}`;
