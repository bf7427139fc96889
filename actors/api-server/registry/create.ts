import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import { alreadyExists, badRequest, type Failure, internalError, invalid, isFailure } from "../../../protocol/status";
import type { Admission } from "../admission/admission";
import { admitMutating, admitValidating, mayMutate, Notes, reviewOf, writeOptions } from "../admission/dynamic/index";
import { mutate, neededBy, validate, warn } from "../admission/index";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { awaitConverted, convertForStorage } from "../custom-resources/webhook-conversion";
import type { Ctx, ServerState } from "../state";
import { Entry, encodeStored } from "../storage/entry";
import { withEventLease } from "../storage/event-lease";
import { keyOfObject } from "../storage/keys";
import { type Alongside, nothingAlongside, writeGuarded } from "../storage/store";
import { answerObject } from "./answer-object";
import { provideNamespace } from "./auto-provision";
import { dryRunOf, fieldManagerOf, parseBody, receiveObject, wrongManager } from "./body";
import { fetchNeeded } from "./cluster-view";
import { recordWrite } from "./facts";
import { born, complete, tracked, wrongWithNew } from "./objects";
import { chargeQuotas, together } from "./quota";
import { renderingOf } from "./read";
import { type Rendering, renderObject } from "./render";
import { allocateForService, isService } from "./service-allocation";

/** POST: decode, complete, admit, validate, store if nothing is there under that name. */
export function create(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const { request, kind } = call;
  const json = parseBody(request, kind.kind);
  if (isFailure(json)) return refuse(ctx, call, json);
  const received = receiveObject(request, kind, json, request.namespace);
  if (isFailure(received)) return refuse(ctx, call, received);
  if (received.object.metadata.resourceVersion)
    return refuse(ctx, call, badRequest("resourceVersion should not be set on objects to be created"));
  const manager = fieldManagerOf(request);
  return createObject(state, ctx, call, received.object, received.warnings, (object, nowMs) =>
    tracked(kind, undefined, object, { manager, subresource: "", nowMs }),
  );
}

/** With a generated name a collision is bad luck, not an error. */
const generatedNamesMax = 8;

