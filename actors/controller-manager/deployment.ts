import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, isControlledBy, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import type { Failure } from "../../protocol/status";
import {
  type Controller,
  create,
  deployments,
  event,
  fail,
  get,
  index,
  nothingToDo,
  type Plan,
  parallel,
  pods,
  remove,
  replicaSets,
  type Step,
  update,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, claim, controllerIndex } from "./claim";
import { conditionOf } from "./condition";
import {
  annotationsOfNewSet,
  byCreation,
  desiredReplicasAnnotation,
  isSameTemplate,
  makeReplicaSet,
  maxReplicasAnnotation,
  newReplicaSetOf,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  surplusHistory,
} from "./deployment-revision";
import {
  desiredOf,
  isRolling,
  maxSurgeOf,
  newSetSize,
  replicasOf,
  type Sizes,
  scaleAll,
  scaleNew,
  scaleOld,
  scaleOldForRecreate,
  wasScaled,
} from "./deployment-scale";
import { deploymentCondition, deploymentStatus, hasDeadline, isComplete, rolloutStatus, setDeploymentCondition } from "./deployment-status";
import { isPodTerminal } from "./pod-state";

type Set = Stored<ReplicaSet>;

/** What one look at a Deployment is made from. */
interface Rollout {
  readonly deployment: Stored<Deployment>;
  readonly newSet: Set | undefined;
  readonly oldSets: readonly Set[];
  readonly nowMs: number;
}

/** Turns a Deployment's template into ReplicaSets and moves the replicas from the old ones to the new one within the strategy's bounds. */
export const deploymentController: Controller = {
  name: "deployment",
  watches: [watch(deployments, (deployment) => [keyOf(deployment)]), watch(replicaSets, keysOfSet), watch(pods, keysOfPod)],
  indexes: [index(replicaSets, byController, controllerIndex), index(pods, byController, controllerIndex)],
  reconcile(key, view, { nowMs }) {
    const deployment = view.of(deployments).get(key);
    if (!deployment?.spec) return nothingToDo;
    return reconcileDeployment(deployment, view, nowMs);
  },
};

function keysOfSet(set: Set, view: View): readonly string[] {
  const { namespace = "", labels } = set.metadata;
  const controller = controllerOf(set);
  if (controller) return controller.kind === "Deployment" ? [objectKey(namespace, controller.name)] : [];
  return view
    .of(deployments)
    .byIndex("namespace", namespace)
    .filter((deployment) => matchesLabelSelector(deployment.spec?.selector, labels))
    .map(keyOf);
}

/** Pods matter to a Deployment that recreates: it waits until the last old one is gone. */
function keysOfPod(pod: Stored<Pod>, view: View): readonly string[] {
  const controller = controllerOf(pod);
  const { namespace = "" } = pod.metadata;
  const set = controller?.kind === "ReplicaSet" ? view.of(replicaSets).get(objectKey(namespace, controller.name)) : undefined;
  const owner = set && controllerOf(set);
  if (owner?.kind !== "Deployment") return [];
  const key = objectKey(namespace, owner.name);
  const deployment = view.of(deployments).get(key);
  return deployment && !isRolling(deployment) ? [key] : [];
}

