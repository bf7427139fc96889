import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import type { Failure } from "../../../protocol/status";
import type { CelWatch } from "../cel/figures";
import { withDefaults } from "../objects/defaulting";
import { trackUpdate, type Writer } from "../objects/managed-fields/ownership";
import { type Birth, prepareForCreate, prepareForUpdate } from "../objects/strategy";
import { invalidStatus } from "../objects/validation/field-error";
import { validateCreate, validateUpdate } from "../objects/validation/validate";

/** The rules of kinds, for objects that have been decoded: what objects/ knows of JSON, said of API objects. */

const json = (object: ApiObject) => object as unknown as JsonObject;
const api = (object: JsonObject) => object as unknown as ApiObject;

/** The object with its kind's defaults. */
export function complete(kind: Kind, object: ApiObject): ApiObject {
  return api(withDefaults(kind, json(object)));
}

/** A new object with what the server sets: uid, time, generation, the first status. */
export function born(kind: Kind, object: ApiObject, birth: Birth): ApiObject {
  return api(prepareForCreate(kind, json(object), birth));
}

/** What an update makes of the stored object: of each part what the subresource may write. */
export function updated(kind: Kind, stored: ApiObject, object: ApiObject, subresource: string, nowMs = 0): ApiObject {
  return api(prepareForUpdate(kind, json(stored), json(object), subresource, nowMs));
}

/** The object with the ownership of what the writer changed in its managedFields. */
export function tracked(kind: Kind, stored: ApiObject | undefined, object: ApiObject, writer: Writer): ApiObject {
  return api(trackUpdate(kind, stored && json(stored), json(object), writer));
}

/** The 422 for a new object that breaks its kind's rules. */
export function wrongWithNew(kind: Kind, object: ApiObject, watch?: CelWatch): Failure | undefined {
  const errors = validateCreate(kind, json(object), watch);
  return errors.length > 0 ? invalidStatus(kind, object.metadata.name ?? "", errors) : undefined;
}

/** The 422 for an update that breaks them, or changes what may not change. */
export function wrongWithUpdate(
  kind: Kind,
  stored: ApiObject,
  object: ApiObject,
  subresource: string,
  watch?: CelWatch,
): Failure | undefined {
  const errors = validateUpdate(kind, json(stored), json(object), subresource, watch);
  return errors.length > 0 ? invalidStatus(kind, stored.metadata.name ?? "", errors) : undefined;
}
