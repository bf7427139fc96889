import type { Address } from "../../protocol/address";
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
import type { Context } from "../../runtime/actor";
import type { ApiClient, EventRecorder, Informer, LeaderElector } from "../client";
import type { SchedulerCache } from "./cache";
import type { SchedulerFigures } from "./figures";
import type { PodInfo } from "./framework";
import type { SchedulingQueue } from "./queue";

export interface SchedulerConfig {
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  /** Flags by their names; times in seconds: pod-initial-backoff-seconds 1, pod-max-backoff-seconds 10, pod-max-in-unschedulable-pods-duration 300. */
  readonly knobs?: Readonly<Record<string, number>>;
}

export interface State {
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
  readonly figures: SchedulerFigures;
  /** Where the next search among the nodes begins. */
  nextNode: number;
  scheduling: boolean;
  /** Bindings of which nobody knows what became. */
  readonly unsettled: Map<string, { readonly info: PodInfo; readonly node: string }>;
}

export interface Informers {
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

export type Ctx = Context<State>;

export const schedulerName = "default-scheduler";

export const nowMsOf = (ctx: Ctx) => ctx.monotonicUs() / 1000;

/** What events about a pod are about. */
export const referenceOf = ({ pod, namespace, name, uid }: PodInfo) => ({
  kind: "Pod",
  apiVersion: "v1",
  namespace,
  name,
  uid,
  resourceVersion: pod.metadata?.resourceVersion ?? "",
});

/** Sees to it that the queue is worked on, now or when the next pod's time has come. */
export function wake(state: State, ctx: Ctx): undefined {
  if (!state.elector.isLeader || !Object.values(state.informers).every((informer) => informer.synced)) return undefined;
  const next = state.queue.advance(nowMsOf(ctx));
  if (state.queue.activeCount > 0 && !state.scheduling) {
    state.scheduling = true;
    ctx.setTimer("schedule", 0);
  }
  if (next !== undefined) ctx.setTimer("queue", Math.max(0.001, next - nowMsOf(ctx)));
  return undefined;
}
