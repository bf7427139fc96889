import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import { type Failure, invalid, isFailure, unsupportedMediaType } from "../../../protocol/status";
import { type ResourceCall, refuse } from "../call";
import { type PatchType, patchType } from "../negotiation";
import { printed } from "../objects/converting-error";
import type { Undecoded } from "../objects/decode";
import { jsonPatch, mergePatch, strategicMergePatch } from "../objects/patch";
import type { Ctx, ServerState } from "../state";
import { apply } from "./apply";
import { parseText, receiveObject } from "./body";
import { complete } from "./objects";
import { change, type Make, tracker } from "./update";

/** PATCH in each of its four forms. A patch that names no resourceVersion is put to whatever is there, again where somebody was quicker. */
export function patch(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const { request, kind } = call;
  const type = patchType(request.contentType);
  if (typeof type !== "string") return refuse(ctx, call, type);
  const document = parseText(request.body, type === "apply", (why) => (type === "apply" ? `error decoding YAML: ${why}` : why));
  if (isFailure(document)) return refuse(ctx, call, document);
  if (type === "apply") return apply(state, ctx, call, document);
  const make: Make = (stored) => {
    const patched = applied(call, type, stored, document);
    if (isFailure(patched)) return patched;
    const received = receiveObject(request, kind, patched, request.namespace, (undecoded) => unfit(type, document, patched, undecoded));
    if (isFailure(received)) return received;
    return { object: complete(kind, received.object), warnings: received.warnings };
  };
  return change(state, ctx, call, { verb: "patch", make, track: tracker(call) });
}

/** What a patch makes of an object is no object of its kind any more; as in real servers it is the patch that is invalid, and shown. */
function unfit(type: PatchType, patch: unknown, patched: JsonObject, { message, converting }: Undecoded): Failure {
  const [shown, why] = type === "strategic" ? [printed(patch), converting] : [JSON.stringify(patched), message];
  return invalid({ group: "", resource: "", kind: "" }, [
    { reason: "FieldValueInvalid", field: "patch", message: `Invalid value: ${JSON.stringify(shown)}: ${why}` },
  ]);
}

/** Nothing says how the lists of a custom resource are merged strategically. */
const customPatchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

function applied(call: ResourceCall, type: Exclude<PatchType, "apply">, stored: ApiObject, document: unknown): JsonObject | Failure {
  const { kind } = call;
  const object = stored as unknown as JsonObject;
  const result =
    type === "json"
      ? jsonPatch(object, document)
      : type === "merge"
        ? mergePatch(object, document)
        : kind.custom
          ? unsupportedMediaType(call.request.contentType, customPatchTypes)
          : strategicMergePatch(kind, object, document);
  if (isFailure(result)) return result;
  return result.ok ? result.object : result.failure;
}