function reconcileDeployment(deployment: Stored<Deployment>, view: View, nowMs: number): Plan {
  const { selector } = deployment.spec!;
  if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0)
    return {
      steps: [event(deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")],
    };

  const { owned, steps: claims } = claim(view, deployment, deployments, replicaSets, selector);
  if (claims.length > 0) return { steps: claims };
  const newSet = newReplicaSetOf(deployment, owned);
  const rollout: Rollout = { deployment, newSet, oldSets: owned.filter((set) => set !== newSet).sort(byCreation), nowMs };
  if (isBeingDeleted(deployment)) return { steps: writeStatus(deployment, plainStatus(rollout)) };

  const pausing = pauseCondition(deployment, nowMs);
  if (pausing) return { steps: writeStatus(deployment, { ...deployment.status, conditions: pausing }) };
  const syncing = newSet ? syncNewSet(rollout, newSet) : [];
  if (syncing.length > 0) return { steps: syncing };
  if (deployment.spec!.paused || wasScaled(deployment, owned)) return followScale(rollout);
  return isRolling(deployment) ? rollingUpdate(rollout) : recreate(rollout, view);
}

/** Pausing stops the deadline, resuming starts it anew. The conditions to write, if that is news. */
function pauseCondition(deployment: Stored<Deployment>, nowMs: number): DeploymentStatus["conditions"] {
  if (!hasDeadline(deployment)) return undefined;
  const conditions = deployment.status?.conditions ?? [];
  const current = conditionOf(conditions, "Progressing");
  const isPaused = current?.reason === "DeploymentPaused";
  if (current?.reason === "ProgressDeadlineExceeded" && deployment.spec!.paused) return undefined;
  if (deployment.spec!.paused && !isPaused)
    return setDeploymentCondition(
      conditions,
      deploymentCondition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", nowMs),
    );
  if (!deployment.spec!.paused && isPaused)
    return setDeploymentCondition(
      conditions,
      deploymentCondition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", nowMs),
    );
  return undefined;
}

/** Brings annotations and revision of an existing new ReplicaSet up to date (a rollback makes an old one new again), then the Deployment's revision. */
function syncNewSet({ deployment, oldSets, nowMs }: Rollout, newSet: Set): readonly Step[] {
  const annotations = annotationsOfNewSet(deployment, newSet, nextRevision(oldSets));
  const minReadySeconds = deployment.spec!.minReadySeconds ?? 0;
  if (!isSame(annotations, newSet.metadata.annotations ?? {}) || (newSet.spec?.minReadySeconds ?? 0) !== minReadySeconds) {
    const spec = { ...newSet.spec!, minReadySeconds };
    return [update(replicaSets, { ...newSet, metadata: { ...newSet.metadata, annotations }, spec })];
  }
  return syncRevision(deployment, newSet, nowMs);
}

/** The Deployment's revision is that of its new ReplicaSet, and a rollout that is watched begins with a condition. Both go by way of the status, so that they are no new generation. */
function syncRevision(deployment: Stored<Deployment>, newSet: Set, nowMs: number): readonly Step[] {
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: String(revisionOf(newSet)) };
  const before = deployment.status?.conditions ?? [];
  const message = `Found new replica set "${newSet.metadata.name}"`;
  const found = deploymentCondition("Progressing", "True", "FoundNewReplicaSet", message, nowMs);
  const conditions = hasDeadline(deployment) && !conditionOf(before, "Progressing") ? setDeploymentCondition(before, found) : before;
  if (isSame(annotations, deployment.metadata.annotations ?? {}) && conditions === before) return [];
  const metadata = { ...deployment.metadata, annotations };
  return [updateStatus(deployments, { ...deployment, metadata, status: { ...deployment.status, conditions } })];
}

/** The Deployment was scaled or is paused: sizes follow, templates do not. */
function followScale(rollout: Rollout): Plan {
  const { deployment, newSet, oldSets } = rollout;
  const scaling = resize(rollout, scaleAll(deployment, newSet, oldSets));
  if (scaling.length > 0) return { steps: scaling };
  const cleaning = deployment.spec!.paused ? cleanUp(rollout) : [];
  return { steps: [...cleaning, ...writeStatus(deployment, plainStatus(rollout))] };
}

function rollingUpdate(rollout: Rollout): Plan {
  const { deployment, newSet, oldSets } = rollout;
  if (!newSet) return createNewSet(rollout);
  const up = resize(rollout, scaleNew(deployment, newSet, oldSets));
  if (up.length > 0) return withRolloutStatus(rollout, up);
  const down = resize(rollout, scaleOld(deployment, newSet, oldSets));
  return withRolloutStatus(rollout, down.length > 0 ? down : cleanUpWhenComplete(rollout));
}

function recreate(rollout: Rollout, view: View): Plan {
  const { deployment, newSet, oldSets } = rollout;
  const down = resize(rollout, scaleOldForRecreate(oldSets));
  if (down.length > 0) return withRolloutStatus(rollout, down);
  const oldRuns = oldSets.some(
    (set) =>
      (set.status?.replicas ?? 0) > 0 ||
      view
        .of(pods)
        .byIndex(byController, set.metadata.uid)
        .some((pod) => !isPodTerminal(pod)),
  );
  if (oldRuns) return withRolloutStatus(rollout, []);
  if (!newSet) return createNewSet(rollout);
  const up = resize(
    rollout,
    replicasOf(newSet) === desiredOf(deployment) ? new Map() : new Map([[newSet.metadata.name, desiredOf(deployment)]]),
  );
  return withRolloutStatus(rollout, up.length > 0 ? up : cleanUpWhenComplete(rollout));
}

