import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus } from "../../protocol/kinds/generated";
import { scaledValue } from "../../protocol/kinds/int-or-string";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import {
  attempt,
  type Controller,
  count,
  create,
  event,
  index,
  nothingToDo,
  type Plan,
  parallel,
  persistentVolumeClaims,
  pods,
  remove,
  type Step,
  statefulSets,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, claim, controllerIndex } from "./claim";
import { controllerRevisions, historyOf, surplusRevisions, templateOf } from "./controller-revision";
import { statefulSetCounted, statefulSetGone } from "./figures";
import { availableAtMs, isPodAvailable, isPodReady } from "./pod-state";
import { retentionSteps } from "./statefulset-claims";
import { claimsOf, isHealthy, isRunningAndReady, ordinalOf, replicasOf, revisionOfPod, startOf, statefulPod } from "./statefulset-pods";

type Set = Stored<StatefulSet>;

/** Keeps one pod for each ordinal, by name, and changes them in order. Source: "StatefulSets" in the documentation. */
export const statefulSetController: Controller = {
  name: "statefulset",
  watches: [
    watch(statefulSets, (set) => [keyOf(set)]),
    watch(pods, keysOfPod),
    watch(controllerRevisions, ownerKeys),
    watch(persistentVolumeClaims, keysOfClaim),
  ],
  indexes: [index(pods, byController, controllerIndex), index(controllerRevisions, byController, controllerIndex)],
  reconcile(key, view, { nowMs }) {
    const set = view.of(statefulSets).get(key);
    return set?.spec ? reconcileStatefulSet(set, view, nowMs) : { steps: statefulSetGone(key).map(count) };
  },
};

function ownerKeys(object: Stored<unknown>): readonly string[] {
  const controller = controllerOf(object);
  return controller?.kind === "StatefulSet" ? [objectKey(object.metadata.namespace, controller.name)] : [];
}

