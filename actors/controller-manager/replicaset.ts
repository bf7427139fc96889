import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus, ReplicationController } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, controllerReference, isBeingDeleted, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import {
  attempt,
  type Controller,
  create,
  event,
  index,
  nothingToDo,
  type Plan,
  parallel,
  pods,
  type Resource,
  remove,
  replicaSets,
  type Step,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, claim, controllerIndex } from "./claim";
import { conditionOf, withCondition, withoutCondition } from "./condition";
import { availableAtMs, isPodActive, isPodAvailable, isPodReady } from "./pod-state";
import { deletionOrder } from "./replicaset-deletion-order";

/** More than this many pods are not made or deleted in one go. */
const burstReplicas = 500;

/** What sets a ReplicaSet and a ReplicationController apart, which otherwise are kept by the same decisions. */
export interface Replicating<T extends ReplicaSet | ReplicationController> {
  readonly name: string;
  readonly kind: string;
  /** What the apiVersion of owner references to it begins with. */
  readonly group: string;
  readonly resource: Resource<T>;
  /** The object in the form of a ReplicaSet, whose selector is a LabelSelector. */
  asSet(object: Stored<T>): Stored<ReplicaSet>;
  /** The object with a new status, in its own form. */
  withStatus(object: Stored<T>, status: ReplicaSetStatus): Stored<T>;
}

/** A controller that keeps as many pods as an object of that kind wants. */
export function replicaController<T extends ReplicaSet | ReplicationController>(kind: Replicating<T>): Controller {
  return {
    name: kind.name,
    watches: [watch(kind.resource, (object) => [keyOf(object)]), watch(pods, (pod, view) => keysOfPod(kind, pod, view))],
    indexes: [index(pods, byController, controllerIndex), index(kind.resource, byController, controllerIndex)],
    reconcile(key, view, { nowMs }) {
      const object = view.of(kind.resource).get(key);
      return object ? reconcileReplicas(kind, object, view, nowMs) : nothingToDo;
    },
  };
}

/** Keeps as many pods as a ReplicaSet wants. */
export const replicaSetController = replicaController<ReplicaSet>({
  name: "replicaset",
  kind: "ReplicaSet",
  group: "apps/",
  resource: replicaSets,
  asSet: (set) => set,
  withStatus: (set, status) => ({ ...set, status }),
});

/** The object that controls the pod or, for an orphan, those that would adopt it. */
function keysOfPod<T extends ReplicaSet | ReplicationController>(kind: Replicating<T>, pod: Stored<Pod>, view: View): readonly string[] {
  const { namespace = "", labels } = pod.metadata;
  const controller = controllerOf(pod);
  if (controller)
    return controller.kind === kind.kind && controller.apiVersion.startsWith(kind.group) ? [objectKey(namespace, controller.name)] : [];
  return view
    .of(kind.resource)
    .byIndex("namespace", namespace)
    .map((object) => kind.asSet(object))
    .filter((set) => set.spec && matchesLabelSelector(set.spec.selector, labels))
    .map(keyOf);
}

function reconcileReplicas<T extends ReplicaSet | ReplicationController>(
  kind: Replicating<T>,
  object: Stored<T>,
  view: View,
  nowMs: number,
): Plan {
  const set = kind.asSet(object);
  const { spec } = set;
  if (!spec) return nothingToDo;
  const { owned, steps: claims } = claim(view, object, kind.resource, pods, spec.selector, isPodActive);
  const active = owned.filter(isPodActive);
  const manage = isBeingDeleted(set) ? undefined : managePods(kind, set, active, view, nowMs);
  const writeStatus = (failure: string | undefined): readonly Step[] => {
    const failed = failure === undefined ? undefined : { reason: manage!.failureReason, message: failure };
    const written = kind.withStatus(object, statusOf(set, owned, nowMs, failed));
    return isSame(written.status, object.status) ? [] : [updateStatus(kind.resource, written)];
  };
  const work = manage ? attempt([...claims, ...manage.steps], writeStatus) : attempt(claims, writeStatus);
  const requeueAfterMs = nextAvailableMs(active, spec.minReadySeconds ?? 0, nowMs);
  return { steps: [work], ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }) };
}

interface Management {
  readonly steps: readonly Step[];
  readonly failureReason: "FailedCreate" | "FailedDelete";
}

