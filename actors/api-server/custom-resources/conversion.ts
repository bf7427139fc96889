import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { ApiObject, JsonObject, Stored } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
import type { Entry } from "../storage/entry";
import { asConverted, asRead } from "./objects";

/** The versions of a custom resource. Without a webhook they differ in nothing but their name, and in what each one's schema knows. */

const json = (object: ApiObject) => object as unknown as JsonObject;

/** What lies in etcd, in the version of the kind. Where a webhook has to convert it must have been asked before: see awaitConverted. */
export function servedCustom(kind: Kind, custom: CustomFacts, entry: Entry): Stored<ApiObject> {
  const known = entry.recall(custom.revision, kind.version);
  if (known) return known;
  if (needsWebhook(kind, custom, entry)) throw new Error(`${entry.key} was not converted to ${kind.version} before it was needed`);
  return entry.remember(custom.revision, kind.version, converted(kind, custom, entry.object) as Stored<ApiObject>);
}

/** Whether a webhook has to convert the entry before it can be had in the version of the kind. */
export function needsWebhook(kind: Kind, custom: CustomFacts, entry: Entry): boolean {
  if (custom.conversion.strategy !== "Webhook" || entry.recall(custom.revision, kind.version)) return false;
  return entry.object.apiVersion !== apiVersionOf(kind);
}

/** An object of one version as the storage version's. */
export function storedCustom(kind: Kind, storage: Kind, object: ApiObject): ApiObject {
  if (kind.version === storage.version) return object;
  return renamed(storage, storage.custom!, object);
}

/** As it is read in the version it is stored in, then in the kind's version. */
function converted(kind: Kind, custom: CustomFacts, object: ApiObject): ApiObject {
  const read = asRead(custom, json(object)) as unknown as ApiObject;
  return read.apiVersion === apiVersionOf(kind) ? read : renamed(kind, custom, read);
}

function renamed(to: Kind, custom: CustomFacts, object: ApiObject): ApiObject {
  return asConverted(custom, { ...object, apiVersion: apiVersionOf(to), kind: to.kind } as unknown as JsonObject) as unknown as ApiObject;
}
