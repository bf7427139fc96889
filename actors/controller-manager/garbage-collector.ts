import type { OwnerReference } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import {
  type Controller,
  event,
  fail,
  gather,
  nothingToDo,
  type Plan,
  parallel,
  type Request,
  type Resource,
  type Result,
  remove,
  resourceName,
  type Step,
  update,
  type View,
  type Watch,
} from "../client";
import { cachedOwner, dependentsOf, isCached, type Node, ownableResources, ownerIndexes, ownerResource } from "./owner-graph";

const foreground = "foregroundDeletion";
const orphan = "orphan";
const builtIn = ownableResources();
const builtInByName: ReadonlyMap<string, Resource> = new Map(builtIn.map((resource) => [resourceName(resource), resource]));

/** All that can be owned or own: the built-in resources, and the custom ones that there are. */
function resourcesIn(view: View): readonly Resource[] {
  const custom = view.customResources();
  return custom.length === 0 ? builtIn : [...builtIn, ...custom];
}

/**
 * Deletes what all owners of are gone. A key is an object whose owners or dependents want looking at, "pods shop/web-1", or an owner that the caches do not have,
 * "owner UID": so a missing owner is looked up once for all it owned. That an owner is gone is believed only after a look past the caches, by uid. What was
 * an orphan before this manager started is found as well: every object with owners is looked at once (kubernetes/kubernetes#109748).
 * Source: "Garbage Collection" in the documentation.
 */
export const garbageCollector: Controller = {
  name: "garbage-collector",
  workers: 20,
  watches: builtIn.map(watchOf),
  indexes: ownerIndexes(builtIn),
  customResources: (resource) => ({ watch: watchOf(resource), indexes: ownerIndexes([resource]) }),
  reconcile(key, view) {
    const [kind = "", rest = ""] = key.split(" ");
    if (kind === ownerKind) return reconcileMissingOwner(rest, view);
    const resource = builtInByName.get(kind) ?? view.customResources().find((each) => resourceName(each) === kind);
    // Its definition has gone meanwhile.
    if (!resource) return nothingToDo;
    const object = view.of(resource).get(rest) as Node["object"] | undefined;
    return object ? reconcileObject({ resource, object }, view) : nothingToDo;
  },
};

const ownerKind = "owner";

function watchOf(resource: Resource): Watch {
  return { resource, keys: (object, view) => keysOf({ resource, object: object as Node["object"] }, view) };
}
const keyOfNode = ({ resource, object }: Node) => `${resourceName(resource)} ${keyOf(object)}`;
const hasFinalizer = ({ object }: Node, finalizer: string) => object.metadata.finalizers?.includes(finalizer) ?? false;
const isLeaving = ({ object }: Node) => isBeingDeleted(object);
const waitsForDependents = (node: Node) => isLeaving(node) && hasFinalizer(node, foreground);
const blocks = ({ object }: Node, uid: string) =>
  object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true) ?? false;

function keysOf(node: Node, view: View): readonly string[] {
  const { ownerReferences = [], namespace, uid } = node.object.metadata;
  const owners = ownerReferences.map((reference) => ({ reference, owner: cachedOwner(reference, namespace, resourcesIn(view), view) }));
  const keys: string[] = [];
  // An owner that waits for its dependents wants to know of each that goes.
  for (const { owner } of owners) if (owner && waitsForDependents(owner)) keys.push(keyOfNode(owner));
  if (!isCached(node, view)) {
    const dependents = dependentsOf(uid, resourcesIn(view), view);
    if (dependents.length > 0) keys.push(`${ownerKind} ${uid}`);
    return keys;
  }
  for (const { reference, owner } of owners) if (!owner) keys.push(`${ownerKind} ${reference.uid}`);
  const isOwnedByLeaving = owners.some(({ owner }) => owner && waitsForDependents(owner));
  if (isOwnedByLeaving || (isLeaving(node) && (hasFinalizer(node, foreground) || hasFinalizer(node, orphan)))) keys.push(keyOfNode(node));
  if (waitsForDependents(node)) for (const dependent of dependentsOf(uid, resourcesIn(view), view)) keys.push(keyOfNode(dependent));
  return keys;
}

