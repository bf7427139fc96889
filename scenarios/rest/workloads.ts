import type { DaemonSet, Deployment, Job, Pod, PodDisruptionBudget, ReplicaSet, StatefulSet } from "../../protocol/kinds/generated";
import { controllerOf, type Stored } from "../../protocol/kinds/object";
import { isActive } from "../checks/pods";
import type { Objects } from "./reasons";

/** What is asked for by each kind that stands for pods, and not so yet. */

export function deploymentReasons(
  id: string,
  { metadata, spec, status }: Stored<Deployment>,
  owned: ReadonlyMap<string, number>,
): readonly string[] {
  const unseen = generationUnseen(id, metadata.generation, status?.observedGeneration);
  if (unseen) return [unseen];
  const replicas = spec?.replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0, replicas: all = 0 } = status ?? {};
  const failed = status?.conditions?.find(
    (condition) => (condition.type === "ReplicaFailure" && condition.status === "True") || condition.reason === "ProgressDeadlineExceeded",
  );
  const why = failed?.message ? `: ${failed.message}` : "";
  if (updatedReplicas < replicas) return [`${id}: ${updatedReplicas} of ${replicas} pods are updated${why}`];
  if (all > updatedReplicas) return [`${id}: ${all - updatedReplicas} old pods are left${why}`];
  if (availableReplicas < replicas) return [`${id}: ${availableReplicas} of ${replicas} pods are available${why}`];
  return misreported(id, all, owned.get(metadata.uid));
}

export function replicaSetReasons(
  id: string,
  { metadata, spec, status }: Stored<ReplicaSet>,
  owned: ReadonlyMap<string, number>,
): readonly string[] {
  const replicas = spec?.replicas ?? 1;
  const active = owned.get(metadata.uid) ?? 0;
  if (active !== replicas) return [`${id} has ${active} pods and wants ${replicas}`];
  if ((status?.replicas ?? 0) !== replicas) return [`${id} reports ${status?.replicas ?? 0} pods and has ${replicas}`];
  return [];
}

export function statefulSetReasons(
  id: string,
  { metadata, spec, status }: Stored<StatefulSet>,
  owned: ReadonlyMap<string, number>,
): readonly string[] {
  const unseen = generationUnseen(id, metadata.generation, status?.observedGeneration);
  if (unseen) return [unseen];
  const replicas = spec?.replicas ?? 1;
  const { replicas: all = 0, readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision } = status ?? {};
  if (all !== replicas) return [`${id} has ${all} pods and wants ${replicas}`];
  if (readyReplicas < replicas) return [`${id}: ${readyReplicas} of ${replicas} pods are ready`];
  // With OnDelete the update waits for people, and below the partition there is none.
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  const wanted = replicas - Math.min(replicas, rollingUpdate?.partition ?? 0);
  if (type === "RollingUpdate" && currentRevision !== updateRevision && updatedReplicas < wanted)
    return [`${id}: ${updatedReplicas} of ${wanted} pods are updated`];
  return misreported(id, all, owned.get(metadata.uid));
}

export function daemonSetReasons(id: string, { metadata, spec, status }: Stored<DaemonSet>): readonly string[] {
  const unseen = generationUnseen(id, metadata.generation, status?.observedGeneration);
  if (unseen) return [unseen];
  const { desiredNumberScheduled = 0, numberReady = 0, numberMisscheduled = 0, updatedNumberScheduled = 0 } = status ?? {};
  if (numberReady < desiredNumberScheduled) return [`${id}: ${numberReady} of ${desiredNumberScheduled} nodes run a ready pod`];
  if (numberMisscheduled > 0) return [`${id}: ${numberMisscheduled} nodes run a pod that should not`];
  if ((spec?.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate" && updatedNumberScheduled < desiredNumberScheduled)
    return [`${id}: ${updatedNumberScheduled} of ${desiredNumberScheduled} nodes run the updated pod`];
  return [];
}

/** Jobs of a CronJob come and go by the clock: they are no state to be reached. */
export function jobReasons(id: string, job: Stored<Job>): readonly string[] {
  const { spec, status } = job;
  if (spec?.suspend === true || controllerOf(job)?.kind === "CronJob") return [];
  const isFinished = status?.conditions?.some(
    (condition) => (condition.type === "Complete" || condition.type === "Failed") && condition.status === "True",
  );
  if (isFinished) return [];
  const { succeeded = 0, active = 0, failed = 0 } = status ?? {};
  const wanted = spec?.completions === undefined ? "" : ` of ${spec.completions}`;
  return [`${id}: ${succeeded}${wanted} completions, ${active} pods active, ${failed} failed`];
}

export function budgetReasons(id: string, { metadata, status }: Stored<PodDisruptionBudget>): readonly string[] {
  const unseen = generationUnseen(id, metadata.generation, status?.observedGeneration);
  if (unseen) return [unseen];
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = status ?? {};
  // A budget that asks for more than there is can never be met; that is the user's choice.
  if (currentHealthy >= desiredHealthy || expectedPods < desiredHealthy) return [];
  return [`${id}: ${currentHealthy} of ${desiredHealthy} pods that it wants are healthy`];
}

/** How many pods each controller has by its uid; a Deployment has those of its ReplicaSets. */
export function podsByController(objects: Objects): ReadonlyMap<string, number> {
  const owned = new Map<string, number>();
  const give = (object: Stored, count: number) => {
    const uid = controllerOf(object)?.uid;
    if (uid) owned.set(uid, (owned.get(uid) ?? 0) + count);
  };
  for (const object of objects.values()) if (object.kind === "Pod" && isActive(object as Stored<Pod>)) give(object, 1);
  for (const object of objects.values()) if (object.kind === "ReplicaSet") give(object, owned.get(object.metadata.uid) ?? 0);
  return owned;
}

/** A status tells what its controller saw last; one that sees nothing any more goes on telling it. */
function misreported(id: string, reported: number, active = 0): readonly string[] {
  return reported === active ? [] : [`${id} reports ${reported} pods and has ${active}`];
}

function generationUnseen(id: string, generation = 0, observed = 0): string | undefined {
  return observed < generation ? `${id}: its controller has not seen generation ${generation}` : undefined;
}
