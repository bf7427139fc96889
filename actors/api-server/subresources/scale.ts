import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { LabelSelector, Scale } from "../../../protocol/kinds/generated";
import { formatRequirements, requirementsOf } from "../../../protocol/kinds/label-selector";
import type { ApiObject, JsonObject, Stored } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import {
  badRequest,
  conflict,
  type Failure,
  internalError,
  invalid,
  isFailure,
  methodNotAllowed,
  modifiedConflict,
  notFound,
  unsupportedMediaType,
} from "../../../protocol/status";
import { admitBody, mayMutate, mayValidate, Notes, reviewOf, writeOptions } from "../admission/dynamic/index";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { awaitConverted, convertedFirst, convertForStorage, storesThroughWebhook } from "../custom-resources/webhook-conversion";
import { answerForm, patchType } from "../negotiation";
import { decodeAs, isObject } from "../objects/decode";
import { jsonPatch, mergePatch } from "../objects/patch";
import { dryRunOf, parseBody, parseText } from "../registry/body";
import { servedObject, toStored } from "../registry/conversion";
import { recordWrite } from "../registry/facts";
import { updated, wrongWithUpdate } from "../registry/objects";
import { subjectOf, tracker } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate, type Later } from "../storage/guaranteed-update";
import { keyOfObject } from "../storage/keys";
import { readEntry } from "../storage/store";
import { toPartialObjectMetadata, toTable } from "../table/table";

interface Scalable {
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector | Readonly<Record<string, string>> };
  readonly status?: { readonly replicas?: number };
}

/** /scale: the number of replicas of a workload as an autoscaling/v1 Scale, whatever the workload's kind. */
export function serveScale(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const { request, resource } = call;
  if (request.verb === "get") {
    const key = keyOfObject(resource, request.namespace, request.name);
    return readEntry(state, ctx, key, call.deadlineUs, (state, read, ctx) => {
      if (read.type !== "done") return refuse(ctx, call, storageFailure(read));
      const { entry } = read;
      if (!entry) return refuse(ctx, call, notFound(subjectOf(call)));
      return awaitConverted(state, ctx, call.kind, [entry], (_state, refusal, ctx) => {
        if (refusal) return refuse(ctx, call, refusal);
        const scale = scaleOf(call.kind, servedObject(call.kind, resource, entry));
        return isFailure(scale) ? refuse(ctx, call, scale) : answerScale(ctx, call, scale);
      });
    });
  }
  const make =
    request.verb === "update" ? replaced(call) : request.verb === "patch" ? patched(call) : methodNotAllowed(subjectOf(call), request.verb);
  if (typeof make !== "function") return refuse(ctx, call, make);
  return changeScale(state, ctx, call, make);
}

type MakeScale = (current: Scale) => JsonObject | Failure;

function replaced(call: ResourceCall): MakeScale | Failure {
  const json = parseBody(call.request);
  return isFailure(json) ? json : () => json as JsonObject;
}

function patched(call: ResourceCall): MakeScale | Failure {
  const type = patchType(call.request.contentType);
  if (typeof type !== "string") return type;
  if (type === "apply")
    return unsupportedMediaType(call.request.contentType, ["application/json-patch+json", "application/merge-patch+json"]);
  const document = parseText(call.request.body, false);
  if (isFailure(document)) return document;
  return (current) => {
    // A Scale has no lists: a strategic merge of it is a plain one.
    const result =
      type === "json" ? jsonPatch(current as unknown as JsonObject, document) : mergePatch(current as unknown as JsonObject, document);
    return result.ok ? result.object : result.failure;
  };
}

