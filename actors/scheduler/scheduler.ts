import type { ComponentGetRequest } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import type { Node, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Actor } from "../../runtime/actor";
import {
  ApiClient,
  type Change,
  EventRecorder,
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
import { bind, settle } from "./binding";
import { SchedulerCache } from "./cache";
import { nodeEvents, podEvents } from "./cluster-events";
import { countPending, SchedulerFigures, schedulerGet } from "./figures";
import type { ClusterEvent } from "./framework";
import { giveUp } from "./give-up";
import { plugins } from "./plugins";
import { podInfo } from "./pod-info";
import { defaultQueueKnobs, type QueuedPod, SchedulingQueue } from "./queue";
import { heldBesides } from "./resource-amounts";
import { schedulePod } from "./schedule";
import { snapshotFor } from "./snapshot";
import { type Ctx, type Informers, nowMsOf, type SchedulerConfig, type State, schedulerName, wake } from "./state";

/** Of so many attempts single plug-ins are timed. */
const pluginMetricsShare = 0.1;
/** Pods placed before other messages get their turn. */
const podsPerTurn = 8;

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
    const figures = new SchedulerFigures(client.figures.registry);
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
      queue: newQueue(config, figures),
      namespaceLabels: new Map(),
      nominated: new Map(),
      nextNode: 0,
      scheduling: false,
      unsettled: new Map(),
      figures,
    };
    countPending(state);
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
    } else if (input.type === "request") {
      const { body } = input;
      if (body.kind !== "component.get") ctx.refuse(input.request, "a scheduler answers nothing but how it is");
      else ctx.reply(input.request, schedulerGet(state, (body as ComponentGetRequest).path, nowMsOf(ctx)));
    } else if (input.type === "opened") ctx.close(input.stream, "refused", "a scheduler has no streams");
    return undefined;
  },
};

function newQueue({ knobs = {} }: SchedulerConfig, figures: SchedulerFigures): SchedulingQueue {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  return new SchedulingQueue(
    (rejectors) => new Set([...rejectors].flatMap((name): readonly ClusterEvent[] => byName.get(name)?.events ?? [])),
    (info) => plugins.some((plugin) => plugin.preEnqueue?.(info) !== undefined),
    {
      initialBackoffMs: (knobs["pod-initial-backoff-seconds"] ?? defaultQueueKnobs.initialBackoffMs / 1000) * 1000,
      maxBackoffMs: (knobs["pod-max-backoff-seconds"] ?? defaultQueueKnobs.maxBackoffMs / 1000) * 1000,
      maxUnschedulableMs: (knobs["pod-max-in-unschedulable-pods-duration"] ?? defaultQueueKnobs.maxUnschedulableMs / 1000) * 1000,
    },
    (queue, event) => figures.queued(queue, event),
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
  const shown = (pod: Stored<Pod>) => {
    const { metadata, status } = pod;
    const held = [heldBesides(pod), status?.conditions?.find(({ type }) => type === "PodResizePending")?.reason];
    return JSON.stringify([metadata.generation, metadata.labels, metadata.deletionTimestamp, status?.startTime, held]);
  };
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

function scheduleSome(state: State, ctx: Ctx): void {
  for (let count = 0; count < podsPerTurn && state.elector.isLeader; count += 1) {
    const queued = state.queue.pop();
    if (queued === undefined) break;
    scheduleOne(state, queued, ctx);
  }
  wake(state, ctx);
}

function scheduleOne(state: State, queued: QueuedPod, ctx: Ctx): void {
  const { info } = queued;
  const begunMs = nowMsOf(ctx);
  const snapshot = snapshotFor(state, info);
  // The draw is one of the context's own: it changes no other.
  const watch = state.figures.stopwatch(() => ctx.monotonicUs(), ctx.random("plugin-metrics") < pluginMetricsShare);
  const placement = schedulePod(info, snapshot, plugins, {
    startAt: state.nextNode,
    nominated: state.nominated.get(info.uid)?.node,
    draw: () => ctx.random("tie"),
    watch,
  });
  state.figures.searched(begunMs, nowMsOf(ctx));
  if (placement.outcome === "unschedulable") {
    giveUp(state, info, placement.diagnosis, snapshot, watch, ctx);
    state.figures.attempted("unschedulable", begunMs, nowMsOf(ctx));
    return;
  }
  state.nextNode = (state.nextNode + placement.evaluated) % Math.max(1, snapshot.nodes.length);
  state.cache.assume(info, placement.node);
  bind(state, queued, placement.node, begunMs, ctx);
}
