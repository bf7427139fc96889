import type { ApiRequest } from "../../../protocol/api";
import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind, schemaOf } from "../../../protocol/kinds/registry";
import { badRequest, conflict, type Failure, invalid, isFailure } from "../../../protocol/status";
import { type ResourceCall, refuse } from "../call";
import { isObject } from "../objects/decode";
import { duplicateFields } from "../objects/duplicate-fields";
import { applyConfiguration } from "../objects/managed-fields/ownership";
import { wrongWithStructure } from "../objects/managed-fields/undeclared";
import { repeatedKeys, warningsOf } from "../objects/repeated-keys";
import type { Ctx, ServerState } from "../state";
import { type Received, receiveObject } from "./body";
import { createObject } from "./create";
import { isTrue } from "./list-options";
import { complete } from "./objects";
import { change, subjectOf } from "./update";

/** Server-side apply: the body is all that this manager wants; the object is made if it is not there. */
export function apply(state: ServerState, ctx: Ctx, call: ResourceCall, document: unknown): undefined {
  const { request, kind } = call;
  const configuration = configurationOf(call, kind, document);
  if (isFailure(configuration)) return refuse(ctx, call, configuration);
  const { object: config, warnings } = configuration;
  const { fieldManager = "", force } = request.query;
  const lay = (live: ApiObject | undefined, nowMs: number): ApiObject | Failure => {
    const writer = { manager: fieldManager, subresource: request.subresource, nowMs, force: isTrue(force) };
    const applied = applyConfiguration(kind, live as JsonObject | undefined, config as unknown as JsonObject, writer);
    return applied.ok ? (applied.object as unknown as ApiObject) : applied.failure;
  };
  const onto = (stored: ApiObject, nowMs: number) => {
    const object = lay(stored, nowMs);
    return isFailure(object) ? object : { object: complete(kind, object), warnings };
  };
  const anew = (state: ServerState, ctx: Ctx) => {
    const { uid } = config.metadata ?? {};
    if (uid)
      return refuse(
        ctx,
        call,
        conflict(subjectOf(call), `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`),
      );
    const object = lay(undefined, ctx.wallUs() / 1000);
    return isFailure(object) ? refuse(ctx, call, object) : createObject(state, ctx, call, object, warnings, (made) => made);
  };
  // A subresource of nothing cannot be made.
  return change(state, ctx, call, {
    verb: "patch",
    make: onto,
    track: (_stored, object) => object,
    ...(request.subresource === "" ? { missing: anew } : {}),
  });
}

/**
 * The body of an apply as an object of `kind`, the resource's own or that of its subresource, with the warnings that it earns; a Status where it
 * is none, or where nobody says who applies it.
 */
export function configurationOf(call: ResourceCall, kind: Kind, document: unknown): Received | Failure {
  const { request } = call;
  if ((request.query.fieldManager ?? "") === "") return managerMissing();
  if (!isObject(document) && document !== null) return badRequest(notAnObject(document));
  const named: JsonObject = { ...document, metadata: { name: request.name, ...(document?.metadata as object | undefined) } };
  const versioned = named.apiVersion === undefined ? "" : named.apiVersion;
  if (versioned !== apiVersionOf(kind))
    return badRequest(`Incorrect version specified in apply patch. Specified patch version: ${versioned}, expected: ${apiVersionOf(kind)}`);
  const undeclared = wrongWithStructure(named, schemaOf(kind));
  if (undeclared) return badRequest(`failed to create typed patch object (${objectName(request, kind)}): ${undeclared}`);
  const { fieldValidation } = request.query;
  const repeated = fieldValidation === "Ignore" ? undefined : repeatedIn(request.body);
  if (repeated !== undefined && fieldValidation === "Strict")
    return badRequest(`error strict decoding YAML: error converting YAML to JSON: ${repeated}`);
  const received = receiveObject(request, kind, named, request.namespace);
  if (isFailure(received)) return received;
  return { object: received.object, warnings: [...(repeated === undefined ? [] : warningsOf(repeated)), ...received.warnings] };
}

/** Keys that the text sets twice; most texts are JSON, which is looked through faster as that. */
function repeatedIn(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString("utf8");
  return text.trimStart().startsWith("{") && duplicateFields(text).length === 0 ? undefined : repeatedKeys(text);
}

const notAnObject = (document: unknown) =>
  `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goType(document)} into Go value of type map[string]interface {}`;

const goType = (value: unknown) => (Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value);

function objectName(request: ApiRequest, kind: Kind): string {
  const name = kind.namespaced ? `${request.namespace}/${request.name}` : request.name;
  return `${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}`;
}

function managerMissing(): Failure {
  return invalid({ group: "meta.k8s.io", resource: "patchoptions", kind: "PatchOptions" }, [
    { reason: "FieldValueRequired", field: "fieldManager", message: "Required value: is required for apply patch" },
  ]);
}
