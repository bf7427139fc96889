import type { ApiObject } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import type { Failure } from "../../../protocol/status";
import { withDefaults } from "../objects/defaulting";
import { type Birth, prepareForCreate, prepareForUpdate } from "../objects/strategy";

/** The object with its kind's defaults. */
export function complete(kind: Kind, object: ApiObject): ApiObject {
  return withDefaults(kind, object as never) as unknown as ApiObject;
}

export function born(kind: Kind, object: ApiObject, birth: Birth): ApiObject {
  return prepareForCreate(kind, object as never, birth) as unknown as ApiObject;
}

export function updated(kind: Kind, stored: ApiObject, object: ApiObject, subresource: string): ApiObject {
  return prepareForUpdate(kind, stored as never, object as never, subresource) as unknown as ApiObject;
}

export function wrongWithNew(_kind: Kind, _object: ApiObject): Failure | undefined {
  return undefined;
}

export function wrongWithUpdate(_kind: Kind, _stored: ApiObject, _updated: ApiObject, _subresource: string): Failure | undefined {
  return undefined;
}