function reconcileObject(node: Node, view: View): Plan {
  if (isLeaving(node)) {
    if (hasFinalizer(node, orphan)) return orphanDependents(node, view);
    return hasFinalizer(node, foreground) ? awaitDependents(node, view) : nothingToDo;
  }
  return (node.object.metadata.ownerReferences ?? []).length > 0 ? { steps: attemptToDelete(node, view) } : nothingToDo;
}

/** The owner references of all dependents go, then the finalizer. */
function orphanDependents(node: Node, view: View): Plan {
  const { uid } = node.object.metadata;
  const releases = dependentsOf(uid, resourcesIn(view), view).map((dependent) => withoutOwners(dependent, [uid]));
  return { steps: [parallel(releases), withoutFinalizer(node, orphan)] };
}

/** The finalizer goes when nothing that blocks is left; until then those that block are deleted by keys of their own. */
function awaitDependents(node: Node, view: View): Plan {
  const { uid } = node.object.metadata;
  const blocking = dependentsOf(uid, resourcesIn(view), view).filter((dependent) => blocks(dependent, uid));
  return blocking.length === 0 ? { steps: [withoutFinalizer(node, foreground)] } : nothingToDo;
}

/** Looks at everything that names an owner which the caches do not have. */
function reconcileMissingOwner(uid: string, view: View): Plan {
  const dependents = dependentsOf(uid, resourcesIn(view), view).filter((dependent) => {
    const reference = dependent.object.metadata.ownerReferences!.find((owner) => owner.uid === uid)!;
    return !isLeaving(dependent) && !cachedOwner(reference, dependent.object.metadata.namespace, resourcesIn(view), view);
  });
  if (dependents.length === 0) return nothingToDo;
  // Dependents may name the same uid in different words, so each distinct reference is looked up.
  const asked = new Map<string, Request>();
  const lookups = dependents.map((dependent) => {
    const reference = dependent.object.metadata.ownerReferences!.find((owner) => owner.uid === uid)!;
    return lookUp(reference, dependent, asked, view);
  });
  return {
    steps: [
      gather([...asked.values()], (results) => {
        const byName = new Map([...asked.keys()].map((name, at) => [name, results[at]!]));
        const goneSteps: Step[] = [];
        for (const [at, dependent] of dependents.entries()) {
          const lookup = lookups[at]!;
          if (typeof lookup !== "string") goneSteps.push(...lookup.steps);
          else {
            const state = ownerState(byName.get(lookup)!, uid);
            if (state.type === "error") goneSteps.push(fail(state.message));
            else if (state.type === "absent") goneSteps.push(...attemptToDelete(dependent, view, new Set([uid])));
          }
        }
        return [parallel(goneSteps)];
      }),
    ],
  };
}

/** The name of a live read of the owner, entered into `asked`; or what to do where none is possible. */
function lookUp(
  reference: OwnerReference,
  dependent: Node,
  asked: Map<string, Request>,
  view: View,
): string | { readonly steps: readonly Step[] } {
  const { namespace = "" } = dependent.object.metadata;
  const resource = ownerResource(reference, resourcesIn(view));
  // A kind that the API does not serve may be served again: its dependents stay.
  if (!resource) return { steps: [fail(`${reference.apiVersion} ${reference.kind}: the API has no such kind`)] };
  if (resource.namespaced && namespace === "") {
    const message = `ownerRef [${reference.apiVersion}/${reference.kind}, name: ${reference.name}, uid: ${reference.uid}] does not exist in namespace ""`;
    return { steps: [event(dependent.object as Stored<unknown>, "Warning", "OwnerRefInvalidNamespace", message)] };
  }
  const within = resource.namespaced ? namespace : "";
  const name = `${resourceName(resource)} ${within}/${reference.name}`;
  asked.set(name, { do: "get", resource, namespace: within, name: reference.name });
  return name;
}

type OwnerState = { readonly type: "absent" | "solid" | "waiting" } | { readonly type: "error"; readonly message: string };

