import type { LabelSelector, ObjectMeta } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, controllerReference, isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { get, type IndexFunction, type Resource, type Step, update, type View } from "../client";

/** The index by which controllers find what is theirs: the uid of an object's controller, or "orphan/NAMESPACE" for what has none. */
export const byController = "controller";

export const controllerIndex: IndexFunction<{ readonly metadata?: ObjectMeta }> = (object) => [
  controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace),
];

const orphansOf = (namespace: string | undefined) => `orphan/${namespace ?? ""}`;

export interface Claim<T> {
  /** What belongs to the owner once the steps are done. */
  readonly owned: readonly Stored<T>[];
  /** Adopts matching orphans and releases what no longer matches. */
  readonly steps: readonly Step[];
}

/**
 * Which objects belong to an owner. Orphans that match its selector are adopted, after a look past the cache that the owner is not being deleted
 * (the garbage collector may be orphaning at this moment, kubernetes/kubernetes#42639); what it owns but no longer selects is released.
 * Nothing is adopted or released while the owner or the object is being deleted. `isAdoptable` may turn away more.
 * Where what is owned is counted by a finalizer, that comes with the adoption and goes with the release: nobody else would take it off.
 */
export function claim<O extends { readonly metadata?: ObjectMeta }, T extends { readonly metadata?: ObjectMeta }>(
  view: View,
  owner: Stored<O>,
  ownerResource: Resource<O>,
  childResource: Resource<T>,
  selector: LabelSelector,
  isAdoptable: (child: Stored<T>) => boolean = () => true,
  finalizer?: string,
): Claim<T> {
  const { uid, namespace = "", name } = owner.metadata;
  const store = view.of(childResource);
  const owned: Stored<T>[] = [];
  const releases: Step[] = [];
  const adoptions: Step[] = [];
  for (const child of store.byIndex(byController, uid)) {
    if (matchesLabelSelector(selector, child.metadata.labels)) owned.push(child);
    else if (!isBeingDeleted(owner) && !isBeingDeleted(child)) releases.push(release(childResource, child, uid, finalizer));
  }
  if (!isBeingDeleted(owner))
    for (const child of store.byIndex(byController, orphansOf(namespace))) {
      if (isBeingDeleted(child) || !matchesLabelSelector(selector, child.metadata.labels) || !isAdoptable(child)) continue;
      owned.push(child);
      adoptions.push(adopt(childResource, child, owner, finalizer));
    }
  if (adoptions.length === 0) return { owned, steps: releases };
  const check = get(ownerResource, namespace, name, (result) => {
    if (!result.ok) return [{ do: "fail", message: `cannot adopt: ${result.status.message}` }];
    if (result.object.metadata.uid !== uid || isBeingDeleted(result.object))
      return [{ do: "fail", message: `cannot adopt: ${name} is going away` }];
    return adoptions;
  });
  return { owned, steps: [...releases, check] };
}

function adopt<T>(resource: Resource<T>, child: Stored<T>, owner: Stored<unknown>, finalizer: string | undefined): Step {
  const ownerReferences = [...(child.metadata.ownerReferences ?? []), controllerReference(owner as Stored)];
  const before = child.metadata.finalizers ?? [];
  const counted = finalizer === undefined || before.includes(finalizer) ? {} : { finalizers: [...before, finalizer] };
  return update(resource, { ...child, metadata: { ...child.metadata, ownerReferences, ...counted } });
}

function release<T>(resource: Resource<T>, child: Stored<T>, ownerUid: string, finalizer: string | undefined): Step {
  const ownerReferences = (child.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== ownerUid);
  const finalizers = child.metadata.finalizers?.filter((name) => name !== finalizer);
  const metadata = { ...child.metadata, ownerReferences, ...(finalizers ? { finalizers } : {}) };
  return update(resource, { ...child, metadata }, { ignore: ["NotFound"] });
}
