import { matchesFields } from "../../../protocol/kinds/field-selector";
import { matchesLabels } from "../../../protocol/kinds/label-selector";
import type { Kind } from "../../../protocol/kinds/registry";
import type { Entry } from "../storage/entry";
import { keyOfObject, prefixOfList, type StoredResource } from "../storage/keys";
import { servedObject } from "./conversion";
import type { Selection } from "./list-options";

/** A selection made ready to be put to many objects: what can be told from the key alone is, since it needs no decoding. */
export interface Matcher {
  readonly prefix: string;
  matches(entry: Entry): boolean;
}

export function matcherOf(kind: Kind, resource: StoredResource, selection: Selection): Matcher {
  const { namespace, name, labels } = selection;
  const prefix = prefixOfList(resource, namespace);
  const suffix = name === undefined ? undefined : `/${name}`;
  // The name was compared by key already; most watches of one object have no other requirement.
  const fields = selection.fields.filter(
    ({ field, operator, value }) => !(field === "metadata.name" && operator === "=" && value === name),
  );
  const byContent = selectsByContent(selection);
  const needsObject = labels.length > 0 || fields.length > 0;
  return {
    prefix,
    matches(entry) {
      if (!entry.key.startsWith(prefix)) return false;
      if (suffix !== undefined && !entry.key.endsWith(suffix)) return false;
      if (!needsObject) return true;
      if (!matchesLabels(labels, entry.object.metadata.labels)) return false;
      return fields.length === 0 || matchesFields(fields, kind, byContent ? servedObject(kind, resource, entry) : entry.object);
    },
  };
}

/** Whether more than an object's metadata is looked at, which is the same in every version. */
export function selectsByContent({ fields }: Selection): boolean {
  return fields.some(({ field }) => !field.startsWith("metadata."));
}

/** The one key that can match, where namespace and name are both known. */
export function soleKey(kind: Kind, resource: StoredResource, { namespace, name }: Selection): string | undefined {
  if (name === undefined || (kind.namespaced && namespace === "")) return undefined;
  return keyOfObject(resource, namespace, name);
}