function keysOfPod(pod: Stored<Pod>, view: View): readonly string[] {
  if (controllerOf(pod)) return ownerKeys(pod);
  return view
    .of(statefulSets)
    .byIndex("namespace", pod.metadata.namespace ?? "")
    .filter((set) => matchesLabelSelector(set.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

/** The sets of whose pods the claim may be, if its fate can depend on them. */
function keysOfClaim(claim: Stored<PersistentVolumeClaim>, view: View): readonly string[] {
  return view
    .of(statefulSets)
    .byIndex("namespace", claim.metadata.namespace ?? "")
    .filter((set) => set.spec?.persistentVolumeClaimRetentionPolicy && claim.metadata.name.includes(`-${set.metadata.name}-`))
    .map(keyOf);
}

/** What pods are made from: the template now, and the one that the rest are still of. */
interface Revisions {
  readonly update: string;
  readonly current: string;
  readonly updateTemplate: PodTemplateSpec;
  readonly currentTemplate: PodTemplateSpec;
}

function reconcileStatefulSet(set: Set, view: View, nowMs: number): Plan {
  const { selector } = set.spec!;
  const { owned, steps: claims } = claim(view, set, statefulSets, pods, selector, (pod) => ordinalOf(set, pod) !== undefined);
  const revisionClaim = claim(view, set, statefulSets, controllerRevisions, selector);
  if (claims.length + revisionClaim.steps.length > 0) return { steps: [...claims, ...revisionClaim.steps] };
  if (isBeingDeleted(set)) return nothingToDo;
  const history = historyOf(set, revisionClaim.owned, (collisionCount) => [
    updateStatus(statefulSets, { ...set, status: { ...statusBefore(set), collisionCount } }),
  ]);
  if (!history.update || history.steps.length > 0) return { steps: history.steps };

  const update = history.update.metadata.name;
  const current = history.old.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? history.update;
  const revisions: Revisions = {
    update,
    current: current.metadata.name,
    updateTemplate: templateOf(history.update),
    currentTemplate: templateOf(current),
  };
  const mine = owned.filter((pod) => ordinalOf(set, pod) !== undefined);
  // Whose a claim is has to be right before a pod that is scaled away goes.
  const retention = retentionSteps(set, mine, view);
  if (retention.length > 0) return { steps: [parallel(retention)] };
  const status = statusOf(set, mine, revisions, nowMs);
  const write = isSame(status, set.status) ? [] : [updateStatus(statefulSets, { ...set, status })];
  const live = new Set([update, revisions.current, ...mine.map(revisionOfPod)]);
  const cleaning = surplusRevisions(set, history.old, ({ metadata }) => live.has(metadata.name));
  const counted = statefulSetCounted(set, mostUnavailable(set) ?? 1, unavailableOf(set, mine, nowMs)).map(count);
  const ripening = mine.map((pod) => availableAtMs(pod, set.spec!.minReadySeconds ?? 0) - nowMs).filter((ms) => ms > 0);
  const againMs = Math.min(...ripening);
  return {
    steps: [...counted, attempt(nextSteps(set, mine, revisions, view, nowMs), () => [...write, ...cleaning])],
    ...(againMs < Number.POSITIVE_INFINITY ? { requeueAfterMs: againMs } : {}),
  };
}

/** The next changes: in order one at a time, each waiting until those before it are available; with podManagementPolicy Parallel all that are due. */
function nextSteps(set: Set, mine: readonly Stored<Pod>[], revisions: Revisions, view: View, nowMs: number): readonly Step[] {
  const isOrdered = set.spec!.podManagementPolicy !== "Parallel";
  const [start, end] = [startOf(set), startOf(set) + replicasOf(set)];
  const byOrdinal = new Map(mine.map((pod) => [ordinalOf(set, pod)!, pod]));
  const isAvailable = (pod: Stored<Pod>) => isRunningAndReady(pod) && isPodAvailable(pod, set.spec!.minReadySeconds ?? 0, nowMs);
  const due: Step[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) {
      due.push(...createPod(set, ordinal, revisions, view));
      if (isOrdered) return due;
    } else if (pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded") {
      if (!isBeingDeleted(pod)) due.push(...replaceEnded(set, pod));
      if (isOrdered) return due;
    } else if (isOrdered && (isBeingDeleted(pod) || !isAvailable(pod))) return due;
  }
  if (due.length > 0) return [parallel(due)];

  const condemned = mine
    .filter((pod) => ordinalOf(set, pod)! < start || ordinalOf(set, pod)! >= end)
    .sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
  const firstUnhealthy = [...mine].sort((a, b) => ordinalOf(set, a)! - ordinalOf(set, b)!).find((pod) => !isHealthy(pod));
  for (const pod of condemned) {
    if (isBeingDeleted(pod)) {
      if (isOrdered) return due;
      continue;
    }
    // An unhealthy one goes only when nothing else is unhealthy: the set must not lose two at once.
    if (isOrdered && !isRunningAndReady(pod) && pod !== firstUnhealthy) return due;
    due.push(deletePod(set, pod));
    if (isOrdered) return due;
  }
  return due.length > 0 ? [parallel(due)] : rollingUpdate(set, byOrdinal, revisions, isAvailable);
}

/** From the highest ordinal down to the partition, within maxUnavailable (one at a time unless told), never past one that is not healthy. */
function rollingUpdate(
  set: Set,
  byOrdinal: ReadonlyMap<number, Stored<Pod>>,
  revisions: Revisions,
  isAvailable: (pod: Stored<Pod>) => boolean,
): readonly Step[] {
  const { updateStrategy } = set.spec!;
  if (updateStrategy?.type === "OnDelete") return [];
  const { partition = 0 } = updateStrategy?.rollingUpdate ?? {};
  const start = startOf(set);
  const lowest = start + partition;
  const isOld = (pod: Stored<Pod>) => revisionOfPod(pod) !== revisions.update && !isBeingDeleted(pod);
  const most = mostUnavailable(set);
  if (most !== undefined) {
    const pods = [...byOrdinal.values()].filter((pod) => ordinalOf(set, pod)! >= start && ordinalOf(set, pod)! < start + replicasOf(set));
    const available = pods.filter((pod) => !isBeingDeleted(pod) && isAvailable(pod)).length;
    const room = most - (replicasOf(set) - available);
    const old = pods.filter((pod) => ordinalOf(set, pod)! >= lowest && isOld(pod)).sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
    return room > 0 && old.length > 0 ? [parallel(old.slice(0, room).map((pod) => deletePod(set, pod)))] : [];
  }
  for (let ordinal = start + replicasOf(set) - 1; ordinal >= lowest; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return [];
    if (isOld(pod)) return [deletePod(set, pod)];
    if (!isHealthy(pod)) return [];
  }
  return [];
}

/** How many pods a rolling update may have unavailable; undefined where nothing is said, which is not quite the same as one. */
function mostUnavailable(set: Set): number | undefined {
  const said = set.spec!.updateStrategy?.rollingUpdate?.maxUnavailable;
  return said === undefined ? undefined : Math.max(1, scaledValue(said, replicasOf(set), "down") ?? 1);
}

/** How many of its pods are missing or not available. */
function unavailableOf(set: Set, mine: readonly Stored<Pod>[], nowMs: number): number {
  const [start, end] = [startOf(set), startOf(set) + replicasOf(set)];
  const available = mine.filter((pod) => {
    const ordinal = ordinalOf(set, pod)!;
    return ordinal >= start && ordinal < end && !isBeingDeleted(pod) && isPodAvailable(pod, set.spec!.minReadySeconds ?? 0, nowMs);
  });
  return replicasOf(set) - available.length;
}

/** Below the partition, and while an update has not reached it, an ordinal comes back as it was. */
function createPod(set: Set, ordinal: number, revisions: Revisions, view: View): readonly Step[] {
  const { updateStrategy } = set.spec!;
  const offset = ordinal - startOf(set);
  const partition = updateStrategy?.rollingUpdate?.partition;
  const isRolling = updateStrategy?.type !== "OnDelete";
  const isOld = isRolling && (partition !== undefined ? offset < partition : offset < (set.status?.currentReplicas ?? 0));
  const [template, revision] = isOld ? [revisions.currentTemplate, revisions.current] : [revisions.updateTemplate, revisions.update];
  const made = statefulPod(set, ordinal, template, revision);
  const { name } = made.metadata;
  const claims = claimsOf(set, ordinal).filter((each) => !view.of(persistentVolumeClaims).get(keyOf(each)));
  return [
    ...claims.map((each) =>
      create(persistentVolumeClaims, each, {
        ignore: ["AlreadyExists"],
        after: (result) =>
          result.ok
            ? [
                event(
                  set,
                  "Normal",
                  "SuccessfulCreate",
                  `create Claim ${each.metadata.name} Pod ${name} in StatefulSet ${set.metadata.name} success`,
                ),
              ]
            : [],
      }),
    ),
    create(pods, made, {
      after: (result) => [
        result.ok
          ? event(set, "Normal", "SuccessfulCreate", `create Pod ${name} in StatefulSet ${set.metadata.name} successful`)
          : event(
              set,
              "Warning",
              "FailedCreate",
              `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${result.status.message}`,
            ),
      ],
    }),
  ];
}

function replaceEnded(set: Set, pod: Stored<Pod>): readonly Step[] {
  const [type, reason, what] =
    pod.status?.phase === "Failed"
      ? (["Warning", "RecreatingFailedPod", "failed"] as const)
      : (["Normal", "RecreatingTerminatedPod", "terminated"] as const);
  return [event(set, type, reason, `StatefulSet ${keyOf(set)} is recreating ${what} Pod ${pod.metadata.name}`), deletePod(set, pod)];
}

function deletePod(set: Set, pod: Stored<Pod>): Step {
  return remove(
    pods,
    pod,
    {},
    {
      after: (result) =>
        result.ok
          ? [event(set, "Normal", "SuccessfulDelete", `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`)]
          : [],
    },
  );
}

const statusBefore = (set: Set): StatefulSetStatus => set.status ?? { replicas: 0 };

function statusOf(set: Set, mine: readonly Stored<Pod>[], revisions: Revisions, nowMs: number): StatefulSetStatus {
  const minReadySeconds = set.spec!.minReadySeconds ?? 0;
  const ready = mine.filter((pod) => isPodReady(pod) && pod.status?.phase === "Running");
  const staying = mine.filter((pod) => !isBeingDeleted(pod));
  const updated = staying.filter((pod) => revisionOfPod(pod) === revisions.update).length;
  const remaining = staying.filter((pod) => revisionOfPod(pod) === revisions.current).length;
  const isRolled =
    revisions.current === revisions.update ||
    (isRolling(set) && updated === mine.length && ready.length === mine.length && mine.length === replicasOf(set));
  const { collisionCount, conditions } = statusBefore(set);
  const counts = {
    readyReplicas: ready.length,
    currentReplicas: isRolled ? updated : remaining,
    updatedReplicas: updated,
  };
  return {
    replicas: mine.length,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length,
    currentRevision: isRolled ? revisions.update : revisions.current,
    updateRevision: revisions.update,
    observedGeneration: set.metadata.generation ?? 0,
    collisionCount: collisionCount ?? 0,
    ...(conditions ? { conditions } : {}),
  };
}

function isRolling(set: Set): boolean {
  return set.spec!.updateStrategy?.type !== "OnDelete" && (set.spec!.updateStrategy?.rollingUpdate?.partition ?? 0) === 0;
}
