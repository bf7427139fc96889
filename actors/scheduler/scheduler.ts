import type { Address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type {
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
} from "../../protocol/kinds/generated";
import { objectKey, type Stored, timestamp } from "../../protocol/kinds/object";
import { isNotFound } from "../../protocol/status";
import type { Actor, Context } from "../../runtime/actor";
import {
  ApiClient,
  byNamespace,
  type Change,
  EventRecorder,
  type Informer,
  LeaderElector,
  namespaces,
  nodes,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
} from "../client";
import { SchedulerCache } from "./cache";
import { nodeEvents, podEvents } from "./cluster-events";
import { unschedulableMessage } from "./diagnosis";
import type { ClusterEvent, NodeInfo, PodInfo, Snapshot } from "./framework";
import { plugins } from "./plugins";
import { podInfo, withPod } from "./pod-info";
import { preempt } from "./preemption";
import { defaultQueueKnobs, type QueuedPod, SchedulingQueue } from "./queue";
import { type Diagnosis, schedulePod } from "./schedule";
import { siblingsOf } from "./siblings";

export interface SchedulerConfig {
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  /** Flags by their names; times in seconds: pod-initial-backoff-seconds 1, pod-max-backoff-seconds 10, pod-max-in-unschedulable-pods-duration 300. */
  readonly knobs?: Readonly<Record<string, number>>;
}

interface State {
  readonly config: SchedulerConfig;
  readonly client: ApiClient<State>;
  readonly recorder: EventRecorder<State>;
  readonly elector: LeaderElector<State>;
  readonly informers: Informers;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly namespaceLabels: Map<string, Readonly<Record<string, string>>>;
  /** Pods for which preemption makes room, with the node where: what they will take is not given to others. */
  readonly nominated: Map<string, { readonly info: PodInfo; readonly node: string }>;
  /** Where the next search among the nodes begins. */
  nextNode: number;
  scheduling: boolean;
  /** Bindings of which nobody knows what became. */
  readonly unsettled: Map<string, { readonly info: PodInfo; readonly node: string }>;
}

interface Informers {
  readonly pods: Informer<State, Pod>;
  readonly nodes: Informer<State, Node>;
  readonly namespaces: Informer<State, Namespace>;
  readonly services: Informer<State, Service>;
  readonly replicaSets: Informer<State, ReplicaSet>;
  readonly replicationControllers: Informer<State, ReplicationController>;
  readonly statefulSets: Informer<State, StatefulSet>;
  readonly budgets: Informer<State, PodDisruptionBudget>;
  readonly claims: Informer<State, PersistentVolumeClaim>;
}

type Ctx = Context<State>;

const schedulerName = "default-scheduler";
/** Pods placed before other messages get their turn. */
const podsPerTurn = 8;

const settleMs = 1_000;

const nowMsOf = (ctx: Ctx) => ctx.monotonicUs() / 1000;

/**
 * Gives each pod a node: takes the next from the queue, filters and scores the nodes, assumes the pod there so that the next one sees it, and binds it
 * through the API. Only the holder of the Lease acts; the others keep their caches warm.
 */
export const scheduler: Actor<SchedulerConfig, State, Message> = {
  role: "scheduler",

  start(config, ctx) {
    const client = new ApiClient<State>({ apiServers: config.apiServers, userAgent: "kube-scheduler/v1.36.0" });
    const informers: Informers = {
      pods: client.informer(pods),
      nodes: client.informer(nodes),
      namespaces: client.informer(namespaces),
      services: client.informer(services),
      replicaSets: client.informer(replicaSets),
      replicationControllers: client.informer(replicationControllers),
      statefulSets: client.informer(statefulSets),
      budgets: client.informer(podDisruptionBudgets),
      claims: client.informer(persistentVolumeClaims),
    };
    const state: State = {
      config,
      client,
      recorder: new EventRecorder(client, { component: schedulerName }),
      elector: new LeaderElector(client, {
        namespace: "kube-system",
        name: "kube-scheduler",
        identity: `${ctx.self}_${ctx.uuid()}`,
        ...(config.knobs ? { knobs: config.knobs } : {}),
        onElected: (later) => wake(state, later),
        // What is under way ends by itself: the API server decides which binding counts.
        onLost: () => undefined,
      }),
      informers,
      cache: new SchedulerCache(),
      queue: newQueue(config),
      namespaceLabels: new Map(),
      nominated: new Map(),
      nextNode: 0,
      scheduling: false,
      unsettled: new Map(),
    };
    informers.pods.addHandler((change, later) => onPod(state, change, later));
    informers.nodes.addHandler((change, later) => onNode(state, change, later));
    informers.namespaces.addHandler(({ type, object: { metadata } }) => {
      if (type === "deleted") state.namespaceLabels.delete(metadata.name);
      else state.namespaceLabels.set(metadata.name, metadata.labels ?? {});
      return undefined;
    });
    informers.claims.addHandler((_change, later) => {
      state.queue.moveBy("ClaimChange", nowMsOf(later));
      return undefined;
    });
    for (const informer of Object.values(informers)) {
      informer.onProgress((later: Ctx) => wake(state, later));
      informer.start(ctx);
    }
    state.elector.start(ctx);
    return state;
  },

  receive(state, input, ctx) {
    if (input.type === "timer") {
      if (state.client.onTimer(input.name, ctx)) return undefined;
      if (input.name === "schedule") {
        state.scheduling = false;
        scheduleSome(state, ctx);
      } else if (input.name === "settle") {
        const unsettled = [...state.unsettled.values()];
        state.unsettled.clear();
        for (const { info, node } of unsettled) settle(state, info, node, ctx);
      } else wake(state, ctx);
    } else if (input.type === "request") ctx.refuse(input.request, "a scheduler answers nobody");
    else if (input.type === "opened") ctx.close(input.stream, "refused", "a scheduler has no streams");
    return undefined;
  },
};

function newQueue({ knobs = {} }: SchedulerConfig): SchedulingQueue {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  return new SchedulingQueue(
    (rejectors) => new Set([...rejectors].flatMap((name): readonly ClusterEvent[] => byName.get(name)?.events ?? [])),
    (info) => plugins.some((plugin) => plugin.preEnqueue?.(info) !== undefined),
    {
      initialBackoffMs: (knobs["pod-initial-backoff-seconds"] ?? defaultQueueKnobs.initialBackoffMs / 1000) * 1000,
      maxBackoffMs: (knobs["pod-max-backoff-seconds"] ?? defaultQueueKnobs.maxBackoffMs / 1000) * 1000,
      maxUnschedulableMs: (knobs["pod-max-in-unschedulable-pods-duration"] ?? defaultQueueKnobs.maxUnschedulableMs / 1000) * 1000,
    },
  );
}

const isOver = ({ status }: Pod) => status?.phase === "Succeeded" || status?.phase === "Failed";

/** A pod changed: with a node it counts there, without one it waits for one, once it is over it is neither. */
function onPod(state: State, change: Change<Pod>, ctx: Ctx): undefined {
  const { cache, queue, nominated } = state;
  const { object: pod } = change;
  const { uid } = pod.metadata;
  const nowMs = nowMsOf(ctx);
  const before = cache.nodeOf(uid);
  const wasAssumed = cache.isAssumed(uid);
  if (change.type === "deleted" || isOver(pod)) {
    queue.done(uid);
    nominated.delete(uid);
    cache.deletePod(uid);
    if (before !== undefined) queue.moveBy("AssignedPodDelete", nowMs);
  } else if (pod.spec?.nodeName) {
    if (change.type === "updated" && before === pod.spec.nodeName && !wasAssumed && countsTheSame(change.old, pod)) return undefined;
    queue.done(uid);
    nominated.delete(uid);
    cache.setPod(pod);
    for (const event of podEvents(change, before !== undefined && !wasAssumed)) queue.moveBy(event, nowMs);
  } else if ((pod.spec?.schedulerName ?? schedulerName) === schedulerName && !wasAssumed) {
    // The status is what schedulers write themselves: a change of it alone is no news.
    if (change.type === "updated" && queue.placeOf(uid) !== undefined && !concernsScheduling(change.old, pod)) return undefined;
    if (pod.metadata.deletionTimestamp !== undefined) queue.done(uid);
    else queue.set(podInfo(pod), nowMs);
  }
  return wake(state, ctx);
}

/** Whether a bound pod counts on its node as it did: most changes are of its status only. */
function countsTheSame(old: Stored<Pod>, now: Stored<Pod>): boolean {
  const shown = ({ metadata, status }: Stored<Pod>) =>
    JSON.stringify([metadata.generation, metadata.labels, metadata.deletionTimestamp, status?.startTime]);
  return shown(old) === shown(now);
}

function concernsScheduling(old: Stored<Pod>, now: Stored<Pod>): boolean {
  const shown = ({ metadata, spec }: Stored<Pod>) => JSON.stringify([metadata.labels, metadata.deletionTimestamp, spec]);
  return shown(old) !== shown(now);
}

function onNode(state: State, change: Change<Node>, ctx: Ctx): undefined {
  const { cache, queue } = state;
  const events = nodeEvents(change);
  if (change.type === "deleted") cache.deleteNode(change.object.metadata.name);
  // Heartbeats change nothing that a scheduler asks for.
  else if (change.type === "added" || events.length > 0) cache.setNode(change.object);
  for (const event of events) queue.moveBy(event, nowMsOf(ctx));
  return events.length > 0 ? wake(state, ctx) : undefined;
}

/** Sees to it that the queue is worked on, now or when the next pod's time has come. */
function wake(state: State, ctx: Ctx): undefined {
  if (!state.elector.isLeader || !Object.values(state.informers).every((informer) => informer.synced)) return undefined;
  const next = state.queue.advance(nowMsOf(ctx));
  if (state.queue.activeCount > 0 && !state.scheduling) {
    state.scheduling = true;
    ctx.setTimer("schedule", 0);
  }
  if (next !== undefined) ctx.setTimer("queue", Math.max(0.001, next - nowMsOf(ctx)));
  return undefined;
}

function scheduleSome(state: State, ctx: Ctx): void {
  for (let count = 0; count < podsPerTurn && state.elector.isLeader; count += 1) {
    const queued = state.queue.pop();
    if (queued === undefined) break;
    scheduleOne(state, queued, ctx);
  }
  wake(state, ctx);
}

function snapshotFor(state: State, pod: PodInfo): Snapshot {
  const { cache, informers, nominated } = state;
  const inNamespace = <T>(informer: Informer<State, T>) => informer.store.byIndex(byNamespace, pod.namespace);
  const owners = () => [
    ...inNamespace(informers.replicaSets),
    ...inNamespace(informers.replicationControllers),
    ...inNamespace(informers.statefulSets),
  ];
  // Room that was made for pods at least as important is kept for them.
  const kept = [...nominated.values()].filter(({ info }) => info.uid !== pod.uid && info.priority >= pod.priority);
  const withKept = (node: NodeInfo) => kept.filter((one) => one.node === node.name).reduce((sum, { info }) => withPod(sum, info), node);
  return {
    nodes: kept.length === 0 ? cache.nodes : cache.nodes.map(withKept),
    namespaceLabels: state.namespaceLabels,
    claim: (namespace, name) => informers.claims.store.get(objectKey(namespace, name)),
    siblings: (info) => siblingsOf(info, inNamespace(informers.services), owners()),
  };
}

function scheduleOne(state: State, queued: QueuedPod, ctx: Ctx): void {
  const { info } = queued;
  const snapshot = snapshotFor(state, info);
  const placement = schedulePod(info, snapshot, plugins, {
    startAt: state.nextNode,
    nominated: state.nominated.get(info.uid)?.node,
    draw: () => ctx.random("tie"),
  });
  if (placement.outcome === "unschedulable") {
    giveUp(state, info, placement.diagnosis, snapshot, ctx);
    return;
  }
  state.nextNode = (state.nextNode + placement.evaluated) % Math.max(1, snapshot.nodes.length);
  state.cache.assume(info, placement.node);
  bind(state, info, placement.node, ctx);
}

function bind(state: State, info: PodInfo, node: string, ctx: Ctx): void {
  const { uid, namespace, name } = info;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { namespace, name, uid },
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
  state.client.createSubresource(ctx, pods, { namespace, name, subresource: "binding" }, binding, (s, result, later) => {
    if (result.ok) {
      later.record({ kind: "scheduler.bound", pod: info.key, node });
      s.recorder.event(later, referenceOf(info), "Normal", "Scheduled", `Successfully assigned ${info.key} to ${node}`, "Binding");
      s.queue.done(uid);
      s.nominated.delete(uid);
    } else if (result.unknown) settle(s, info, node, later);
    else bindingFailed(s, info, result.status.message, later);
    return undefined;
  });
}

/** Nobody knows whether the binding was carried out: the API is asked until it says, and the pod stays assumed meanwhile. */
function settle(state: State, info: PodInfo, node: string, ctx: Ctx): void {
  const { uid, namespace, name } = info;
  state.client.get(ctx, pods, { namespace, name }, (s, result, later) => {
    if (!s.cache.isAssumed(uid)) return undefined;
    if (!result.ok && !isNotFound(result.status)) {
      s.unsettled.set(uid, { info, node });
      later.setTimer("settle", settleMs);
      return undefined;
    }
    if (result.ok && result.object.metadata.uid === uid && result.object.spec?.nodeName) {
      if (result.object.spec.nodeName === node) later.record({ kind: "scheduler.bound", pod: info.key, node });
      s.cache.setPod(result.object);
      s.queue.done(uid);
      s.nominated.delete(uid);
    } else bindingFailed(s, info, "nobody knows what became of the binding", later);
    return undefined;
  });
}

/** What was assumed is taken back, so that neither the pod nor the room is lost. */
function bindingFailed(state: State, info: PodInfo, why: string, ctx: Ctx): void {
  state.cache.forget(info.uid);
  state.queue.moveBy("AssignedPodDelete", nowMsOf(ctx));
  state.queue.requeue(info.uid, new Set(), nowMsOf(ctx));
  const message = `running Bind plugin "DefaultBinder": ${why}`;
  state.recorder.event(ctx, referenceOf(info), "Warning", "FailedScheduling", message, "Scheduling");
  wake(state, ctx);
}

const referenceOf = ({ pod, namespace, name, uid }: PodInfo) => ({
  kind: "Pod",
  apiVersion: "v1",
  namespace,
  name,
  uid,
  resourceVersion: pod.metadata?.resourceVersion ?? "",
});

/** No node will do: say why, make room if that is allowed, and wait for something to change. */
function giveUp(state: State, info: PodInfo, diagnosis: Diagnosis, snapshot: Snapshot, ctx: Ctx): void {
  const preemption =
    diagnosis.nodeCount === 0
      ? undefined
      : preempt(info, snapshot, plugins, diagnosis, [...state.informers.budgets.store.list()], state.nextNode);
  const message = unschedulableMessage(diagnosis, preemption && !preemption.possible ? preemption.message : undefined);
  ctx.record({ kind: "scheduler.unschedulable", pod: info.key, reason: message });
  state.recorder.event(ctx, referenceOf(info), "Warning", "FailedScheduling", message, "Scheduling");
  // Without nodes no plug-in was asked; only a node can help.
  state.queue.requeue(info.uid, diagnosis.nodeCount === 0 ? new Set(["NodeName"]) : diagnosis.rejectors, nowMsOf(ctx));
  if (preemption?.possible) evict(state, info, preemption.node, preemption.victims, ctx);
  else state.nominated.delete(info.uid);
  writeCondition(state, info, message, preemption?.possible ? preemption.node : "", ctx);
}

function writeCondition(state: State, info: PodInfo, message: string, nominatedNodeName: string, ctx: Ctx): void {
  const { pod, namespace, name, uid } = info;
  const old = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const sameNomination = (pod.status?.nominatedNodeName ?? "") === nominatedNodeName;
  if (old?.status === "False" && old.reason === "Unschedulable" && old.message === message && sameNomination) return;
  const now = timestamp(ctx.wallUs() / 1000);
  const condition = {
    type: "PodScheduled",
    observedGeneration: pod.metadata?.generation,
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: old?.status === "False" ? old.lastTransitionTime : now,
  };
  const patch = { metadata: { uid }, status: { conditions: [condition], nominatedNodeName: nominatedNodeName || null } };
  state.client.patch(ctx, pods, { namespace, name, subresource: "status" }, "strategic", patch, () => undefined);
}

/** Takes their place from less important pods: each is told why, and deleted with its own grace. */
function evict(state: State, info: PodInfo, node: string, victims: readonly PodInfo[], ctx: Ctx): void {
  state.nominated.set(info.uid, { info, node });
  for (const victim of victims) {
    const { namespace, name, uid } = victim;
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(ctx.wallUs() / 1000),
    };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    state.client.patch(ctx, pods, { namespace, name, subresource: "status" }, "strategic", patch, (s, result, later) => {
      if (!result.ok && isNotFound(result.status)) return undefined;
      s.client.delete(later, pods, { namespace, name }, { preconditions: { uid } }, () => undefined);
      return undefined;
    });
    const message = `Preempted by pod ${info.uid} on node ${node}`;
    state.recorder.event(ctx, referenceOf(victim), "Normal", "Preempted", message, "Preempting");
  }
}