function changeScale(state: ServerState, ctx: Ctx, call: ResourceCall, make: MakeScale): undefined {
  const { request, resource, kind } = call;
  const dryRun = dryRunOf(request.query.dryRun, request.verb);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  const key = keyOfObject(resource, request.namespace, request.name);
  const track = tracker(call);
  const notes = new Notes(call.caller.exchange.annotations);
  const plan = {
    ...{ key, cached: cacheOf(state.feed, resource).get(key), deadlineUs: call.deadlineUs, dryRun },
    change: (current: Entry | undefined, nowMs: number): Decision | Later<ServerState> => {
      if (!current) return { type: "refuse", status: notFound(subjectOf(call)) };
      const unconverted = convertedFirst(kind, current, () => plan.change(current, nowMs));
      if (unconverted) return unconverted;
      const served = servedObject(kind, resource, current);
      if (!mayMutate(state, kind) && !mayValidate(state, kind)) return decide(served, nowMs, make);
      const before = scaleOf(kind, served, true);
      const wanted = isFailure(before) ? before : make(before);
      // What is no Scale at all is refused as if nobody had to be asked.
      if (isFailure(before) || isFailure(wanted) || !isObject(wanted)) return decide(served, nowMs, make);
      const [old, next] = [before, { ...before, ...wanted, status: before.status }].map((each) => ({ ...each }) as unknown as JsonObject);
      const body = { group: "autoscaling", version: "v1", kind: "Scale" };
      const review = reviewOf(call, "UPDATE", { body, object: next, old, options: writeOptions(call, "UpdateOptions"), dryRun });
      return {
        type: "later",
        ask: (state, ctx, then) =>
          admitBody(state, ctx, review, { notes, deadlineUs: call.deadlineUs }, (state, admitted, ctx) =>
            then(state, isFailure(admitted) ? { type: "refuse", status: admitted } : decide(served, nowMs, () => admitted!), ctx),
          ),
      };
    },
  };
  const decide = (served: Stored<ApiObject>, nowMs: number, make: MakeScale): Decision | Later<ServerState> => {
    const object = scaled(call, served, make);
    if (isFailure(object)) return { type: "refuse", status: object };
    if (object === served) return { type: "keep" };
    // Whoever scales owns the number of replicas from then on.
    const owned = track(served, object, nowMs);
    if (!storesThroughWebhook(kind, resource)) return { type: "put", stored: encodeStored(toStored(kind, resource, owned)) };
    return {
      type: "later",
      ask: (state, ctx, then) =>
        convertForStorage(state, ctx, kind, resource, owned, (state, converted, ctx) =>
          then(state, isFailure(converted) ? { type: "refuse", status: converted } : { type: "put", stored: encodeStored(converted) }, ctx),
        ),
    };
  };
  const answer = (state: ServerState, ctx: Ctx, entry: Entry): undefined =>
    awaitConverted(state, ctx, kind, [entry], (_state, refusal, ctx) => {
      const scale = refusal ?? scaleOf(kind, servedObject(kind, resource, entry));
      return isFailure(scale) ? refuse(ctx, call, scale) : answerScale(ctx, call, scale, notes.warnings);
    });
  return guaranteedUpdate(state, ctx, plan, (state, outcome, ctx) => {
    switch (outcome.type) {
      case "put":
        if (!dryRun) recordWrite(ctx, call, request.verb, request.name, outcome.entry.revision);
        return answer(state, ctx, outcome.entry);
      case "kept":
        return answer(state, ctx, outcome.entry!);
      case "refused":
        return refuse(ctx, call, outcome.status);
      case "contended":
        return refuse(ctx, call, modifiedConflict(subjectOf(call)));
      case "failed":
      case "unknown":
        return refuse(ctx, call, storageFailure(outcome));
      case "deleted":
        throw new Error("a scale cannot delete");
    }
  });
}

/** The workload with the number of replicas that the Scale asks for; the same object where it has that number already. */
/** A Scale in the form that the client likes best; what cannot be told otherwise is told as what it is. */
function answerScale(ctx: Ctx, call: ResourceCall, scale: Scale, warnings: readonly string[] = []): undefined {
  const form = answerForm(call.request.accept, "object");
  if (isFailure(form) || form.as === "Object") return respondObject(ctx, call, 200, encodeJson(scale), warnings);
  if (form.as !== "Table") return respondObject(ctx, call, 200, encodeJson(toPartialObjectMetadata(scale, form.version)), warnings);
  const table = toTable({ group: "autoscaling", kind: "Scale" }, [scale], { nowMs: ctx.wallUs() / 1000, version: form.version });
  return respondObject(ctx, call, 200, encodeJson(table), warnings);
}

