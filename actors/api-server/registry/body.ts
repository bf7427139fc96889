import type { ApiRequest } from "../../../protocol/api";
import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
import { badRequest, type Failure, invalid, isFailure, requestEntityTooLarge } from "../../../protocol/status";
import { bodyType, parseMediaType } from "../negotiation";
import { decodeObject, type FieldValidation, isObject, type Undecoded } from "../objects/decode";
import { fieldFindings, unknownField } from "../objects/duplicate-fields";
import { syntaxErrorOf } from "../objects/json-syntax";
import { isDeeper, levelsMax, tooDeep } from "../objects/nesting";
import { repeatedKeys } from "../objects/repeated-keys";
import { parseYaml } from "../objects/yaml";

/** What a request brings: its body as an object of a kind, and the parameters that writes share. */

/** A decoded body, with the warnings that the answer's headers carry. */
export interface Received {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

const bodyBytesMax = 3 * 1024 * 1024;

/** The body as plain JSON; a 413, 415 or 400 Status for what is too long, in another format or broken, which `kind` has been expected to be. */
export function parseBody(request: ApiRequest, kind?: string): unknown | Failure {
  const type = bodyType(request.contentType);
  if (isFailure(type)) return type;
  const unrecognized = (why: string) =>
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${summaryOf(request.body)})`;
  return parseText(request.body, type === "yaml", kind === undefined ? bodyUnreadable : unrecognized);
}

/** How a body begins: its text where it seems to be JSON, else its bytes in hexadecimal. */
function summaryOf(body: Uint8Array): string {
  if (body.length === 0) return "<empty>";
  const head = Buffer.from(body.subarray(0, summaryBytes)).toString(body[0] === "{".charCodeAt(0) ? "utf8" : "hex");
  return body.length > summaryBytes ? `${head} ...` : head;
}
const summaryBytes = 30;

/** JSON, or YAML where it may be that; JSON is YAML too, but reads a hundred times faster as what it is. */
export function parseText(body: Uint8Array, mayBeYaml: boolean, words = bodyUnreadable): unknown | Failure {
  if (body.length > bodyBytesMax)
    return requestEntityTooLarge(`the request body is ${body.length} bytes long; at most ${bodyBytesMax} are accepted`);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const isJson = !mayBeYaml || text.trimStart().startsWith("{");
  let read: unknown;
  try {
    read = isJson ? JSON.parse(text) : parseYaml(text);
  } catch (error) {
    return badRequest(words(isJson ? syntaxErrorOf(text) : error instanceof Error ? error.message : String(error)));
  }
  // Each level takes a byte at least.
  if (body.length > levelsMax && isDeeper(read, levelsMax)) return badRequest(words(tooDeep));
  return read;
}

/** What came where a text was expected, whatever it is. */
const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

const bodyUnreadable = (why: string) => `the body of the request could not be parsed: ${why}`;

/**
 * The body as an object of the kind, types checked, in the namespace and under the name of the URL. `refuse` words the refusal of what does not decode; 400
 * unless told.
 */
export function receiveObject(
  request: ApiRequest,
  kind: Kind,
  json: unknown,
  namespace: string,
  refuse?: (undecoded: Undecoded) => Failure,
): Received | Failure {
  if (!isObject(json)) return badRequest(`the body of the request is not an object: expected a ${kind.kind}`);
  const expected = apiVersionOf(kind);
  const { apiVersion = expected, kind: named = kind.kind } = json;
  if (apiVersion !== expected)
    return badRequest(`the API version in the data (${shown(apiVersion)}) does not match the expected API version (${expected})`);
  if (named !== kind.kind)
    return badRequest(
      `${shown(named)} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: the kinds do not match`,
    );
  const validation = fieldValidationOf(request);
  if (isFailure(validation)) return validation;
  // Actors' bodies are made by JSON.stringify, which cannot name a field twice; what is patched together is no text.
  const isText = request.credential.type !== "actor" && request.verb !== "patch";
  const decoded = decodeObject(kind, json, validation, isText ? findingsIn(request) : undefined);
  if (!decoded.ok) return refuse ? refuse(decoded) : decoded.failure;
  const metadata = isObject(decoded.object.metadata) ? decoded.object.metadata : {};
  const wrong = wrongPlace(request, kind, metadata, namespace);
  if (wrong) return wrong;
  const placed = kind.namespaced ? { ...metadata, namespace } : metadata;
  return {
    object: { ...decoded.object, apiVersion: expected, kind: kind.kind, metadata: placed } as ApiObject,
    warnings: decoded.warnings,
  };
}

/** What the text of a body shows that its content does not: fields that it gives twice, and where unknown ones stand among them. */
function findingsIn({ body, contentType }: ApiRequest) {
  return (unknown: readonly string[]): readonly string[] => {
    const text = Buffer.from(body).toString("utf8");
    if (!contentType.includes("yaml") || text.trimStart().startsWith("{")) return fieldFindings(text, unknown);
    const repeated = repeatedKeys(text);
    return [...(repeated === undefined ? [] : [repeated]), ...unknown.map(unknownField)];
  };
}

function wrongPlace({ name }: ApiRequest, kind: Kind, metadata: JsonObject, namespace: string): Failure | undefined {
  const given = metadata.namespace ?? "";
  if (kind.namespaced && given !== "" && given !== namespace)
    return badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  if (!kind.namespaced && given !== "") return badRequest("namespace: no namespace may be given for a resource of the whole cluster");
  if (name !== "" && metadata.name !== undefined && metadata.name !== "" && metadata.name !== name)
    return badRequest(`the name of the object (${shown(metadata.name)}) does not match the name on the URL (${name})`);
  return undefined;
}

function fieldValidationOf({ query, verb }: ApiRequest): FieldValidation | Failure {
  const value = query.fieldValidation ?? "";
  if (value === "") return "Warn";
  if (value === "Strict" || value === "Warn" || value === "Ignore") return value;
  return invalid({ group: "meta.k8s.io", resource: "options", kind: optionsKindOf(verb) }, [
    {
      reason: "FieldValueNotSupported",
      field: "fieldValidation",
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
    },
  ]);
}

/** What the options of a request are called. */
export function optionsKindOf(verb: string): string {
  if (verb === "update") return "UpdateOptions";
  if (verb === "patch" || verb === "apply") return "PatchOptions";
  return verb.startsWith("delete") ? "DeleteOptions" : "CreateOptions";
}

/** Whether nothing is to be stored; a 422 Status for anything but All, which names the options by the request's verb. */
export function dryRunOf(value: string | readonly string[] | undefined, verb = "create"): boolean | Failure {
  const values = value === undefined || value === "" ? [] : typeof value === "string" ? [value] : value;
  const wrong = values.find((each) => each !== "All");
  if (wrong === undefined) return values.length > 0;
  return invalid({ group: "meta.k8s.io", resource: "options", kind: optionsKindOf(verb) }, [
    { reason: "FieldValueNotSupported", field: "dryRun", message: `Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"` },
  ]);
}

const managerMax = 128;

/** What is wrong with the name under which a write wants its fields kept. */
export function wrongManager({ query, verb }: ApiRequest): Failure | undefined {
  const { fieldManager = "" } = query;
  const wrong =
    Buffer.byteLength(fieldManager) > managerMax
      ? { reason: "FieldValueTooLong", message: `Too long: may not be more than ${managerMax} bytes` }
      : /[\p{C}\p{Zl}\p{Zp}]/u.test(fieldManager)
        ? {
            reason: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify(fieldManager)}: should only contain printable characters`,
          }
        : undefined;
  if (!wrong) return undefined;
  return invalid({ group: "meta.k8s.io", resource: "options", kind: optionsKindOf(verb) }, [{ ...wrong, field: "fieldManager" }]);
}

/** Under which name the changed fields are kept: as told, or the first part of the user agent. */
export function fieldManagerOf({ query, userAgent }: ApiRequest): string {
  return query.fieldManager || (userAgent.split("/")[0] ?? "").slice(0, 128) || "unknown";
}

/** The body's media type without parameters. */
export function mediaTypeOf({ contentType }: ApiRequest): string {
  const media = parseMediaType(contentType);
  return media ? `${media.type}/${media.subtype}` : "";
}
