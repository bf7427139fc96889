import { type ApiObject, isBeingDeleted, type JsonObject, type Stored } from "../../../protocol/kinds/object";
import { badRequest, conflict, type Failure, invalid, isFailure, modifiedConflict, notFound } from "../../../protocol/status";
import { admitMutating, admitValidating, mayMutate, mayValidate, Notes, reviewOf, writeOptions } from "../admission/dynamic/index";
import { mutate, validate, warn } from "../admission/index";
import { type ResourceCall, refuse, storageFailure } from "../call";
import { forgivenIn } from "../custom-resources/rules";
import { convertedFirst, convertForStorage, storesThroughWebhook } from "../custom-resources/webhook-conversion";
import { bodyOf } from "../objects/validation/field-error";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeStored, sameJson } from "../storage/entry";
import { withEventLease } from "../storage/event-lease";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate, type Later, type UpdateOutcome } from "../storage/guaranteed-update";
import { keyOfObject } from "../storage/keys";
import { nothingAlongside } from "../storage/store";
import { answerObject } from "./answer-object";
import { dryRunOf, fieldManagerOf, parseBody, receiveObject, wrongManager } from "./body";
import { viewOf } from "./cluster-view";
import { servedObject, toStored } from "./conversion";
import { recordWrite } from "./facts";
import { complete, tracked, updated, wrongWithUpdate } from "./objects";
import { chargeOf, quotasOf, together } from "./quota";
import { renderingOf } from "./read";
import type { Rendering } from "./render";
import { allocate, type Draws, drawFor, isService, releaseOfService } from "./service-allocation";

/** Makes the wanted object of the one that is stored; called again whenever that has changed meanwhile. */
export interface Wanted {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}
export type Make = (stored: Stored<ApiObject>, nowMs: number) => Wanted | Failure;

/** How one object is to be changed. */
export interface ChangePlan {
  /** Of the fact that is recorded. */
  readonly verb: string;
  readonly make: Make;
  /** Notes in the managedFields what changed hands. */
  readonly track: (stored: ApiObject, object: ApiObject, nowMs: number) => ApiObject;
  /** What to do where the object does not exist; 404 unless told. */
  readonly missing?: (state: ServerState, ctx: Ctx) => undefined;
}

/** PUT: the body replaces the object, or the part of it that the subresource is. */
export function update(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const { request, kind } = call;
  const json = parseBody(request, kind.kind);
  if (isFailure(json)) return refuse(ctx, call, json);
  const received = receiveObject(request, kind, json, request.namespace);
  if (isFailure(received)) return refuse(ctx, call, received);
  // A Namespace's default finalizer must not come back through the very request that takes it away.
  const object = request.subresource === "finalize" ? received.object : complete(kind, received.object);
  if (!object.metadata.name) return refuse(ctx, call, badRequest("name must be provided"));
  return change(state, ctx, call, { verb: "update", make: () => ({ object, warnings: received.warnings }), track: tracker(call) });
}

/** The tracking of every write but apply: the manager that the request names owns what it changed. */
export function tracker({ kind, request }: ResourceCall): ChangePlan["track"] {
  const manager = fieldManagerOf(request);
  return (stored, object, nowMs) => tracked(kind, stored, object, { manager, subresource: request.subresource, nowMs });
}