/** Creates a decoded object; `track` notes in its managedFields who made it. Shared with server-side apply. */
export function createObject(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  given: ApiObject,
  warnings: readonly string[],
  track: (object: ApiObject, nowMs: number) => ApiObject,
): undefined {
  const { request, kind, resource } = call;
  const dryRun = dryRunOf(request.query.dryRun);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  const rendering = renderingOf(call, "object");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  const unnamable = wrongManager(request);
  if (unnamable) return refuse(ctx, call, unnamable);
  const object = complete(kind, given);
  const notes = new Notes(call.caller.exchange.annotations);
  const asking = { notes, deadlineUs: call.deadlineUs };
  const options = writeOptions(call, "CreateOptions");
  let told: readonly string[] = warnings;
  return provideNamespace(state, ctx, call, dryRun, (state, refused, ctx) =>
    refused ? refuse(ctx, call, refused) : attempt(state, ctx, 1),
  );

  function attempt(state: ServerState, ctx: Ctx, tries: number): undefined {
    const name = object.metadata.name || generated(ctx, object.metadata.generateName);
    if (name === "")
      return refuse(
        ctx,
        call,
        invalid({ group: kind.group, resource: kind.plural, kind: kind.kind, name: "" }, [
          { reason: "FieldValueRequired", field: "metadata.name", message: "Required value: name or generateName is required" },
        ]),
      );
    const named = { ...object, metadata: { ...object.metadata, name } };
    const base: Omit<Admission, "cluster"> = {
      ...{ operation: "CREATE", kind, subresource: "", namespace: request.namespace, name, object: named, old: undefined },
      ...{ user: call.user, suffix: ctx.randomSuffix(5) },
    };
    return fetchNeeded(state, ctx, neededBy(base, state.plugins), call.deadlineUs, (state, cluster, ctx) => {
      if (isFailure(cluster)) return refuse(ctx, call, cluster);
      const admission = { ...base, cluster };
      const admitted = mutate(admission);
      if (isFailure(admitted)) return refuse(ctx, call, admitted);
      return askMutating(state, ctx, admission, admitted, (state, made, ctx) => {
        if (isFailure(made)) return refuse(ctx, call, made, notes.warnings);
        if ((made.metadata.namespace ?? "") !== request.namespace)
          return refuse(ctx, call, badRequest("the namespace of the provided object does not match the namespace sent on the request"));
        return finish(state, ctx, admission, made, tries);
      });
    });
  }

  /** What webhooks and policies make of the object. They do not see a name that the server has made up, since it may yet draw another. */
  function askMutating(
    state: ServerState,
    ctx: Ctx,
    admission: Admission,
    admitted: ApiObject,
    then: (state: ServerState, made: ApiObject | Failure, ctx: Ctx) => undefined,
  ): undefined {
    if (!mayMutate(state, kind)) return then(state, admitted, ctx);
    const { name: own = "" } = object.metadata;
    const shown = track(own === "" ? withoutName(admitted) : admitted, ctx.wallUs() / 1000);
    const named = (made: JsonObject) => {
      const { metadata } = made as unknown as ApiObject;
      return { ...made, metadata: { ...metadata, name: metadata.name || admission.name } } as unknown as ApiObject;
    };
    const plugins = (made: JsonObject) => {
      const again = mutate({ ...admission, object: named(made) });
      return (isFailure(again) || own !== "" || again.metadata.name !== admission.name ? again : withoutName(again)) as
        | JsonObject
        | Failure;
    };
    const review = reviewOf(call, "CREATE", { name: own, object: shown as unknown as JsonObject, options, dryRun: dryRun === true });
    return admitMutating(state, ctx, review, { ...asking, plugins }, (state, made, ctx) =>
      then(state, isFailure(made) ? made : made === review.object ? admitted : named(made!), ctx),
    );
  }

  function finish(state: ServerState, ctx: Ctx, admission: Admission, admitted: ApiObject, tries: number): undefined {
    const nowMs = ctx.wallUs() / 1000;
    const ready = track(born(kind, admitted, { uid: ctx.uuid(), nowMs, user: call.user }), nowMs);
    const refusal = wrongWithNew(kind, ready, state.metrics.expressions) ?? validate({ ...admission, object: ready }, notes);
    if (refusal) return refuse(ctx, call, refusal, notes.warnings);
    const { name = "" } = ready.metadata;
    const review = reviewOf(call, "CREATE", { name, object: ready as unknown as JsonObject, options, dryRun: dryRun === true });
    return admitValidating(state, ctx, review, asking, (state, refusal, ctx) => {
      if (refusal) return refuse(ctx, call, refusal, notes.warnings);
      told = [...warnings, ...warn({ ...admission, object: ready }), ...notes.warnings];
      return charge(state, ctx, ready, name, tries);
    });
  }

  /** Books what it takes of quotas, and turns it into the version in which it is stored. */
  function charge(state: ServerState, ctx: Ctx, ready: ApiObject, name: string, tries: number): undefined {
    const charged = { kind, namespace: request.namespace, name, object: ready, old: undefined };
    return chargeQuotas(state, ctx, charged, tries > 1, call.deadlineUs, (state, booked, ctx) => {
      if (isFailure(booked)) return refuse(ctx, call, booked);
      return convertForStorage(state, ctx, kind, resource, ready, (state, converted, ctx) => {
        if (isFailure(converted)) return refuse(ctx, call, converted);
        if (!dryRun) return store(state, ctx, ready, converted, name, booked, tries);
        const entry = new Entry(keyOfObject(resource, request.namespace, name), 0, encodeStored(converted));
        return awaitConverted(state, ctx, kind, [entry], (_state, refusal, ctx) =>
          isFailure(refusal)
            ? refuse(ctx, call, refusal)
            : respondObject(ctx, call, 201, withoutVersion(rendering as Rendering, entry, ctx), told),
        );
      });
    });
  }

  function store(
    state: ServerState,
    ctx: Ctx,
    ready: ApiObject,
    converted: ApiObject,
    name: string,
    booked: Alongside,
    tries: number,
  ): undefined {
    const allocated = isService(kind)
      ? allocateForService(state, ctx, converted, undefined)
      : { object: converted, alongside: nothingAlongside };
    if (isFailure(allocated)) return refuse(ctx, call, allocated);
    const key = keyOfObject(resource, request.namespace, name);
    const stored = encodeStored(allocated.object);
    return withEventLease(state, ctx, resource, call.deadlineUs, (state, lease, ctx) => {
      if (typeof lease !== "number") return refuse(ctx, call, storageFailure(lease));
      const write = { key, expected: 0, stored, lease, alongside: together(allocated.alongside, booked) };
      return writeGuarded(state, ctx, write, call.deadlineUs, (state, outcome, ctx) => {
        switch (outcome.type) {
          case "written":
            recordWrite(ctx, call, "create", name, outcome.revision);
            return answerObject(state, ctx, call, rendering as Rendering, 201, new Entry(key, outcome.revision, stored), told);
          case "conflict":
            // Not the object but an address was taken, or a quota has changed: another one is drawn, the quotas are read.
            if (!outcome.current && tries < generatedNamesMax) return charge(state, ctx, ready, name, tries + 1);
            if (outcome.current && !object.metadata.name && tries < generatedNamesMax) return attempt(state, ctx, tries + 1);
            return refuse(
              ctx,
              call,
              outcome.current
                ? taken(name, outcome.current)
                : internalError("every address that was drawn, or the quota, was taken meanwhile"),
            );
          case "failed":
          case "unknown":
            return refuse(ctx, call, storageFailure(outcome));
        }
      });
    });
  }

  function taken(name: string, current: Entry): Failure {
    const status = alreadyExists({ group: kind.group, resource: kind.plural, name });
    const going = current.object.metadata.deletionTimestamp !== undefined;
    return going ? { ...status, message: `object is being deleted: ${status.message}` } : status;
  }
}

function withoutName(object: ApiObject): ApiObject {
  const { name: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** generateName with five letters behind; as much of it is kept as fits into 63. */
function generated(ctx: Ctx, base: string | undefined): string {
  return base ? base.slice(0, 58) + ctx.randomSuffix(5) : "";
}

/** A dry run's object has no resourceVersion: nothing was stored. */
function withoutVersion(rendering: Rendering, entry: Entry, ctx: Ctx): Uint8Array {
  const bytes = Buffer.from(renderObject(rendering, entry, ctx.wallUs() / 1000));
  return Buffer.from(bytes.toString("utf8").replace('"resourceVersion":"0",', ""));
}
