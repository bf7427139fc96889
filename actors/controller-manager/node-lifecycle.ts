import type { Node, Pod, Taint } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored, timestamp } from "../../protocol/kinds/object";
import {
  type Controller,
  count,
  event,
  index,
  knobMs,
  leases,
  type Moment,
  nodes,
  nothingToDo,
  type Plan,
  parallel,
  patch,
  pods,
  requeue,
  type Step,
  updateStatus,
  type View,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { conditionOf, withCondition } from "./condition";
import { nodeEvicted } from "./figures";
import { type Health, isOverdue, observeHealth, unknownConditions } from "./node-health";
import { type Bucket, type EvictionRates, evictionRate, refill, zoneOf, zoneState } from "./node-zones";
import { isPodReady } from "./pod-state";

const monitor = "monitor";
const perNode = "node/";
const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";

/** What the monitor remembers from one round to the next. */
interface Memory {
  readonly health: ReadonlyMap<string, Health>;
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** Whether all zones were fully disrupted in the last round. */
  readonly allFull: boolean;
}

const nothingKnown: Memory = { health: new Map(), buckets: new Map(), allFull: false };

/**
 * Watches over the nodes. One that has not been heard of for the grace period is Unknown and its pods not ready; taints keep new pods away at once (NoSchedule) and
 * drive those away that are there (NoExecute), zone by zone and no faster than the eviction rate. Source: "Nodes" and "Taints and Tolerations" in the documentation.
 */
export const nodeLifecycleController: Controller = {
  name: "node-lifecycle",
  watches: [watch(nodes, ({ metadata }) => [perNode + metadata.name]), watch(leases, () => []), watch(pods, () => [])],
  indexes: [index(pods, "node", (pod) => [pod.spec?.nodeName ?? ""])],
  standingKeys: [monitor],
  reconcile(key, view, moment, memory) {
    if (key === monitor) return monitorNodes(view, moment, (memory as Memory | undefined) ?? nothingKnown);
    const node = view.of(nodes).get(key.slice(perNode.length));
    return node ? taintUnschedulable(node, moment.nowMs) : nothingToDo;
  },
};

function monitorNodes(view: View, moment: Moment, memory: Memory): Plan {
  const { nowMs, monotonicMs } = moment;
  const grace = {
    monitorMs: knobMs(moment, "node-monitor-grace-period", 50_000),
    startupMs: knobMs(moment, "node-startup-grace-period", 60_000),
  };
  const all = [...view.of(nodes).list()].filter((node) => !isBeingDeleted(node));
  const steps: Step[] = [];
  const health = new Map<string, Health>();
  for (const node of all) {
    const { name } = node.metadata;
    const seen = observeHealth(node, view.of(leases).get(`kube-node-lease/${name}`), memory.health.get(name), monotonicMs);
    health.set(name, seen);
    if (!memory.health.has(name))
      steps.push(event(node, "Normal", "RegisteredNode", `Node ${name} event: Registered Node ${name} in Controller`));
    if (isOverdue(node, seen, grace, monotonicMs)) steps.push(...giveUp(node, view, nowMs));
  }
  const { taints, buckets, allFull, waitMs } = driveOut(all, moment, memory);
  // Cut off from all of them, we learn nothing about any: after that each gets its full grace again.
  const renewed =
    memory.allFull && !allFull ? new Map([...health].map(([name, seen]) => [name, { ...seen, aliveMs: monotonicMs }])) : health;
  const next: Memory = { health: renewed, buckets, allFull };
  return { steps: [nextRound(moment, waitMs), parallel([...steps, ...taints])], memory: next };
}

/** The rounds go on even when a write fails; the next comes early when a node waits for leave to be emptied. */
function nextRound(moment: Moment, waitMs: number): Step {
  return requeue(Math.min(waitMs, knobMs(moment, "node-monitor-period", 5_000)));
}

/** Conditions Unknown, an event, and the pods no longer ready. The pods are looked at in every round, in case a write failed. */
function giveUp(node: Stored<Node>, view: View, nowMs: number): readonly Step[] {
  const marks = view
    .of(pods)
    .byIndex("node", node.metadata.name)
    .flatMap((pod) => markNotReady(pod, nowMs));
  const conditions = unknownConditions(node, nowMs);
  if (conditions === node.status?.conditions) return marks;
  const wasReady = conditionOf(node.status?.conditions, "Ready")?.status === "True";
  const told = event(node, "Normal", "NodeNotReady", `Node ${node.metadata.name} status is now: NodeNotReady`);
  return [
    updateStatus(
      nodes,
      { ...node, status: { ...node.status, conditions } },
      { after: (result) => (result.ok ? [...(wasReady ? [told] : []), parallel(marks)] : []) },
    ),
  ];
}

function markNotReady(pod: Stored<Pod>, nowMs: number): readonly Step[] {
  if (!isPodReady(pod)) return [];
  const { reason: _, message: __, ...ready } = conditionOf(pod.status?.conditions, "Ready")!;
  const conditions = withCondition(pod.status?.conditions ?? [], { ...ready, status: "False" }, nowMs);
  return [
    updateStatus(
      pods,
      { ...pod, status: { ...pod.status, conditions } },
      {
        ignore: ["NotFound"],
        after: (result) => (result.ok ? [event(pod, "Warning", "NodeNotReady", "Node is not ready")] : []),
      },
    ),
  ];
}

/** The NoExecute taints of this round. */
function driveOut(all: readonly Stored<Node>[], moment: Moment, memory: Memory) {
  const { nowMs, monotonicMs } = moment;
  const knobs = moment.settings.knobs;
  const rates: EvictionRates = {
    perSecond: knobs["node-eviction-rate"] ?? 0.1,
    secondaryPerSecond: knobs["secondary-node-eviction-rate"] ?? 0.01,
    unhealthyShare: knobs["unhealthy-zone-threshold"] ?? 0.55,
    largeZone: knobs["large-cluster-size-threshold"] ?? 50,
  };
  const zones = new Map<string, Stored<Node>[]>();
  for (const node of all) zones.set(zoneOf(node), [...(zones.get(zoneOf(node)) ?? []), node]);
  const states = new Map([...zones].map(([zone, members]) => [zone, zoneState(members, rates.unhealthyShare)]));
  const allFull = zones.size > 0 && [...states.values()].every((state) => state === "full");
  const taints: Step[] = [];
  const buckets = new Map<string, Bucket>();
  let waitMs = Number.POSITIVE_INFINITY;
  for (const [zone, members] of zones) {
    const rate = evictionRate(states.get(zone)!, members.length, allFull, rates);
    let bucket = refill(memory.buckets.get(zone), rate, monotonicMs);
    for (const node of members) {
      const wanted = allFull ? undefined : noExecuteKey(node);
      const present = (node.spec?.taints ?? []).filter(
        ({ key, effect }) => effect === "NoExecute" && (key === notReady || key === unreachable),
      );
      if (present.length === (wanted ? 1 : 0) && present[0]?.key === wanted) continue;
      // Only the first taint empties a node; to change its name or to take it away needs no leave.
      if (wanted && present.length === 0) {
        if (rate > 0 && bucket.tokens < 1) waitMs = Math.min(waitMs, Math.ceil(((1 - bucket.tokens) / rate) * 1000));
        if (rate === 0 || bucket.tokens < 1) continue;
        bucket = { ...bucket, tokens: bucket.tokens - 1 };
      }
      const others = (node.spec?.taints ?? []).filter((taint) => !present.includes(taint));
      const taint: Taint | undefined = wanted === undefined ? undefined : { key: wanted, effect: "NoExecute", timeAdded: timestamp(nowMs) };
      const counted = taint && present.length === 0 ? [count(nodeEvicted(zone))] : [];
      taints.push(writeTaints(node, taint ? [...others, taint] : others, counted));
    }
    buckets.set(zone, bucket);
  }
  return { taints, buckets, allFull, waitMs };
}

function noExecuteKey(node: Stored<Node>): string | undefined {
  switch (conditionOf(node.status?.conditions, "Ready")?.status) {
    case "False":
      return notReady;
    case "Unknown":
      return unreachable;
    default:
      return undefined;
  }
}

/** NoSchedule taints say what a node's conditions say, at once. */
const taintsByCondition: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: "Ready", status: "False", key: notReady },
  { type: "Ready", status: "Unknown", key: unreachable },
  { type: "MemoryPressure", status: "True", key: "node.kubernetes.io/memory-pressure" },
  { type: "DiskPressure", status: "True", key: "node.kubernetes.io/disk-pressure" },
  { type: "PIDPressure", status: "True", key: "node.kubernetes.io/pid-pressure" },
  { type: "NetworkUnavailable", status: "True", key: "node.kubernetes.io/network-unavailable" },
];
const unschedulable = "node.kubernetes.io/unschedulable";

