import { configMaps, secrets } from "../client";
import type { Values } from "./environment";
import { followedOf, type PodWorker } from "./pod-worker";
import { type Reference, wrongWithReference } from "./references";
import { type Ctx, nowMsOf, type State } from "./state";

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
    keep(now, next, result.ok ? result.object : undefined, nowMsOf(later));
    resolveReferences(s, now, references, later, then);
    return undefined;
  });
}

/** Looks again at what a volume is filled from. Where it cannot be seen, what was seen last holds; what may be missing and is, is gone. */
export function lookUp(state: State, worker: PodWorker, reference: Reference, ctx: Ctx, then: (state: State, ctx: Ctx) => undefined): void {
  const { uid } = worker;
  const target = { namespace: worker.pod.metadata.namespace ?? "", name: reference.name };
  state.client.get<Data>(ctx, reference.kind === "configmap" ? configMaps : secrets, target, (s, result, later) => {
    const now = s.workers.get(uid);
    if (now && (result.ok || (reference.optional && result.status.reason === "NotFound")))
      keep(now, reference, result.ok ? result.object : undefined, nowMsOf(later));
    else if (now) followedOf(now).seenMs.set(`${reference.kind}/${reference.name}`, nowMsOf(later));
    return then(s, later);
  });
}

function keep(worker: PodWorker, { kind, name }: Reference, object: Data | undefined, nowMs: number): void {
  const { referenced } = worker;
  const { seenMs, immutable } = followedOf(worker);
  const key = `${kind}/${name}`;
  if (object) referenced.set(key, valuesOf(kind, object));
  else referenced.delete(key);
  if (object?.immutable) immutable.add(key);
  seenMs.set(key, nowMs);
}

interface Data {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Values as a process sees them: a Secret's are base64 in the API. What is no text stays bytes. */
function valuesOf(kind: Reference["kind"], { data = {}, binaryData = {} }: Data): Values {
  return new Map([
    ...Object.entries(data).map(([key, value]) => [key, kind === "secret" ? textOf(Buffer.from(value, "base64")) : value] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
}

function textOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const keyOf = ({ kind, name, keys }: Reference) => `${kind}/${name}/${keys.join(",")}`;