function ownerState(result: Result<unknown>, uid: string): OwnerState {
  if (!result.ok) return result.status.reason === "NotFound" ? { type: "absent" } : { type: "error", message: result.status.message };
  const found = result.object as Stored<{ readonly metadata: object }>;
  if (found.metadata.uid !== uid) return { type: "absent" };
  return { type: isBeingDeleted(found) && (found.metadata.finalizers ?? []).includes(foreground) ? "waiting" : "solid" };
}

/**
 * What becomes of an object by the state of its owners: one that is there and stays keeps it, and the others are taken off; one that only waits for its dependents
 * takes it along in the foreground; without any it is deleted. `absent` are uids that have been looked up already.
 */
function attemptToDelete(node: Node, view: View, absent: ReadonlySet<string> = new Set()): readonly Step[] {
  const { ownerReferences = [], namespace } = node.object.metadata;
  const asked = new Map<string, Request>();
  const known = ownerReferences.map((reference): OwnerState | string | { readonly steps: readonly Step[] } => {
    if (absent.has(reference.uid)) return { type: "absent" };
    const cached = cachedOwner(reference, namespace, resourcesIn(view), view);
    if (cached) return { type: waitsForDependents(cached) ? "waiting" : "solid" };
    return lookUp(reference, node, asked, view);
  });
  const impossible = known.find((each) => typeof each !== "string" && "steps" in each) as { readonly steps: readonly Step[] } | undefined;
  if (impossible) return impossible.steps;
  return [
    gather([...asked.values()], (results) => {
      const byName = new Map([...asked.keys()].map((name, at) => [name, results[at]!]));
      const states = known.map((each, at) =>
        typeof each === "string" ? ownerState(byName.get(each)!, ownerReferences[at]!.uid) : (each as OwnerState),
      );
      return verdict(node, ownerReferences, states, view);
    }),
  ];
}

function verdict(node: Node, owners: readonly OwnerReference[], states: readonly OwnerState[], view: View): readonly Step[] {
  const failed = states.find((state) => state.type === "error");
  if (failed?.type === "error") return [fail(failed.message)];
  const uidsOf = (...types: readonly OwnerState["type"][]) =>
    owners.filter((_, at) => types.includes(states[at]!.type)).map(({ uid }) => uid);
  if (uidsOf("solid").length > 0) {
    const useless = uidsOf("absent", "waiting");
    return useless.length > 0 ? [withoutOwners(node, useless)] : [];
  }
  const dependents = dependentsOf(node.object.metadata.uid, resourcesIn(view), view);
  if (uidsOf("waiting").length > 0 && dependents.length > 0) {
    // Two that own each other and both wait would wait for ever: this one lets its owners go first.
    const unblocking = dependents.some(waitsForDependents) ? [unblockOwners(node)] : [];
    return [...unblocking, deleteNode(node, "Foreground", unblocking.length > 0)];
  }
  if (hasFinalizer(node, orphan)) return [deleteNode(node, "Orphan")];
  return [deleteNode(node, hasFinalizer(node, foreground) ? "Foreground" : "Background")];
}

/** Deletes the object as it was judged: had its owners changed meanwhile, the server refuses and it is judged again. */
function deleteNode({ resource, object }: Node, propagationPolicy: string, isChanged = false): Step {
  const { uid, resourceVersion } = object.metadata;
  const preconditions = isChanged ? { uid } : { uid, resourceVersion };
  return remove(resource as Resource<Node["object"]>, object, { propagationPolicy, preconditions });
}

function withoutOwners({ resource, object }: Node, uids: readonly string[]): Step {
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.includes(uid));
  return update(
    resource as Resource<Node["object"]>,
    { ...object, metadata: { ...object.metadata, ownerReferences } },
    { ignore: ["NotFound"] },
  );
}

function unblockOwners({ resource, object }: Node): Step {
  const ownerReferences = (object.metadata.ownerReferences ?? []).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  return update(resource as Resource<Node["object"]>, { ...object, metadata: { ...object.metadata, ownerReferences } });
}

function withoutFinalizer({ resource, object }: Node, finalizer: string): Step {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return update(
    resource as Resource<Node["object"]>,
    { ...object, metadata: { ...object.metadata, finalizers } },
    { ignore: ["NotFound"] },
  );
}