function scaled(call: ResourceCall, stored: Stored<ApiObject>, make: MakeScale): ApiObject | Failure {
  const before = scaleOf(call.kind, stored, true);
  if (isFailure(before)) return before;
  const made = make(before);
  if (isFailure(made)) return made;
  const decoded = decodeAs("io.k8s.api.autoscaling.v1.Scale", made);
  if (!decoded.ok) return badRequest(decoded.message);
  const { metadata, spec } = decoded.value as Scale;
  if (metadata?.name !== undefined && metadata.name !== stored.metadata.name)
    return badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${stored.metadata.name})`);
  if (metadata?.uid && metadata.uid !== stored.metadata.uid)
    return conflict(
      subjectOf(call),
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${stored.metadata.uid}`,
    );
  if (metadata?.resourceVersion && metadata.resourceVersion !== stored.metadata.resourceVersion) return modifiedConflict(subjectOf(call));
  const replicas = spec?.replicas ?? 0;
  if (replicas < 0)
    return invalid({ group: "autoscaling", resource: "scales", kind: "Scale", name: stored.metadata.name }, [
      { reason: "FieldValueInvalid", field: "spec.replicas", message: `Invalid value: ${replicas}: must be greater than or equal to 0` },
    ]);
  const workload = stored as Stored<ApiObject> & Scalable;
  const { custom } = call.kind;
  const path = custom ? namesOf(custom.declared.subresources!.scale!.specReplicasPath) : ["spec", "replicas"];
  if (valueAt(workload, path) === replicas) return stored;
  const object = updated(call.kind, stored, withValueAt(workload, path, replicas) as ApiObject, "");
  return wrongWithUpdate(call.kind, stored, object, "") ?? object;
}

/** `mayLack` is for whoever is about to set the number; otherwise a custom resource that says none cannot be shown as a Scale. */
function scaleOf({ group, custom }: Kind, object: Stored<ApiObject>, mayLack = false): Scale | Failure {
  if (custom) return customScale(custom, object, mayLack);
  const { spec, status } = object as Stored<ApiObject> & Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec?.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(group, spec?.selector) },
  };
}

/** A custom resource says in its definition where the numbers are. */
function customScale({ declared }: CustomFacts, object: Stored<ApiObject>, mayLack: boolean): Scale | Failure {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = declared.subresources!.scale!;
  const number = (path: string): number | undefined => {
    const value = valueAt(object, namesOf(path));
    return typeof value === "number" ? value : undefined;
  };
  const replicas = number(specReplicasPath);
  if (replicas === undefined && !mayLack)
    return internalError(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`);
  const selector = labelSelectorPath ? valueAt(object, namesOf(labelSelectorPath)) : undefined;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: replicas ?? 0 },
    status: { replicas: number(statusReplicasPath) ?? 0, ...(typeof selector === "string" ? { selector } : {}) },
  };
}

/** ".spec.replicas" as names. */
function namesOf(path: string): readonly string[] {
  return path.split(".").filter((name) => name !== "");
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce((at, name) => (isObject(at) ? at[name] : undefined), object);
}

function withValueAt(object: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const here = isObject(object) ? object : {};
  return { ...here, [name]: withValueAt(here[name], rest, value) };
}

/** A ReplicationController's selector is a plain map of labels, the others' a LabelSelector. */
function selectorText(group: string, selector: NonNullable<Scalable["spec"]>["selector"]): string {
  if (!selector) return "";
  const labels: LabelSelector = group === "" ? { matchLabels: selector as Readonly<Record<string, string>> } : (selector as LabelSelector);
  return formatRequirements(requirementsOf(labels));
}
