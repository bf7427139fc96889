import type { DaemonSet, DaemonSetStatus, Node, Pod } from "../../protocol/kinds/generated";
import { scaledValue } from "../../protocol/kinds/int-or-string";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, keyOf, objectKey, type Stored, timeMs } from "../../protocol/kinds/object";
import {
  attempt,
  type Controller,
  create,
  daemonSets,
  event,
  index,
  nodes,
  nothingToDo,
  type Plan,
  parallel,
  pods,
  remove,
  type Step,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { byController, claim, controllerIndex } from "./claim";
import { controllerRevisions, hashOf, historyOf, revisionHashLabel, surplusRevisions } from "./controller-revision";
import { nodeFit, podForNode, targetNode } from "./daemon-node";
import { availableAtMs, isPodAvailable, isPodReady } from "./pod-state";
import { podOf } from "./replicaset";

const burst = 250;
/** Waits before a node is given a pod again after one has failed there. */
const failureBackoffMs = 1000;
const failureBackoffMaxMs = 900_000;

type Set = Stored<DaemonSet>;

/** Failures by node: how many, and when (ms) the last failed pod was taken away. */
type Memory = ReadonlyMap<string, { readonly failures: number; readonly lastMs: number }>;

/** Runs one pod on each node that a DaemonSet selects. Source: "DaemonSet" in the documentation. */
export const daemonSetController: Controller = {
  name: "daemonset",
  workers: 2,
  watches: [
    watch(daemonSets, (set) => [keyOf(set)]),
    watch(pods, keysOfPod),
    watch(nodes, (_node, view) => [...view.of(daemonSets).list()].map(keyOf), hasChanged),
    watch(controllerRevisions, (revision) => ownerKeys(revision)),
  ],
  indexes: [index(pods, byController, controllerIndex), index(controllerRevisions, byController, controllerIndex)],
  reconcile(key, view, { nowMs }, memory) {
    const set = view.of(daemonSets).get(key);
    if (!set?.spec) return { steps: [], memory: null };
    return reconcileDaemonSet(set, view, nowMs, (memory as Memory | undefined) ?? new Map());
  },
};

/** Heartbeats do not move daemons. */
function hasChanged(old: Stored<Node>, node: Stored<Node>): boolean {
  return !isSame(old.metadata.labels, node.metadata.labels) || !isSame(old.spec, node.spec);
}

function ownerKeys(object: Stored<unknown>): readonly string[] {
  const controller = controllerOf(object);
  return controller?.kind === "DaemonSet" ? [objectKey(object.metadata.namespace, controller.name)] : [];
}

function keysOfPod(pod: Stored<Pod>, view: View): readonly string[] {
  if (controllerOf(pod)) return ownerKeys(pod);
  return view
    .of(daemonSets)
    .byIndex("namespace", pod.metadata.namespace ?? "")
    .filter((set) => matchesLabelSelector(set.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

/** One node with its pods, oldest first. */
interface Place {
  readonly node: Stored<Node>;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
  readonly pods: readonly Stored<Pod>[];
}

function reconcileDaemonSet(set: Set, view: View, nowMs: number, memory: Memory): Plan {
  const { selector, template } = set.spec!;
  if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0)
    return { steps: [event(set, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")] };
  const { owned, steps: claims } = claim(view, set, daemonSets, pods, selector);
  const revisions = claim(view, set, daemonSets, controllerRevisions, selector);
  if (claims.length + revisions.steps.length > 0) return { steps: [...claims, ...revisions.steps] };
  if (isBeingDeleted(set)) return nothingToDo;
  const history = historyOf(set, revisions.owned, (collisionCount) => [
    updateStatus(daemonSets, { ...set, status: { ...statusBefore(set), collisionCount } }),
  ]);
  if (!history.update || history.steps.length > 0) return { steps: history.steps };

  const hash = hashOf(history.update);
  const bare = podOf(set, template);
  const places = placesOf(bare, owned, view);
  const { steps: managing, memory: remembered, waitMs } = manage(set, places, owned, bare, hash, nowMs, memory);
  const rolling =
    managing.length === 0 && set.spec!.updateStrategy?.type !== "OnDelete" ? rollingUpdate(set, places, bare, hash, nowMs) : [];
  const status = statusOf(set, places, hash, nowMs);
  const write = isSame(status, set.status) ? [] : [updateStatus(daemonSets, { ...set, status })];
  const live = new Set(owned.map((pod) => pod.metadata.labels?.[revisionHashLabel]));
  const cleaning = surplusRevisions(set, history.old, (revision) => live.has(hashOf(revision)));
  const minReadySeconds = set.spec!.minReadySeconds ?? 0;
  const ripening = owned.map((pod) => availableAtMs(pod, minReadySeconds) - nowMs).filter((ms) => ms > 0);
  const againMs = Math.min(waitMs, ...ripening);
  return {
    steps: [attempt([...managing, ...rolling], () => [...write, ...cleaning])],
    memory: remembered,
    ...(againMs < Number.POSITIVE_INFINITY ? { requeueAfterMs: againMs } : {}),
  };
}

function placesOf(bare: Pod, owned: readonly Stored<Pod>[], view: View): readonly Place[] {
  const byNode = new Map<string, Stored<Pod>[]>();
  for (const pod of owned) {
    const node = targetNode(pod);
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  const age = (pod: Stored<Pod>) => timeMs(pod.metadata.creationTimestamp) ?? 0;
  return [...view.of(nodes).list()].map((node) => ({
    node,
    ...nodeFit(bare, node),
    pods: (byNode.get(node.metadata.name) ?? []).sort((a, b) => age(a) - age(b) || (a.metadata.name < b.metadata.name ? -1 : 1)),
  }));
}

interface Management {
  readonly steps: readonly Step[];
  readonly memory: Memory;
  readonly waitMs: number;
}

/** Pods where they should be and are not, none where they should not be; what has ended is replaced, after a wait where it failed. */
function manage(
  set: Set,
  places: readonly Place[],
  owned: readonly Stored<Pod>[],
  bare: Pod,
  hash: string,
  nowMs: number,
  memory: Memory,
): Management {
  const { maxSurge } = boundsOf(set, places);
  const creations: Step[] = [];
  const removals: Step[] = [];
  const remembered = new Map<string, { readonly failures: number; readonly lastMs: number }>();
  let waitMs = Number.POSITIVE_INFINITY;
  const known = new Set(places.map(({ node }) => node.metadata.name));
  for (const { node, shouldRun, mayStay, pods: here } of places) {
    const { name } = node.metadata;
    const past = memory.get(name);
    const leftMs = past ? past.lastMs + Math.min(failureBackoffMs * 2 ** Math.min(past.failures - 1, 20), failureBackoffMaxMs) - nowMs : 0;
    const staying = here.filter((pod) => !isBeingDeleted(pod));
    const failed = staying.filter((pod) => pod.status?.phase === "Failed");
    const ended = staying.filter((pod) => pod.status?.phase === "Succeeded");
    const running = staying.filter((pod) => !failed.includes(pod) && !ended.includes(pod));
    if (past && running.length === 0) remembered.set(name, past);
    if (!mayStay) {
      removals.push(...staying.map((pod) => deletePod(set, pod)));
      continue;
    }
    for (const pod of failed) {
      if (leftMs > 0) {
        waitMs = Math.min(waitMs, leftMs);
        continue;
      }
      const message = `Found failed daemon pod ${keyOf(pod)} on node ${name}, will try to kill it`;
      removals.push(event(set, "Warning", "FailedDaemonPod", message), deletePod(set, pod));
      remembered.set(name, { failures: (past?.failures ?? 0) + 1, lastMs: nowMs });
    }
    for (const pod of ended)
      removals.push(
        event(set, "Normal", "SucceededDaemonPod", `Found succeeded daemon pod ${keyOf(pod)} on node ${name}, will try to delete it`),
        deletePod(set, pod),
      );
    // While one surges two may be there, one of each kind.
    const extra = maxSurge > 0 ? [...ofHash(running, hash, true).slice(1), ...ofHash(running, hash, false).slice(1)] : running.slice(1);
    removals.push(...extra.map((pod) => deletePod(set, pod)));
    if (shouldRun && here.length === 0) creations.push(createPod(set, bare, name, hash));
  }
  // Pods meant for nodes that are gone and that never got there.
  for (const pod of owned)
    if (!pod.spec?.nodeName && !isBeingDeleted(pod) && !known.has(targetNode(pod) ?? "")) removals.push(deletePod(set, pod));
  const steps = [
    ...(creations.length > 0 ? [parallel(creations.slice(0, burst), true)] : []),
    ...(removals.length > 0 ? [parallel(removals.slice(0, 2 * burst))] : []),
  ];
  return { steps, memory: remembered, waitMs };
}

const ofHash = (list: readonly Stored<Pod>[], hash: string, isNew: boolean) =>
  list.filter((pod) => (pod.metadata.labels?.[revisionHashLabel] === hash) === isNew);

function boundsOf(set: Set, places: readonly Place[]): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const desired = places.filter(({ shouldRun }) => shouldRun).length;
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec!.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, "up") ?? 0;
  const unavailable = scaledValue(maxUnavailable, desired, "up") ?? 1;
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** Replaces old pods, unavailable ones at once, others within maxUnavailable; with maxSurge the new one comes first. */
function rollingUpdate(set: Set, places: readonly Place[], bare: Pod, hash: string, nowMs: number): readonly Step[] {
  const { maxSurge, maxUnavailable } = boundsOf(set, places);
  const isAvailable = (pod: Stored<Pod> | undefined) =>
    pod !== undefined && !isBeingDeleted(pod) && isPodAvailable(pod, set.spec!.minReadySeconds ?? 0, nowMs);
  const atOnce: Place[] = [];
  const inTurn: Place[] = [];
  const done: Step[] = [];
  let used = 0;
  for (const place of places.filter(({ shouldRun }) => shouldRun)) {
    const newPod = ofHash(place.pods, hash, true)[0];
    const oldPod = ofHash(place.pods, hash, false)[0];
    if (maxSurge === 0) {
      if (newPod || !oldPod || isBeingDeleted(oldPod)) used += isAvailable(newPod) ? 0 : 1;
      else if (isAvailable(oldPod)) inTurn.push(place);
      else atOnce.push(place);
      continue;
    }
    if (!oldPod || isBeingDeleted(oldPod)) continue;
    if (!newPod) (isAvailable(oldPod) ? inTurn : atOnce).push(place);
    else if (isAvailable(newPod)) done.push(deletePod(set, oldPod));
    else used += 1;
  }
  const room = Math.max(0, (maxSurge > 0 ? maxSurge : maxUnavailable - atOnce.length) - used);
  const chosen = [...atOnce, ...inTurn.slice(0, room)];
  const steps = chosen.map((place) =>
    maxSurge > 0 ? createPod(set, bare, place.node.metadata.name, hash) : deletePod(set, ofHash(place.pods, hash, false)[0]!),
  );
  return done.length + steps.length > 0 ? [parallel([...done, ...steps])] : [];
}

function statusBefore(set: Set): DaemonSetStatus {
  return set.status ?? { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
}

function statusOf(set: Set, places: readonly Place[], hash: string, nowMs: number): DaemonSetStatus {
  const desired = places.filter(({ shouldRun }) => shouldRun);
  const first = ({ pods: here }: Place) => here.find((pod) => isPodReady(pod)) ?? here[0];
  const scheduled = desired.map(first).filter((pod) => pod !== undefined);
  const ready = scheduled.filter((pod) => isPodReady(pod) && !isBeingDeleted(pod));
  const available = ready.filter((pod) => isPodAvailable(pod, set.spec!.minReadySeconds ?? 0, nowMs)).length;
  const updated = desired.filter(({ pods: here }) => ofHash(here, hash, true).length > 0).length;
  const unavailable = desired.length - available;
  const { collisionCount, conditions } = statusBefore(set);
  return {
    currentNumberScheduled: scheduled.length,
    numberMisscheduled: places.filter(({ shouldRun, pods: here }) => !shouldRun && here.length > 0).length,
    desiredNumberScheduled: desired.length,
    numberReady: ready.length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
    ...(available > 0 ? { numberAvailable: available } : {}),
    ...(unavailable > 0 ? { numberUnavailable: unavailable } : {}),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions ? { conditions } : {}),
  };
}

function createPod(set: Set, bare: Pod, node: string, hash: string): Step {
  const made = podForNode(bare, node);
  const labelled = { ...made, metadata: { ...made.metadata, labels: { ...made.metadata?.labels, [revisionHashLabel]: hash } } };
  return create(pods, labelled, {
    after: (result) => [
      result.ok
        ? event(set, "Normal", "SuccessfulCreate", `Created pod: ${result.object.metadata.name}`)
        : event(set, "Warning", "FailedCreate", `Error creating: ${result.status.message}`),
    ],
  });
}

function deletePod(set: Set, pod: Stored<Pod>): Step {
  return remove(
    pods,
    pod,
    {},
    {
      after: (result) => (result.ok ? [event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`)] : []),
    },
  );
}
