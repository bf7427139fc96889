import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { LabelSelector, ManagedFieldsEntry, Scale } from "../../../protocol/kinds/generated";
import { formatRequirements, requirementsOf } from "../../../protocol/kinds/label-selector";
import type { ApiObject, JsonObject, Stored } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
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
} from "../../../protocol/status";
import { admitBody, mayMutate, mayValidate, Notes, reviewOf, writeOptions } from "../admission/dynamic/index";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { awaitConverted, convertedFirst, convertForStorage, storesThroughWebhook } from "../custom-resources/webhook-conversion";
import { answerForm, patchType } from "../negotiation";
import { decodeAs, isObject } from "../objects/decode";
import { applyConfiguration } from "../objects/managed-fields/ownership";
import { ownershipOfScale, ownershipOfWorkload } from "../objects/managed-fields/scale-ownership";
import { jsonPatch, mergePatch } from "../objects/patch";
import { configurationOf } from "../registry/apply";
import { dryRunOf, parseBody, parseText, wrongManager } from "../registry/body";
import { servedObject, toStored } from "../registry/conversion";
import { recordWrite } from "../registry/facts";
import { isTrue } from "../registry/list-options";
import { updated, wrongWithUpdate } from "../registry/objects";
import { subjectOf, tracker } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson, encodeStored, sameJson } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate, type Later } from "../storage/guaranteed-update";
import { keyOfObject } from "../storage/keys";
import { readEntry } from "../storage/store";
import { toPartialObjectMetadata, toTable } from "../table/table";

/** A Scale as a kind of its own, which it is to whoever applies it. */
function scaleKindOf({ namespaced }: Kind): Kind {
  return {
    ...{ group: "autoscaling", version: "v1", kind: "Scale", plural: "scales", singular: "scale", namespaced },
    ...{ hasStatus: false, shortNames: [], categories: [], subresources: [], verbs: [] },
    definition: "io.k8s.api.autoscaling.v1.Scale",
  };
}

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
  const how =
    request.verb === "update" ? replaced(call) : request.verb === "patch" ? patched(call) : methodNotAllowed(subjectOf(call), request.verb);
  return isFailure(how) ? refuse(ctx, call, how) : changeScale(state, ctx, call, how);
}

/** How a Scale is to be changed. */
interface ScaleChange {
  readonly make: MakeScale;
  /** Notes in the workload's managedFields whose the number is; the stored object itself where nothing is to be written. */
  readonly own: (stored: Stored<ApiObject>, scaled: Scaled, nowMs: number) => ApiObject;
  readonly warnings?: readonly string[];
}

type MakeScale = (current: Scale, workload: Stored<ApiObject>, nowMs: number) => JsonObject | Failure;

/** The workload with the number that its Scale asks for, and the managedFields that the Scale came with. */
interface Scaled {
  readonly object: ApiObject;
  readonly managed: readonly ManagedFieldsEntry[] | undefined;
}

/** Whoever scales owns the number of replicas from then on. */
function ownedByWriter(call: ResourceCall): ScaleChange["own"] {
  const track = tracker(call);
  return (stored, { object }, nowMs) => (object === stored ? stored : track(stored, object, nowMs));
}

function replaced(call: ResourceCall): ScaleChange | Failure {
  const json = parseBody(call.request);
  return isFailure(json) ? json : { make: () => json as JsonObject, own: ownedByWriter(call) };
}

function patched(call: ResourceCall): ScaleChange | Failure {
  const type = patchType(call.request.contentType);
  if (typeof type !== "string") return type;
  if (type === "apply") return applied(call);
  const document = parseText(call.request.body, false);
  if (isFailure(document)) return document;
  const make: MakeScale = (current) => {
    // A Scale has no lists: a strategic merge of it is a plain one.
    const result =
      type === "json" ? jsonPatch(current as unknown as JsonObject, document) : mergePatch(current as unknown as JsonObject, document);
    return result.ok ? result.object : result.failure;
  };
  return { make, own: ownedByWriter(call) };
}

