import type { Node, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored, timeMs } from "../../protocol/kinds/object";
import { type Controller, get, nodes, parallel, patchStatus, pods, remove, type Step, watch } from "../client";
import { conditionOf } from "./condition";
import { disruptionTarget } from "./disruption-target";
import { isPodTerminal } from "./pod-state";

const everyPod = "pods";
const outOfService = "node.kubernetes.io/out-of-service";
/** A node must have been missing from the cache for this long before its pods are looked at: it may be new. */
const quarantineMs = 40_000;
const periodMs = 20_000;

/** Since when (monotonic ms) each node that pods name has been missing. */
type Memory = ReadonlyMap<string, number>;

/** Removes pods that nobody will remove: of nodes that are gone or out of service, those that never got a node, and the oldest of too many that have ended. */
export const podGarbageCollector: Controller = {
  name: "pod-garbage-collector",
  watches: [watch(pods, () => []), watch(nodes, () => [])],
  standingKeys: [everyPod],
  reconcile(_key, view, moment, memory) {
    const all = [...view.of(pods).list()];
    const missing = missingNodes(
      all,
      (name) => view.of(nodes).get(name) !== undefined,
      (memory as Memory | undefined) ?? new Map(),
      moment.monotonicMs,
    );
    const threshold = moment.settings.knobs["terminated-pod-gc-threshold"] ?? 12_500;
    const steps = [
      ...surplusTerminated(all, threshold).map((pod) => forceDelete(pod, moment.nowMs)),
      ...all.filter((pod) => isBeingDeleted(pod) && !pod.spec?.nodeName).map((pod) => forceDelete(pod, moment.nowMs)),
      ...all
        .filter((pod) => isBeingDeleted(pod) && pod.spec?.nodeName && isOutOfService(view.of(nodes).get(pod.spec.nodeName)))
        .map((pod) => forceDelete(pod, moment.nowMs, "pod is terminating on a node that is out of service")),
      ...orphans(all, missing, moment.monotonicMs, moment.nowMs),
    ];
    const again: Step = { do: "requeue", afterMs: periodMs };
    return { steps: [again, parallel(steps)], memory: missing };
  },
};

function missingNodes(all: readonly Stored<Pod>[], exists: (node: string) => boolean, before: Memory, monotonicMs: number): Memory {
  const missing = new Map<string, number>();
  for (const { spec } of all)
    if (spec?.nodeName && !exists(spec.nodeName)) missing.set(spec.nodeName, before.get(spec.nodeName) ?? monotonicMs);
  return missing;
}

function isOutOfService(node: Node | undefined): boolean {
  const isReady = conditionOf(node?.status?.conditions, "Ready")?.status === "True";
  return !isReady && (node?.spec?.taints ?? []).some(({ key }) => key === outOfService);
}

/** Pods of nodes missing for long enough; each node is looked up past the cache first. */
function orphans(all: readonly Stored<Pod>[], missing: Memory, monotonicMs: number, nowMs: number): readonly Step[] {
  const steps: Step[] = [];
  for (const [node, sinceMs] of missing) {
    if (monotonicMs - sinceMs < quarantineMs) continue;
    const stranded = all.filter((pod) => pod.spec?.nodeName === node);
    steps.push(
      get(nodes, "", node, (result) =>
        result.ok || result.status.reason !== "NotFound"
          ? []
          : [parallel(stranded.map((pod) => forceDelete(pod, nowMs, "PodGC: node no longer exists")))],
      ),
    );
  }
  return steps;
}

function surplusTerminated(all: readonly Stored<Pod>[], threshold: number): readonly Stored<Pod>[] {
  if (threshold <= 0) return [];
  const ended = all.filter(isPodTerminal);
  if (ended.length <= threshold) return [];
  const age = (pod: Stored<Pod>) => timeMs(pod.metadata.creationTimestamp) ?? 0;
  return ended.sort((a, b) => age(a) - age(b) || (a.metadata.uid < b.metadata.uid ? -1 : 1)).slice(0, ended.length - threshold);
}

/** Deletes without waiting for a kubelet. A pod that has not ended is first said to have failed, and why. */
function forceDelete(pod: Stored<Pod>, nowMs: number, why = ""): Step {
  const gone = remove(pods, pod, { gracePeriodSeconds: 0 });
  if (isPodTerminal(pod) || why === "") return gone;
  const failed = disruptionTarget(pod, "DeletionByPodGC", why, nowMs, { phase: "Failed" });
  return patchStatus(pods, pod, "strategic", failed, { ignore: ["NotFound"], after: (result) => (result.ok ? [gone] : []) });
}
