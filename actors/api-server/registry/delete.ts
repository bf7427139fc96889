import type { DeleteOptions, Namespace, Pod } from "../../../protocol/kinds/generated";
import { type ApiObject, type JsonObject, type Stored, timestamp } from "../../../protocol/kinds/object";
import { badRequest, conflict, type Failure, invalid, isFailure, modifiedConflict, notFound } from "../../../protocol/status";
import { admitBody, mayMutate, mayValidate, Notes, reviewOf } from "../admission/dynamic/index";
import { mutate, validate } from "../admission/index";
import { deletedStatus, type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { markedForCleanup } from "../custom-resources/finalizing";
import { convertedFirst } from "../custom-resources/webhook-conversion";
import { decodeAs, isObject } from "../objects/decode";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate, type Later, type UpdateOutcome } from "../storage/guaranteed-update";
import { definitionsResource, keyOfObject } from "../storage/keys";
import { answerObject } from "./answer-object";
import { dryRunOf, parseBody } from "./body";
import { viewOf } from "./cluster-view";
import { servedObject } from "./conversion";
import { recordWrite } from "./facts";
import { isTrue } from "./list-options";
import { renderingOf } from "./read";
import { isService, releaseOfService } from "./service-allocation";

/** DELETE: the object goes at once, or is marked and goes when its grace is over and its finalizers are gone. */
export function remove(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const options = deleteOptions(call);
  if (isFailure(options)) return refuse(ctx, call, options);
  const rendering = renderingOf(call, "object");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  return removeOne(state, ctx, call, call.request.name, options, (state, outcome, ctx, warnings) => {
    const settled = settle(call, outcome);
    if (isFailure(settled)) return refuse(ctx, call, settled);
    const { entry, gone } = settled;
    if (gone && !returnsObject.has(call.resource.name))
      return respondObject(ctx, call, 200, encodeJson(deletedStatus(call.kind, call.request.name, entry.object.metadata.uid)), warnings);
    return answerObject(state, ctx, call, rendering, 200, entry, warnings);
  });
}

/** Kinds whose last state is answered when they are gone, instead of a Status. */
const returnsObject: ReadonlySet<string> = new Set([
  "pods",
  "podtemplates",
  "resourcequotas",
  "serviceaccounts",
  "services",
  "persistentvolumes",
  "persistentvolumeclaims",
]);

function settle(call: ResourceCall, outcome: UpdateOutcome): { readonly entry: Entry; readonly gone: boolean } | Failure {
  const subject = { group: call.kind.group, resource: call.kind.plural, name: call.request.name };
  switch (outcome.type) {
    case "put":
      return { entry: outcome.entry, gone: false };
    case "deleted":
      return { entry: outcome.entry, gone: true };
    case "kept":
      return outcome.entry ? { entry: outcome.entry, gone: false } : notFound(subject);
    case "refused":
      return outcome.status;
    case "contended":
      return modifiedConflict(subject);
    case "failed":
    case "unknown":
      return storageFailure(outcome);
  }
}