/** Server-side apply of a Scale: its conflicts are with whoever owns the workload's number, and what it comes to own is recorded there. */
function applied(call: ResourceCall): ScaleChange | Failure {
  const { request, kind } = call;
  const scaleKind = scaleKindOf(kind);
  const document = parseText(request.body, true, (why) => `error decoding YAML: ${why}`);
  if (isFailure(document)) return document;
  const configuration = configurationOf(call, scaleKind, document);
  if (isFailure(configuration)) return configuration;
  const unnamable = wrongManager(request);
  if (unnamable) return unnamable;
  const { object: config, warnings } = configuration;
  const { fieldManager = "", force } = request.query;
  const path = replicasPath(kind);
  const make: MakeScale = (current, workload, nowMs) => {
    const managedFields = ownershipOfScale(workload.metadata.managedFields, path);
    const live = { ...current, metadata: { ...current.metadata, managedFields } } as unknown as JsonObject;
    const writer = { manager: fieldManager, subresource: request.subresource, nowMs, force: isTrue(force) };
    const made = applyConfiguration(scaleKind, live, config as unknown as JsonObject, writer);
    return made.ok ? made.object : made.failure;
  };
  const own: ScaleChange["own"] = (stored, { object, managed }) => {
    const { managedFields: before, ...metadata } = object.metadata;
    const after = ownershipOfWorkload(stored.metadata.managedFields, managed, path, apiVersionOf(kind));
    if (object === stored && sameJson(after, before ?? [])) return stored;
    return { ...object, metadata: after.length > 0 ? { ...metadata, managedFields: after } : metadata };
  };
  return { make, own, warnings };
}

function changeScale(state: ServerState, ctx: Ctx, call: ResourceCall, how: ScaleChange): undefined {
  const { request, resource, kind } = call;
  const dryRun = dryRunOf(request.query.dryRun, request.verb);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  const key = keyOfObject(resource, request.namespace, request.name);
  const { make } = how;
  const notes = new Notes(call.caller.exchange.annotations);
  for (const warning of how.warnings ?? []) notes.warn(warning);
  const plan = {
    ...{ key, cached: cacheOf(state.feed, resource).get(key), deadlineUs: call.deadlineUs, dryRun },
    change: (current: Entry | undefined, nowMs: number): Decision | Later<ServerState> => {
      if (!current) return { type: "refuse", status: notFound(subjectOf(call)) };
      const unconverted = convertedFirst(kind, current, () => plan.change(current, nowMs));
      if (unconverted) return unconverted;
      const served = servedObject(kind, resource, current);
      if (!mayMutate(state, kind) && !mayValidate(state, kind)) return decide(served, nowMs, make);
      const before = scaleOf(kind, served, true);
      const wanted = isFailure(before) ? before : make(before, served, nowMs);
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
    const made = scaled(call, served, make, nowMs);
    if (isFailure(made)) return { type: "refuse", status: made };
    const owned = how.own(served, made, nowMs);
    if (owned === served) return { type: "keep" };
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

/** A Scale in the form that the client likes best; what cannot be told otherwise is told as what it is. */
function answerScale(ctx: Ctx, call: ResourceCall, scale: Scale, warnings: readonly string[] = []): undefined {
  const form = answerForm(call.request.accept, "object");
  if (isFailure(form) || form.as === "Object") return respondObject(ctx, call, 200, encodeJson(scale), warnings);
  if (form.as !== "Table") return respondObject(ctx, call, 200, encodeJson(toPartialObjectMetadata(scale, form.version)), warnings);
  const table = toTable({ group: "autoscaling", kind: "Scale" }, [scale], { nowMs: ctx.wallUs() / 1000, version: form.version });
  return respondObject(ctx, call, 200, encodeJson(table), warnings);
}

/** The workload with the number of replicas that the Scale asks for; the same object where it has that number already. */
function scaled(call: ResourceCall, stored: Stored<ApiObject>, make: MakeScale, nowMs: number): Scaled | Failure {
  const before = scaleOf(call.kind, stored, true);
  if (isFailure(before)) return before;
  const made = make(before, stored, nowMs);
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
  const managed = metadata?.managedFields;
  const path = replicasPath(call.kind);
  if (valueAt(workload, path) === replicas) return { object: stored, managed };
  const object = updated(call.kind, stored, withValueAt(workload, path, replicas) as ApiObject, "");
  return wrongWithUpdate(call.kind, stored, object, "") ?? { object, managed };
}

/** Where a workload of the kind says how many replicas it is to have. */
function replicasPath({ custom }: Kind): readonly string[] {
  return custom ? namesOf(custom.declared.subresources!.scale!.specReplicasPath) : ["spec", "replicas"];
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
