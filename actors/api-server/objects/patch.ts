import type { JsonObject } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import { badRequest, type Failure, failure, requestEntityTooLarge } from "../../../protocol/status";
import { isObject } from "./decode";
import { applyOperations, type Operation, PatchError } from "./json-patch";
import { isDeeper, levelsMax, tooDeep } from "./nesting";
import { StrategicMergeError, strategicMerge } from "./strategic-merge";

/** The patch formats but server-side apply, which is in managed-fields/. The result is not yet decoded, completed or validated. */

export type Patched =
  | { readonly ok: true; readonly object: JsonObject }
  /** `detail` says which operation it was, for those who are not clients: the patches of webhooks and policies. */
  | { readonly ok: false; readonly failure: Failure; readonly detail?: string };

/** The media types of the patches that a server takes; apply has its own. */
export const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

const operationsMax = 10_000;
const operationNames: ReadonlySet<unknown> = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/**
 * JSON Patch (RFC 6902). Fails with 400 when the document is no list of operations, and with 422 when an operation does not apply or a
 * test does not hold; then nothing of the patch is done.
 */
export function jsonPatch(object: JsonObject, patch: unknown): Patched {
  const problem = wrongWithOperations(patch);
  if (problem) return { ok: false, failure: badRequest(`error decoding patch: ${problem}`) };
  const operations = patch as readonly Operation[];
  const unknown = operations.find(({ op }) => !operationNames.has(op));
  if (unknown) return { ok: false, failure: rejected, detail: `Unexpected kind: ${unknown.op ?? "unknown"}` };
  if (operations.length > operationsMax) {
    const message = `The allowed maximum operations in a JSON patch is ${operationsMax}, got ${operations.length}`;
    return { ok: false, failure: requestEntityTooLarge(message) };
  }
  try {
    // By way of JSON, which goes deeper than structuredClone.
    const document = applyOperations(copyOf(object), copyOf(operations) as readonly Operation[]);
    if (!isObject(document)) return { ok: false, failure: badRequest("the patched document is not an object") };
    // Operations can put deep things into deep places, again and again. An object's managedFields lie a little deeper than what they tell of.
    if (isDeeper(document, levelsMax + managedLevels)) return { ok: false, failure: badRequest(tooDeep) };
    return { ok: true, object: document };
  } catch (error) {
    if (error instanceof PatchError) return { ok: false, failure: rejected, detail: error.message };
    if (error instanceof RangeError) return { ok: false, failure: badRequest(tooDeep) };
    throw error;
  }
}

const managedLevels = 8;

const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function wrongWithOperations(patch: unknown): string | undefined {
  if (!Array.isArray(patch))
    return `json: cannot unmarshal ${isObject(patch) ? "object" : typeof patch} into Go value of type []handlers.jsonPatchOp`;
  for (const [index, operation] of patch.entries()) {
    if (!isObject(operation)) return `operation ${index} is not an object`;
    if (typeof operation.path !== "string") return `operation ${index} has no path`;
    if ((operation.op === "move" || operation.op === "copy") && typeof operation.from !== "string") return `operation ${index} has no from`;
    if ((operation.op === "add" || operation.op === "replace" || operation.op === "test") && operation.value === undefined)
      return `operation ${index} has no value`;
  }
  return undefined;
}

/** The answer to a patch that is well formed but does not fit the object; a real server keeps to itself which operation it was. */
const rejected: Failure = { ...failure("Invalid", "the server rejected our request due to an error in our request"), details: {} };

/** JSON Merge Patch (RFC 7386) of whole objects. Fails with 400 when the patch is not an object. */
export function mergePatch(object: JsonObject, patch: unknown): Patched {
  if (!isObject(patch)) {
    const found = Array.isArray(patch) ? "array" : patch === null ? "null" : typeof patch;
    return {
      ok: false,
      failure: badRequest(`error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`),
    };
  }
  return { ok: true, object: merged(object, patch) as JsonObject };
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(Object.hasOwn(result, key) ? result[key] : undefined, value);
  }
  return result;
}

/** Strategic merge patch: lists are merged by the keys that definitions.json gives. Fails with 400 when the patch is not well formed. */
export function strategicMergePatch(kind: Kind, object: JsonObject, patch: unknown): Patched {
  if (!isObject(patch)) return { ok: false, failure: badRequest("invalid JSON document") };
  try {
    return { ok: true, object: strategicMerge(kind.definition, object, patch) };
  } catch (error) {
    if (error instanceof StrategicMergeError) return { ok: false, failure: badRequest(error.message) };
    throw error;
  }
}