/** Deletes one object of the call's resource by its name; shared with deletecollection and eviction. */
export function removeOne(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  name: string,
  options: DeleteOptions,
  then: (state: ServerState, outcome: UpdateOutcome, ctx: Ctx, warnings: readonly string[]) => undefined,
): undefined {
  const { kind, resource, request, user, deadlineUs } = call;
  const key = keyOfObject(resource, request.namespace, name);
  const dryRun = (options.dryRun ?? []).length > 0;
  const subject = { group: kind.group, resource: kind.plural, name };
  const plan = {
    ...{ key, cached: cacheOf(state.feed, resource).get(key), deadlineUs, dryRun },
    change(current: Entry | undefined, nowMs: number): Decision | Later<ServerState> {
      if (!current) return { type: "refuse", status: notFound(subject) };
      const unconverted = convertedFirst(kind, current, () => plan.change(current, nowMs));
      if (unconverted) return unconverted;
      const object = servedObject(kind, resource, current);
      const unmet = preconditionFailure(subject, current.object, options);
      if (unmet) return { type: "refuse", status: unmet };
      const admission = {
        ...({ operation: "DELETE", kind, subresource: "", namespace: request.namespace, name, object, old: object, user } as const),
        suffix: "",
        cluster: viewOf(state, nowMs),
      };
      const admitted = mutate(admission);
      const refusal = isFailure(admitted) ? admitted : validate(admission);
      if (refusal) return { type: "refuse", status: refusal };
      const going = resource === definitionsResource ? markedForCleanup(current.object, nowMs) : current.object;
      const decision = deletion(resource.name, going, options, nowMs, isService(kind));
      // Whoever evicts a Pod has had the Eviction admitted, not the deletion that follows.
      if (request.subresource !== "" || !(mayMutate(state, kind) || mayValidate(state, kind))) return decision;
      return { type: "later", ask: (state, ctx, then) => admitDeletion(state, ctx, object, decision, then) };
    },
  };
  const notes = new Notes(call.caller.exchange.annotations);
  return guaranteedUpdate(state, ctx, plan, (state, outcome, ctx) => {
    if (!dryRun && (outcome.type === "put" || outcome.type === "deleted")) recordWrite(ctx, call, "delete", name, outcome.entry.revision);
    return then(state, outcome, ctx, notes.warnings);
  });

  function admitDeletion(
    state: ServerState,
    ctx: Ctx,
    object: Stored<ApiObject>,
    decision: Decision,
    then: (state: ServerState, decision: Decision, ctx: Ctx) => undefined,
  ): undefined {
    const review = reviewOf(call, "DELETE", {
      // Those of a collection are not named.
      name: request.verb === "deletecollection" ? "" : name,
      old: object as unknown as JsonObject,
      options: { ...options, kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1" },
      dryRun,
    });
    return admitBody(state, ctx, review, { notes, deadlineUs }, (state, refusal, ctx) =>
      then(state, isFailure(refusal) ? { type: "refuse", status: refusal } : decision, ctx),
    );
  }
}

function preconditionFailure(
  subject: Parameters<typeof conflict>[0],
  object: Stored<ApiObject>,
  { preconditions }: DeleteOptions,
): Failure | undefined {
  const { uid, resourceVersion } = object.metadata;
  if (preconditions?.uid && preconditions.uid !== uid)
    return conflict(subject, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`);
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion)
    return conflict(
      subject,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  return undefined;
}

/** What a deletion makes of an object: pure. A mark (deletionTimestamp) where something still has to happen first, otherwise nothing is left. */
export function deletion(resource: string, object: Stored<ApiObject>, options: DeleteOptions, nowMs: number, isService = false): Decision {
  const { metadata } = object;
  const finalizers = finalizersAfter(resource, metadata.finalizers ?? [], options);
  const graceSeconds = graceOf(resource, object, options);
  const marked = metadata.deletionTimestamp !== undefined;
  const waits =
    graceSeconds > 0 ||
    finalizers.length > 0 ||
    (resource === "namespaces" && ((object as Stored<Namespace>).spec?.finalizers ?? []).length > 0);
  if (!waits) return { type: "delete", ...(isService ? { alongside: releaseOfService(object) } : {}) };
  const shorter = marked && graceSeconds < (metadata.deletionGracePeriodSeconds ?? 0);
  if (marked && !shorter && finalizers.length === (metadata.finalizers ?? []).length) return { type: "keep" };
  const { finalizers: _, ...rest } = metadata;
  const startMs = marked ? Date.parse(metadata.deletionTimestamp!) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000 : nowMs;
  const stamp =
    marked && !shorter
      ? {}
      : {
          deletionTimestamp: timestamp(startMs + graceSeconds * 1000),
          deletionGracePeriodSeconds: graceSeconds,
          ...(metadata.generation !== undefined && !marked ? { generation: metadata.generation + 1 } : {}),
        };
  const named = { ...object, metadata: { ...rest, ...stamp, ...(finalizers.length > 0 ? { finalizers } : {}) } };
  const result =
    resource === "namespaces" ? { ...named, status: { ...(object as Stored<Namespace>).status, phase: "Terminating" } } : named;
  return { type: "put", stored: encodeStored(result) };
}

/** Only Pods have a grace: what the options say, else what the Pod says; none where no kubelet runs it or it has ended. */
function graceOf(resource: string, object: Stored<ApiObject>, options: DeleteOptions): number {
  if (resource !== "pods") return 0;
  const { spec, status, metadata } = object as Stored<Pod>;
  if (!spec?.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
  const asked = options.gracePeriodSeconds ?? undefined;
  const { deletionTimestamp, deletionGracePeriodSeconds: granted = 0 } = metadata;
  if (deletionTimestamp !== undefined) return asked === undefined ? granted : Math.min(granted, Math.max(0, asked));
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

const orphan = "orphan";
const foreground = "foregroundDeletion";
/** By old custom these leave their Pods behind unless told otherwise. */
const orphansByDefault: ReadonlySet<string> = new Set(["replicationcontrollers", "jobs.batch"]);

/** The propagation policy is kept as a finalizer, which the garbage collector takes away when it has done its part. */
function finalizersAfter(
  resource: string,
  finalizers: readonly string[],
  { propagationPolicy, orphanDependents }: DeleteOptions,
): readonly string[] {
  const legacy = orphanDependents === undefined ? undefined : orphanDependents ? "Orphan" : "Background";
  const has = finalizers.includes(orphan) ? "Orphan" : finalizers.includes(foreground) ? "Foreground" : undefined;
  const policy = propagationPolicy ?? legacy ?? has ?? (orphansByDefault.has(resource) ? "Orphan" : "Background");
  const others = finalizers.filter((name) => name !== orphan && name !== foreground);
  if (policy === "Orphan") return [...others, orphan];
  return policy === "Foreground" ? [...others, foreground] : others;
}

const policies: ReadonlySet<string> = new Set(["Orphan", "Background", "Foreground"]);

/** The options of a deletion, from the body or, where there is none, from the query. */
export function deleteOptions({ request }: ResourceCall): DeleteOptions | Failure {
  const { query } = request;
  const body = request.body.length > 0 ? parseBody(request) : {};
  if (isFailure(body)) return body;
  if (isObject(body) && body.kind !== undefined && body.kind !== "DeleteOptions")
    return badRequest(`${JSON.stringify(body.kind)} cannot be handled as a DeleteOptions: the kinds do not match`);
  const decoded = decodeAs("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", body ?? {});
  if (!decoded.ok) return badRequest(decoded.message);
  const given = decoded.value as DeleteOptions;
  const seconds = query.gracePeriodSeconds;
  if (seconds !== undefined && !/^-?\d{1,15}$/.test(seconds))
    return badRequest(`strconv.ParseInt: parsing ${JSON.stringify(seconds)}: invalid syntax`);
  const dryRun = dryRunOf(given.dryRun ?? query.dryRun, request.verb);
  if (isFailure(dryRun)) return dryRun;
  const options: DeleteOptions = {
    ...given,
    ...(given.gracePeriodSeconds === undefined && seconds !== undefined ? { gracePeriodSeconds: Number(seconds) } : {}),
    ...(given.propagationPolicy === undefined && query.propagationPolicy ? { propagationPolicy: query.propagationPolicy } : {}),
    ...(given.orphanDependents === undefined && query.orphanDependents ? { orphanDependents: isTrue(query.orphanDependents) } : {}),
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
  return wrongOptions(options) ?? options;
}

function wrongOptions({ propagationPolicy, orphanDependents }: DeleteOptions): Failure | undefined {
  const subject = { group: "meta.k8s.io", resource: "deleteoptions", kind: "DeleteOptions" };
  if (propagationPolicy !== undefined && !policies.has(propagationPolicy))
    return invalid(subject, [
      {
        reason: "FieldValueNotSupported",
        field: "propagationPolicy",
        message: `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
      },
    ]);
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    return invalid(subject, [
      {
        reason: "FieldValueInvalid",
        field: "propagationPolicy",
        message: `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
      },
    ]);
  return undefined;
}