function taintUnschedulable(node: Stored<Node>, nowMs: number): Plan {
  const ours = new Set([...taintsByCondition.map(({ key }) => key), unschedulable]);
  const wanted = taintsByCondition
    .filter(({ type, status }) => conditionOf(node.status?.conditions, type)?.status === status)
    .map(({ key }) => key);
  if (node.spec?.unschedulable) wanted.push(unschedulable);
  const present = node.spec?.taints ?? [];
  const isOurs = (taint: Taint) => taint.effect === "NoSchedule" && ours.has(taint.key);
  const kept = present.filter((taint) => !isOurs(taint) || wanted.includes(taint.key));
  const added = wanted.filter((key) => !kept.some((taint) => isOurs(taint) && taint.key === key));
  const next: readonly Taint[] = [...kept, ...added.map((key) => ({ key, effect: "NoSchedule", timeAdded: timestamp(nowMs) }))];
  return isSame(next, present) ? nothingToDo : { steps: [writeTaints(node, next)] };
}

/** The whole list, and only if nobody else has changed the node since. */
function writeTaints(node: Stored<Node>, taints: readonly Taint[], following: readonly Step[] = []): Step {
  const { resourceVersion } = node.metadata;
  const change = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
  return patch(nodes, node, "merge", change, following.length > 0 ? { after: ({ ok }) => (ok ? following : []) } : {});
}
