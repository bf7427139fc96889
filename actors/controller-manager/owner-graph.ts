import type { ObjectMeta, OwnerReference } from "../../protocol/kinds/generated";
import { keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import { groupVersionOf, groupVersions, kindOf } from "../../protocol/kinds/registry";
import { type Index, index, type Resource, resourceName, resourceOfKind, type View } from "../client";

/** Who owns whom, as the caches show it. */

/** An object and what it is one of. */
export interface Node {
  readonly resource: Resource;
  readonly object: Stored<{ readonly metadata?: ObjectMeta }>;
}

const byOwner = "owner";

/** Everything that can be listed, watched and deleted, in the version that its group prefers; Events own nothing and are owned by nothing. */
export function ownableResources(): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const { kinds } of groupVersions())
    for (const kind of kinds) {
      const resource = resourceOfKind(kind);
      const isManaged = ["list", "watch", "delete"].every((verb) => (kind.verbs as readonly string[]).includes(verb));
      if (isManaged && kind.kind !== "Event" && !found.has(resourceName(resource))) found.set(resourceName(resource), resource);
    }
  return [...found.values()];
}

export function ownerIndexes(resources: readonly Resource[]): readonly Index[] {
  return resources.map((resource) => index(resource, byOwner, (object) => (object.metadata.ownerReferences ?? []).map(({ uid }) => uid)));
}

/** The objects whose owner references name this uid. */
export function dependentsOf(uid: string, resources: readonly Resource[], view: View): readonly Node[] {
  return resources.flatMap((resource) =>
    view
      .of(resource)
      .byIndex(byOwner, uid)
      .map((object) => ({ resource, object: object as Node["object"] })),
  );
}

/** The resource that an owner reference speaks of, whichever version it names; undefined when the API has no such kind. */
export function ownerResource(reference: OwnerReference, resources: readonly Resource[]): Resource | undefined {
  const { group } = groupVersionOf(reference.apiVersion);
  const known = resources.find((resource) => resource.group === group && resource.kind === reference.kind);
  if (known) return known;
  const kind = kindOf(reference.apiVersion, reference.kind);
  return kind && resourceOfKind(kind);
}

/** The key under which an owner lies in its cache: what is namespaced lies in the namespace of what it owns. */
export function ownerKey(resource: Resource, name: string, namespace: string | undefined): string {
  return objectKey(resource.namespaced ? namespace : undefined, name);
}

/** The owner as the cache has it, if it has that very one. */
export function cachedOwner(
  reference: OwnerReference,
  namespace: string | undefined,
  resources: readonly Resource[],
  view: View,
): Node | undefined {
  const resource = ownerResource(reference, resources);
  if (!resource || !resources.includes(resource)) return undefined;
  const object = view.of(resource).get(ownerKey(resource, reference.name, namespace)) as Node["object"] | undefined;
  return object?.metadata.uid === reference.uid ? { resource, object } : undefined;
}

/** Whether the cache still holds this very object. */
export function isCached({ resource, object }: Node, view: View): boolean {
  return view.of(resource).get(keyOf(object))?.metadata.uid === object.metadata.uid;
}
