import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../protocol/kinds/generated";
import { type Stored, timeMs, timestamp } from "../../protocol/kinds/object";
import { conditionOf, withoutCondition } from "./condition";
import { desiredOf, maxUnavailableOf, replicasOf } from "./deployment-scale";

/** A Deployment's status and its conditions Available, Progressing and ReplicaFailure. Source: "Deployments" in the documentation, Deployment status. */

type Set = Stored<ReplicaSet>;
type Conditions = readonly DeploymentCondition[];

const noDeadline = 2 ** 31 - 1;

export function hasDeadline(deployment: Stored<Deployment>): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== noDeadline;
}

export function deploymentCondition(type: string, status: string, reason: string, message: string, nowMs: number): DeploymentCondition {
  const now = timestamp(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Enters a condition; one with the same status and reason is there already and stays, so that lastUpdateTime says when it last meant progress. */
export function setDeploymentCondition(conditions: Conditions, condition: DeploymentCondition): Conditions {
  const old = conditionOf(conditions, condition.type);
  if (old?.status === condition.status && old.reason === condition.reason) return conditions;
  const kept = old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  return [...withoutCondition(conditions, condition.type), kept];
}

/** The counts, and whether the minimum is available. */
export function deploymentStatus(
  deployment: Stored<Deployment>,
  newSet: Set | undefined,
  oldSets: readonly Set[],
  nowMs: number,
): DeploymentStatus {
  const all = newSet ? [newSet, ...oldSets] : oldSets;
  const sum = (of: (set: Set) => number) => all.reduce((total, set) => total + of(set), 0);
  const available = sum((set) => set.status?.availableReplicas ?? 0);
  const unavailable = Math.max(0, sum(replicasOf) - available);
  const isAvailable = available >= desiredOf(deployment) - maxUnavailableOf(deployment);
  const condition = isAvailable
    ? deploymentCondition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", nowMs)
    : deploymentCondition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", nowMs);
  const conditions = setDeploymentCondition(deployment.status?.conditions ?? [], condition);
  const counts = {
    replicas: sum((set) => set.status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: unavailable,
  };
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(all.every((set) => set.status?.terminatingReplicas !== undefined)
      ? { terminatingReplicas: sum((set) => set.status!.terminatingReplicas!) }
      : {}),
    conditions,
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
}

/** All desired replicas are updated and available, and none of the old remain. */
export function isComplete(deployment: Stored<Deployment>, status: DeploymentStatus): boolean {
  const desired = desiredOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Whether there was no progress for longer than progressDeadlineSeconds; a rollout that has completed cannot time out. */
function isTimedOut(deployment: Stored<Deployment>, condition: DeploymentCondition | undefined, nowMs: number): boolean {
  if (!condition || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  return (timeMs(condition.lastUpdateTime) ?? nowMs) + deployment.spec!.progressDeadlineSeconds! * 1000 < nowMs;
}

export interface RolloutStatus {
  readonly status: DeploymentStatus;
  /** When to look whether the deadline has passed. */
  readonly lookAgainAfterMs: number | undefined;
}

/** The status of a rollout, with Progressing and ReplicaFailure. */
export function rolloutStatus(
  deployment: Stored<Deployment>,
  newSet: Set | undefined,
  oldSets: readonly Set[],
  nowMs: number,
): RolloutStatus {
  const counted = deploymentStatus(deployment, newSet, oldSets, nowMs);
  const current = conditionOf(deployment.status?.conditions, "Progressing");
  let conditions = counted.conditions ?? [];
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, "Progressing");
  else {
    const isOver = (counted.replicas ?? 0) === (counted.updatedReplicas ?? 0) && current?.reason === "NewReplicaSetAvailable";
    if (!isOver) conditions = withProgress(deployment, conditions, counted, newSet, current, nowMs);
  }
  conditions = withReplicaFailure(conditions, newSet, oldSets);
  return { status: { ...counted, conditions }, lookAgainAfterMs: deadlineAfterMs(deployment, counted, conditions, nowMs) };
}

function withProgress(
  deployment: Stored<Deployment>,
  conditions: Conditions,
  status: DeploymentStatus,
  newSet: Set | undefined,
  current: DeploymentCondition | undefined,
  nowMs: number,
): Conditions {
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status))
    return setDeploymentCondition(
      conditions,
      deploymentCondition("Progressing", "True", "NewReplicaSetAvailable", `${subject} has successfully progressed.`, nowMs),
    );
  if (isProgressing(deployment.status ?? {}, status)) {
    const condition = deploymentCondition("Progressing", "True", "ReplicaSetUpdated", `${subject} is progressing.`, nowMs);
    // Entered even if it stands there with this reason: lastUpdateTime restarts the deadline.
    const kept = current?.status === "True" ? { ...condition, lastTransitionTime: current.lastTransitionTime } : condition;
    return [...withoutCondition(conditions, "Progressing"), kept];
  }
  if (isTimedOut(deployment, current, nowMs))
    return setDeploymentCondition(
      conditions,
      deploymentCondition("Progressing", "False", "ProgressDeadlineExceeded", `${subject} has timed out progressing.`, nowMs),
    );
  return conditions;
}

/** The failure of the new ReplicaSet, or else of the first old one that has one, stands for the Deployment's. */
function withReplicaFailure(conditions: Conditions, newSet: Set | undefined, oldSets: readonly Set[]): Conditions {
  const failure = [...(newSet ? [newSet] : []), ...oldSets]
    .map((set) => conditionOf(set.status?.conditions, "ReplicaFailure"))
    .find(Boolean);
  if (!failure) return withoutCondition(conditions, "ReplicaFailure");
  const { type, status, reason = "", message = "", lastTransitionTime } = failure;
  return setDeploymentCondition(conditions, { type, status, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime });
}

function deadlineAfterMs(
  deployment: Stored<Deployment>,
  status: DeploymentStatus,
  conditions: Conditions,
  nowMs: number,
): number | undefined {
  const condition = conditionOf(conditions, "Progressing");
  if (!hasDeadline(deployment) || !condition || isComplete(deployment, status) || condition.reason === "ProgressDeadlineExceeded")
    return undefined;
  if (condition.reason === "NewReplicaSetAvailable") return undefined;
  const deadlineMs = (timeMs(condition.lastUpdateTime) ?? nowMs) + deployment.spec!.progressDeadlineSeconds! * 1000;
  return Math.max(1000, deadlineMs - nowMs + 1000);
}