function managePods<T extends ReplicaSet | ReplicationController>(
  kind: Replicating<T>,
  set: Stored<ReplicaSet>,
  active: readonly Stored<Pod>[],
  view: View,
  nowMs: number,
): Management | undefined {
  const surplus = active.length - (set.spec?.replicas ?? 1);
  if (surplus === 0) return undefined;
  if (surplus < 0) {
    const missing = Math.min(-surplus, burstReplicas);
    const creations = Array.from({ length: missing }, () => createPod(set));
    return { steps: [parallel(creations, true)], failureReason: "FailedCreate" };
  }
  const victims = deletionOrder(active, relatedPods(kind, set, view), nowMs).slice(0, Math.min(surplus, burstReplicas));
  return { steps: [parallel(victims.map((pod) => deletePod(set, pod)))], failureReason: "FailedDelete" };
}

/** A pod as the template wants it, owned by the set. */
export function podOf(owner: Stored<unknown>, template: NonNullable<ReplicaSet["spec"]>["template"]): Pod {
  const { labels = {}, annotations = {}, finalizers } = template?.metadata ?? {};
  const metadata = {
    generateName: `${owner.metadata.name}-`,
    ...(owner.metadata.namespace ? { namespace: owner.metadata.namespace } : {}),
    labels,
    annotations,
    ...(finalizers ? { finalizers } : {}),
    ownerReferences: [controllerReference(owner as Stored)],
  };
  return { metadata, spec: template?.spec ?? { containers: [] } };
}

function createPod(set: Stored<ReplicaSet>): Step {
  return create(pods, podOf(set, set.spec?.template), {
    after: (result) => {
      if (result.ok) return [event(set, "Normal", "SuccessfulCreate", `Created pod: ${result.object.metadata.name}`)];
      // In a namespace that is being deleted nothing can be made, and nobody needs to hear of it.
      if (result.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating")) return [];
      return [event(set, "Warning", "FailedCreate", `Error creating: ${result.status.message}`)];
    },
  });
}

function deletePod(set: Stored<ReplicaSet>, pod: Stored<Pod>): Step {
  return remove(
    pods,
    pod,
    {},
    {
      after: (result) => {
        if (result.ok) return [event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`)];
        if (result.status.reason === "NotFound") return [];
        return [event(set, "Warning", "FailedDelete", `Error deleting: ${result.status.message}`)];
      },
    },
  );
}

/** The active pods of all objects of the kind that have the same controller, or of this one alone. */
function relatedPods<T extends ReplicaSet | ReplicationController>(
  kind: Replicating<T>,
  set: Stored<ReplicaSet>,
  view: View,
): readonly Stored<Pod>[] {
  const controller = controllerOf(set);
  const sets = controller ? view.of(kind.resource).byIndex(byController, controller.uid) : [set];
  return sets.flatMap(({ metadata }) => view.of(pods).byIndex(byController, metadata.uid)).filter(isPodActive);
}

function statusOf(
  set: Stored<ReplicaSet>,
  owned: readonly Stored<Pod>[],
  nowMs: number,
  failed: { readonly reason: string; readonly message: string } | undefined,
): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = set.spec!;
  const active = owned.filter(isPodActive);
  const labels = Object.entries(template?.metadata?.labels ?? {});
  const fullyLabeled = active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const ready = active.filter(isPodReady);
  const available = ready.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs));
  const terminating = owned.filter((pod) => isBeingDeleted(pod) && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed");
  const conditions = conditionsOf(set.status?.conditions ?? [], nowMs, failed);
  return {
    replicas: active.length,
    ...(fullyLabeled.length > 0 ? { fullyLabeledReplicas: fullyLabeled.length } : {}),
    ...(ready.length > 0 ? { readyReplicas: ready.length } : {}),
    ...(available.length > 0 ? { availableReplicas: available.length } : {}),
    terminatingReplicas: terminating.length,
    ...(conditions.length > 0 ? { conditions } : {}),
    observedGeneration: set.metadata.generation ?? 0,
  };
}

/** A failure is told once, with the message it first had, and taken back when all went well. */
function conditionsOf(
  old: readonly ReplicaSetCondition[],
  nowMs: number,
  failed: { readonly reason: string; readonly message: string } | undefined,
): readonly ReplicaSetCondition[] {
  if (!failed) return withoutCondition(old, "ReplicaFailure");
  if (conditionOf(old, "ReplicaFailure")) return old;
  return withCondition(old, { type: "ReplicaFailure", status: "True", ...failed }, nowMs);
}

/** How long until the next ready pod becomes available. */
function nextAvailableMs(active: readonly Stored<Pod>[], minReadySeconds: number, nowMs: number): number | undefined {
  const times = active.map((pod) => availableAtMs(pod, minReadySeconds)).filter((at) => at > nowMs && at < Number.POSITIVE_INFINITY);
  return times.length > 0 ? Math.min(...times) - nowMs : undefined;
}