/** Changes one object under the rules of its kind, and answers with it. Shared by update, patch and apply. */
export function change(state: ServerState, ctx: Ctx, call: ResourceCall, how: ChangePlan): undefined {
  const { request, kind, resource } = call;
  const dryRun = dryRunOf(request.query.dryRun, request.verb);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  const rendering = renderingOf(call, "object");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  const unnamable = wrongManager(request);
  if (unnamable) return refuse(ctx, call, unnamable);
  const key = keyOfObject(resource, request.namespace, request.name);
  const draws = isService(kind) ? drawFor(state, ctx) : undefined;
  const uid = draws ? ctx.uuid() : "";
  let warnings: readonly string[] = [];
  let absent = false;
  let lease = 0;
  const plan = {
    key,
    cached: cacheOf(state.feed, resource).get(key),
    deadlineUs: call.deadlineUs,
    dryRun,
    change(current: Entry | undefined, nowMs: number): Decision | Later<ServerState> {
      absent = current === undefined;
      if (!current) return { type: "refuse", status: notFound(subjectOf(call)) };
      const unconverted = convertedFirst(kind, current, () => plan.change(current, nowMs));
      if (unconverted) return unconverted;
      const stored = servedObject(kind, resource, current);
      const wanted = how.make(stored, nowMs);
      if (isFailure(wanted)) return { type: "refuse", status: wanted };
      ({ warnings } = wanted);
      return decide(state, call, current, stored, wanted.object, how, { uid, nowMs, lease }, draws, (more) => {
        warnings = [...warnings, ...more];
      });
    },
  };
  return withEventLease(state, ctx, resource, call.deadlineUs, (state, granted, ctx) => {
    if (typeof granted !== "number") return refuse(ctx, call, storageFailure(granted));
    lease = granted;
    return guaranteedUpdate(state, ctx, plan, answer);
  });

  function answer(state: ServerState, outcome: UpdateOutcome, ctx: Ctx): undefined {
    if (outcome.type === "refused" && absent && how.missing) return how.missing(state, ctx);
    const entry = entryOfOutcome(outcome);
    if (isFailure(entry)) return refuse(ctx, call, entry, warnings);
    if (outcome.type === "put" && !dryRun) recordWrite(ctx, call, how.verb, request.name, entry.revision);
    if (outcome.type === "deleted" && !dryRun) recordWrite(ctx, call, "delete", request.name, entry.revision);
    return answerObject(state, ctx, call, rendering as Rendering, 200, entry, warnings);
  }

  function entryOfOutcome(outcome: UpdateOutcome): Entry | Failure {
    switch (outcome.type) {
      case "put":
      case "deleted":
        return outcome.entry;
      case "kept":
        return outcome.entry ?? notFound(subjectOf(call));
      case "refused":
        return outcome.status;
      case "contended":
        return modifiedConflict(subjectOf(call));
      case "failed":
      case "unknown":
        return storageFailure(outcome);
    }
  }
}

export function subjectOf({ kind, request }: ResourceCall) {
  return { group: kind.group, resource: kind.plural, name: request.name };
}

interface Fresh {
  readonly uid: string;
  readonly nowMs: number;
  /** What the object is to hang on: Events live on for an hour after each update, others have none. */
  readonly lease: number;
}