function createNewSet(rollout: Rollout): Plan {
  const { deployment, oldSets, nowMs } = rollout;
  const revision = nextRevision(oldSets);
  const size = newSetSize(
    deployment,
    oldSets.reduce((total, set) => total + replicasOf(set), 0),
    0,
  );
  const made = makeReplicaSet(deployment, revision, size);
  const { name } = made.metadata;
  const progress = (status: "True" | "False", reason: string, message: string): readonly Step[] => {
    if (!hasDeadline(deployment)) return [];
    const condition = deploymentCondition("Progressing", status, reason, message, nowMs);
    return writeStatus(deployment, {
      ...deployment.status,
      conditions: setDeploymentCondition(deployment.status?.conditions ?? [], condition),
    });
  };
  const onCreated = (): readonly Step[] => [
    ...(size > 0 ? [event(deployment, "Normal", "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${size}`)] : []),
    ...progress("True", "NewReplicaSetCreated", `Created new replica set "${name}"`),
  ];
  const onRefused = (status: Failure): readonly Step[] => {
    if (status.reason === "AlreadyExists") return [onNameTaken(deployment, made)];
    if (status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating")) return [];
    const message = `Failed to create new replica set "${name}": ${status.message}`;
    return [event(deployment, "Warning", "ReplicaSetCreateError", message), ...progress("False", "ReplicaSetCreateError", message)];
  };
  return {
    steps: [
      create(replicaSets, made, { ignore: ["AlreadyExists"], after: (result) => (result.ok ? onCreated() : onRefused(result.status)) }),
    ],
  };
}

/** The name is taken: by this Deployment's own set, which the cache will show, or by another template with the same hash; then the hash is varied. */
function onNameTaken(deployment: Stored<Deployment>, made: ReplicaSet & { readonly metadata: { readonly name: string } }): Step {
  const { namespace = "" } = deployment.metadata;
  return get(replicaSets, namespace, made.metadata.name, (result) => {
    if (!result.ok) return [fail(result.status.message)];
    if (isControlledBy(result.object, deployment) && isSameTemplate(result.object.spec?.template, deployment.spec?.template))
      return [fail(`the cache does not show ${made.metadata.name} yet`)];
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    return [
      ...writeStatus(deployment, { ...deployment.status, collisionCount }),
      fail(`the name ${made.metadata.name} is taken by another template`),
    ];
  });
}

function withRolloutStatus({ deployment, newSet, oldSets, nowMs }: Rollout, steps: readonly Step[]): Plan {
  const { status, lookAgainAfterMs } = rolloutStatus(deployment, newSet, oldSets, nowMs);
  return {
    steps: [...steps, ...writeStatus(deployment, status)],
    ...(lookAgainAfterMs === undefined ? {} : { requeueAfterMs: lookAgainAfterMs }),
  };
}

function plainStatus({ deployment, newSet, oldSets, nowMs }: Rollout): DeploymentStatus {
  return deploymentStatus(deployment, newSet, oldSets, nowMs);
}

function writeStatus(deployment: Stored<Deployment>, status: DeploymentStatus): readonly Step[] {
  return isSame(status, deployment.status ?? {}) ? [] : [updateStatus(deployments, { ...deployment, status })];
}

/** Resizes sets that are not of the wanted size, or whose annotations speak of a Deployment of another size. */
function resize({ deployment, newSet, oldSets }: Rollout, sizes: Sizes): readonly Step[] {
  const desired = desiredOf(deployment);
  const annotations = {
    [desiredReplicasAnnotation]: String(desired),
    [maxReplicasAnnotation]: String(desired + maxSurgeOf(deployment)),
  };
  const steps: Step[] = [];
  for (const set of newSet ? [newSet, ...oldSets] : oldSets) {
    const size = sizes.get(set.metadata.name);
    if (size === undefined) continue;
    const before = replicasOf(set);
    const next = { ...set.metadata.annotations, ...annotations };
    if (size === before && isSame(next, set.metadata.annotations)) continue;
    const direction = size > before ? "up" : "down";
    const told = event(
      deployment,
      "Normal",
      "ScalingReplicaSet",
      `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${size}`,
    );
    const resized = { ...set, metadata: { ...set.metadata, annotations: next }, spec: { ...set.spec!, replicas: size } };
    steps.push(update(replicaSets, resized, { after: (result) => (result.ok && size !== before ? [told] : []) }));
  }
  return steps;
}

function cleanUpWhenComplete(rollout: Rollout): readonly Step[] {
  const { deployment, newSet, oldSets, nowMs } = rollout;
  return isComplete(deployment, deploymentStatus(deployment, newSet, oldSets, nowMs)) ? cleanUp(rollout) : [];
}

function cleanUp({ deployment, oldSets }: Rollout): readonly Step[] {
  const surplus = surplusHistory(deployment, oldSets);
  return surplus.length > 0 ? [parallel(surplus.map((set) => remove(replicaSets, set)))] : [];
}
