import type { Deployment, ReplicaSet } from "../../protocol/kinds/generated";
import { rollingUpdateBounds } from "../../protocol/kinds/int-or-string";
import type { Stored } from "../../protocol/kinds/object";
import { byCreation, desiredReplicasAnnotation, maxReplicasAnnotation } from "./deployment-revision";

/** How many replicas each ReplicaSet of a Deployment should have. Source: "Deployments" in the documentation: max unavailable, max surge, proportional scaling. */

type Set = Stored<ReplicaSet>;

/** New sizes by the name of the ReplicaSet; those that are not in it stay as they are. */
export type Sizes = ReadonlyMap<string, number>;

export const replicasOf = (set: Set) => set.spec?.replicas ?? 1;
export const desiredOf = (deployment: Stored<Deployment>) => deployment.spec?.replicas ?? 1;
export const isRolling = (deployment: Stored<Deployment>) => deployment.spec?.strategy?.type !== "Recreate";
const sum = (sets: readonly Set[], of: (set: Set) => number) => sets.reduce((total, set) => total + of(set), 0);
const availableOf = (set: Set) => set.status?.availableReplicas ?? 0;
/** Of those that are available now, how many stay: a set that was made smaller a moment ago still reports those that will go. */
const lastingOf = (set: Set) => Math.min(availableOf(set), replicasOf(set));

function boundsOf(deployment: Stored<Deployment>): { readonly maxSurge: number; readonly maxUnavailable: number } {
  return rollingUpdateBounds(deployment.spec?.strategy?.rollingUpdate, desiredOf(deployment));
}

export function maxSurgeOf(deployment: Stored<Deployment>): number {
  return isRolling(deployment) ? boundsOf(deployment).maxSurge : 0;
}

/** How many of the desired may be unavailable, never more than there are. */
export function maxUnavailableOf(deployment: Stored<Deployment>): number {
  const desired = desiredOf(deployment);
  return isRolling(deployment) && desired > 0 ? Math.min(boundsOf(deployment).maxUnavailable, desired) : 0;
}

/** What the new ReplicaSet (of size `current`) may grow to while the old ones, `allReplicas` with it, are still there. */
export function newSetSize(deployment: Stored<Deployment>, allReplicas: number, current: number): number {
  const desired = desiredOf(deployment);
  if (!isRolling(deployment)) return desired;
  const room = desired + maxSurgeOf(deployment) - allReplicas;
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** Up as far as maxSurge allows, down as far as is desired. */
export function scaleNew(deployment: Stored<Deployment>, newSet: Set, oldSets: readonly Set[]): Sizes {
  const current = replicasOf(newSet);
  const desired = desiredOf(deployment);
  const size = current > desired ? desired : newSetSize(deployment, current + sum(oldSets, replicasOf), current);
  return size === current ? new Map() : new Map([[newSet.metadata.name, size]]);
}

/** Old sets lose first what is unhealthy anyway, then as many healthy ones as still leave the minimum available; the oldest set first. */
export function scaleOld(deployment: Stored<Deployment>, newSet: Set, oldSets: readonly Set[]): Sizes {
  const minAvailable = desiredOf(deployment) - maxUnavailableOf(deployment);
  const all = [newSet, ...oldSets];
  const newUnavailable = replicasOf(newSet) - lastingOf(newSet);
  const mayGo = sum(all, replicasOf) - minAvailable - newUnavailable;
  const sizes = new Map<string, number>();
  if (mayGo <= 0) return sizes;
  const oldest = [...oldSets].filter((set) => replicasOf(set) > 0).sort(byCreation);

  let unhealthyLeft = mayGo;
  for (const set of oldest) {
    const goes = Math.min(unhealthyLeft, Math.max(0, replicasOf(set) - availableOf(set)));
    unhealthyLeft -= goes;
    if (goes > 0) sizes.set(set.metadata.name, replicasOf(set) - goes);
  }

  let healthyLeft = sum(all, lastingOf) - minAvailable;
  for (const set of oldest) {
    const size = sizes.get(set.metadata.name) ?? replicasOf(set);
    const goes = Math.min(size, Math.max(0, healthyLeft));
    healthyLeft -= goes;
    if (goes > 0) sizes.set(set.metadata.name, size - goes);
  }
  return sizes;
}

/** Everything old goes at once. */
export function scaleOldForRecreate(oldSets: readonly Set[]): Sizes {
  return new Map(oldSets.filter((set) => replicasOf(set) > 0).map((set) => [set.metadata.name, 0]));
}

/** Whether the Deployment was scaled since its ReplicaSets were last sized. */
export function wasScaled(deployment: Stored<Deployment>, sets: readonly Set[]): boolean {
  const active = sets.filter((set) => replicasOf(set) > 0);
  // A Deployment that recreates takes several active sets down to one first.
  if (!isRolling(deployment) && active.length > 1) return false;
  return active.some((set) => {
    const desired = set.metadata.annotations?.[desiredReplicasAnnotation];
    return desired !== undefined && Number(desired) !== desiredOf(deployment);
  });
}

/** Follows a change of `replicas`: a single active set takes it all, sets of a rollout under way share it in proportion to their sizes. */
export function scaleAll(deployment: Stored<Deployment>, newSet: Set | undefined, oldSets: readonly Set[]): Sizes {
  const desired = desiredOf(deployment);
  const all = [...oldSets, ...(newSet ? [newSet] : [])];
  const active = all.filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? [...oldSets].sort(byCreation).at(-1);
    return only ? new Map([[only.metadata.name, desired]]) : new Map();
  }
  if (newSet && isSaturated(deployment, newSet))
    return new Map(oldSets.filter((set) => replicasOf(set) > 0).map((set) => [set.metadata.name, 0]));
  return isRolling(deployment) ? proportional(deployment, active) : new Map();
}

function isSaturated(deployment: Stored<Deployment>, newSet: Set): boolean {
  const desired = desiredOf(deployment);
  const annotated = Number(newSet.metadata.annotations?.[desiredReplicasAnnotation]);
  return replicasOf(newSet) === desired && annotated === desired && availableOf(newSet) === desired;
}

function proportional(deployment: Stored<Deployment>, active: readonly Set[]): Sizes {
  const desired = desiredOf(deployment);
  const allowed = desired > 0 ? desired + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - sum(active, replicasOf);
  // What rounding leaves over goes to the largest; among equals growth favours the newest and shrinking the oldest.
  const order = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const set of order) {
    const share = shareOf(deployment, set, toAdd - added, toAdd);
    added += share;
    sizes.set(set.metadata.name, replicasOf(set) + share);
  }
  const first = order[0]!.metadata.name;
  if (toAdd !== 0) sizes.set(first, Math.max(0, sizes.get(first)! + toAdd - added));
  return sizes;
}

function shareOf(deployment: Stored<Deployment>, set: Set, left: number, toAdd: number): number {
  if (replicasOf(set) === 0 || left === 0) return 0;
  const share = fractionOf(deployment, set);
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
}

function fractionOf(deployment: Stored<Deployment>, set: Set): number {
  const desired = desiredOf(deployment);
  if (desired === 0) return -replicasOf(set);
  const annotated = Number(set.metadata.annotations?.[maxReplicasAnnotation]);
  const before = annotated > 0 ? annotated : (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((replicasOf(set) * (desired + maxSurgeOf(deployment))) / before) - replicasOf(set);
}