/** What becomes of the stored object when somebody wants it otherwise: pure, the whole of an update's rules. */
function decide(
  state: ServerState,
  call: ResourceCall,
  current: Entry,
  stored: Stored<ApiObject>,
  wanted: ApiObject,
  { track }: ChangePlan,
  fresh: Fresh,
  draws: Draws | undefined,
  tell: (warnings: readonly string[]) => void,
): Decision | Later<ServerState> {
  const { request, kind, resource, user } = call;
  const { subresource, namespace, name } = request;
  const stale = staleness(call, stored, wanted);
  if (stale) return { type: "refuse", status: stale };
  const object = updated(kind, stored, wanted, subresource, fresh.nowMs);
  const admission = {
    ...({ operation: "UPDATE", kind, subresource, namespace, name, object, old: stored, user } as const),
    ...{ suffix: "", cluster: viewOf(state, fresh.nowMs) },
  };
  const admitted = mutate(admission);
  if (isFailure(admitted)) return { type: "refuse", status: admitted };
  const notes = new Notes(call.caller.exchange.annotations);
  const asking = { notes, deadlineUs: call.deadlineUs };
  const dryRun = Boolean(request.query.dryRun);
  // Only webhooks and policies look at them.
  const options = () => writeOptions(call, "UpdateOptions");
  const json = (each: ApiObject) => each as unknown as JsonObject;
  if (!mayMutate(state, kind)) return checked(admitted);
  return {
    type: "later",
    ask: (state, ctx, then) => {
      const shown = json(track(stored, admitted, fresh.nowMs));
      const plugins = (made: JsonObject) =>
        mutate({ ...admission, object: made as unknown as ApiObject }) as unknown as JsonObject | Failure;
      const review = reviewOf(call, "UPDATE", { object: shown, old: json(stored), options: options(), dryRun });
      return admitMutating(state, ctx, review, { ...asking, plugins }, (state, made, ctx) => {
        if (isFailure(made)) {
          tell(notes.warnings);
          return then(state, { type: "refuse", status: made }, ctx);
        }
        return then(state, checked(made === shown ? admitted : updated(kind, stored, made as unknown as ApiObject, subresource)), ctx);
      });
    },
  };

  function checked(admitted: ApiObject): Decision | Later<ServerState> {
    // Nothing is asked for but what is there: not even the managers of its fields change.
    const isSame = !isBeingDeleted(stored) && sameJson(admitted, stored);
    const owned = isSame ? admitted : track(stored, admitted, fresh.nowMs);
    const refusal = isSame
      ? undefined
      : (wrongWithUpdate(kind, stored, owned, subresource, state.metrics.expressions) ?? validate({ ...admission, object: owned }, notes));
    if (refusal) return { type: "refuse", status: refusal };
    if (kind.custom) for (const error of forgivenIn(owned)) notes.warn(`${error.field}: ${bodyOf(error)}`);
    const pass = (state: ServerState): Decision | Later<ServerState> => {
      if (!isSame) return written(state, owned);
      tell(notes.warnings);
      return { type: "keep" };
    };
    if (!mayValidate(state, kind)) return pass(state);
    const review = reviewOf(call, "UPDATE", { object: json(owned), old: json(stored), options: options(), dryRun });
    return {
      type: "later",
      ask: (state, ctx, then) =>
        admitValidating(state, ctx, review, asking, (state, refusal, ctx) => {
          if (refusal) tell(notes.warnings);
          return then(state, refusal ? { type: "refuse", status: refusal } : pass(state), ctx);
        }),
    };
  }

  function written(state: ServerState, owned: ApiObject): Decision | Later<ServerState> {
    if (vanishes(call, stored, owned)) return { type: "delete", ...(draws ? { alongside: releaseOfService(stored) } : {}) };
    const allocated = draws ? allocate(state, owned, stored, draws, fresh) : { object: owned };
    if (isFailure(allocated)) return { type: "refuse", status: allocated };
    const booked =
      subresource === "status"
        ? nothingAlongside
        : chargeOf({ kind, namespace, name, object: owned, old: stored }, quotasOf(state, { kind, namespace }));
    if (isFailure(booked)) return { type: "refuse", status: booked };
    tell([...warn({ ...admission, object: owned }), ...notes.warnings]);
    const alongside = together("alongside" in allocated ? allocated.alongside : nothingAlongside, booked);
    const put = (result: ApiObject): Decision => {
      if (sameJson(withoutVersion(result), withoutVersion(current.object))) return { type: "keep" };
      return { type: "put", stored: encodeStored(result), alongside, lease: fresh.lease };
    };
    if (!storesThroughWebhook(kind, resource)) return put(toStored(kind, resource, allocated.object));
    return {
      type: "later",
      ask: (state, ctx, then) =>
        convertForStorage(state, ctx, kind, resource, allocated.object, (state, converted, ctx) =>
          then(state, isFailure(converted) ? { type: "refuse", status: converted } : put(converted), ctx),
        ),
    };
  }
}

/** Kinds whose updates must say which version they replace. */
const conditionalKinds: ReadonlySet<string> = new Set([
  "leases.coordination.k8s.io",
  "poddisruptionbudgets.policy",
  "runtimeclasses.node.k8s.io",
  "volumeattachments.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "apiservices.apiregistration.k8s.io",
  "customresourcedefinitions.apiextensions.k8s.io",
]);

/** The uid and the resourceVersion that a client names are conditions: 409 where the object is another or a later one. */
function staleness(call: ResourceCall, stored: Stored<ApiObject>, wanted: ApiObject): Failure | undefined {
  const { uid, resourceVersion } = wanted.metadata;
  if (uid && uid !== stored.metadata.uid)
    return conflict(subjectOf(call), `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`);
  if (resourceVersion && resourceVersion !== "0" && resourceVersion !== stored.metadata.resourceVersion)
    return modifiedConflict(subjectOf(call));
  const named = Boolean(resourceVersion && resourceVersion !== "0");
  if (named || call.request.verb !== "update" || !conditionalKinds.has(call.resource.name)) return undefined;
  return invalid({ ...subjectOf(call), kind: call.kind.kind }, [
    { reason: "FieldValueInvalid", field: "metadata.resourceVersion", message: "Invalid value: 0: must be specified for an update" },
  ]);
}

/** An object that is being deleted goes with its last finalizer; a Pod's grace and a Namespace's own finalizers have to be over too. */
function vanishes({ kind }: ResourceCall, stored: Stored<ApiObject>, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = stored.metadata;
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > 0) return false;
  if ((object.metadata.finalizers ?? []).length > 0) return false;
  if (kind.group !== "" || kind.kind !== "Namespace") return true;
  const { spec } = object as ApiObject & { readonly spec?: { readonly finalizers?: readonly string[] } };
  return (spec?.finalizers ?? []).length === 0;
}

function withoutVersion(object: ApiObject): ApiObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
