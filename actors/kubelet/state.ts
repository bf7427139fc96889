import type { Address } from "../../protocol/address";
import type { CriContainer } from "../../protocol/cri";
import type { Lease, Node, NodeStatus, Pod, Service } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Context, StreamRef } from "../../runtime/actor";
import type { ApiClient, EventRecorder, Informer } from "../client";
import type { KubeletConfig, KubeletTimes } from "./config";
import type { NodeFacts } from "./environment";
import type { Scarce, SoftEviction } from "./eviction";
import type { ContainerWorker, PodWorker } from "./pod-worker";
import type { ProbeFigures } from "./probe-figures";

/** What a kubelet has in memory. All of it can be had again: from the API, and from the runtime. */
export interface State {
  readonly config: KubeletConfig;
  readonly times: KubeletTimes;
  readonly runtime: Address;
  readonly client: ApiClient<State>;
  readonly pods: Informer<State, Pod>;
  readonly ownNode: Informer<State, Node>;
  /** Containers are told of them in their environment. */
  readonly services: Informer<State, Service>;
  readonly recorder: EventRecorder<State>;
  /** By uid: a pod and the one that takes its name after it can both be here. */
  readonly workers: Map<string, PodWorker>;
  readonly probes: ProbeFigures;
  /** The event stream of the runtime, while there is one. */
  events: StreamRef | undefined;
  runtimeUp: boolean;
  /** Pods are run only when both the API and the runtime have said what there is. */
  begun: boolean;
  podCidr: string;
  /** The Node as it was last seen; a node that was deleted still runs what it has. */
  lastNode: Stored<Node> | undefined;
  /** Exits that were heard of before the start was answered. */
  readonly earlyExits: Map<string, CriContainer>;
  readonly images: Map<string, number>;
  readonly node: NodeState;
  /** What the node is short of: when it was last found so, since when without a break, and what it says of it. */
  readonly pressure: {
    readonly soft: SoftEviction;
    readonly lastShort: Map<Scarce, number>;
    readonly shortSince: Map<Scarce, number>;
    pressed: readonly Scarce[];
  };
  /** What stands behind logs that are followed and behind tunnels, by the stream of whoever asked. */
  readonly followed: Map<string, StreamRef>;
  /** Of those that are tunnels into a container: into which, by the pod's uid and its name. */
  readonly entered: Map<string, readonly [uid: string, container: string]>;
}

export interface NodeState {
  registered: boolean;
  /** How often in a row the API refused to register it. */
  refusals: number;
  lease: Stored<Lease> | undefined;
  renewing: boolean;
  reported: NodeStatus | undefined;
  reportedMs: number;
  reporting: boolean;
  /** Something may have to be reported before its time. */
  changed: boolean;
}

export type Ctx = Context<State>;

export const nowMsOf = (ctx: Ctx) => ctx.monotonicUs() / 1000;
export const wallMsOf = (ctx: Ctx) => ctx.wallUs() / 1000;

/** What a pod is told of its node. */
export function nodeFacts({ config: { internalIp, capacity } }: State, { sandbox }: PodWorker): NodeFacts {
  return { hostIp: internalIp, podIp: "ip" in sandbox ? sandbox.ip : "", capacity };
}

/** A container whose instance is on its way, if it still is: answers come late, and much may have happened. */
export function busyContainer(state: State, uid: string, name: string): readonly [PodWorker, ContainerWorker] | undefined {
  const worker = state.workers.get(uid);
  const container = worker?.containers.get(name);
  return worker && container?.state.is === "busy" ? [worker, container] : undefined;
}

/** The reference that events about a container use. */
export function containerReference(worker: PodWorker, container: ContainerWorker) {
  const { pod } = worker;
  const list = container.kind === "main" ? "containers" : container.kind === "ephemeral" ? "ephemeralContainers" : "initContainers";
  return {
    kind: "Pod",
    apiVersion: "v1",
    namespace: pod.metadata.namespace ?? "",
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    resourceVersion: pod.metadata.resourceVersion,
    fieldPath: `spec.${list}{${container.name}}`,
  };
}

/** Writes an event about a container. */
export function containerEvent(
  state: State,
  worker: PodWorker,
  container: ContainerWorker,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  ctx: Ctx,
): void {
  if (!worker.orphaned) state.recorder.event(ctx, containerReference(worker, container), type, reason, message);
}
