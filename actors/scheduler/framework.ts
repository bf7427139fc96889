import type { Node, PersistentVolumeClaim, Pod } from "../../protocol/kinds/generated";
import type { AffinityTerm, WeightedAffinityTerm } from "./pod-affinity";
import type { ResourceAmounts } from "./resource-amounts";

/** What plug-ins see and what they answer. Everything here is read-only: the cache replaces a NodeInfo when its node or a pod on it changes. */

/** A change in the cluster that may let a pod fit that did not fit before. Source: the scheduler's queueing hints. */
export type ClusterEvent =
  | "NodeAdd"
  | "NodeAllocatable"
  | "NodeLabel"
  | "NodeTaint"
  | "NodeDelete"
  | "AssignedPodAdd"
  | "AssignedPodLabel"
  | "AssignedPodDelete"
  | "AssignedPodScaleDown"
  | "PodUpdate"
  | "ClaimChange"
  | "Any";

/** A port of the node that a pod takes for itself; hostIP "0.0.0.0" takes it on every address. */
export interface HostPort {
  readonly hostIP: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod with what plug-ins ask of it again and again, worked out once. */
export interface PodInfo {
  readonly pod: Pod;
  /** "namespace/name". */
  readonly key: string;
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly terminating: boolean;
  readonly requests: ResourceAmounts;
  /** For scoring: a container that asks for nothing counts as 100m CPU and 200 MiB. */
  readonly nonZeroMilliCpu: number;
  readonly nonZeroMemory: number;
  readonly hostPorts: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
}

/** A node and the pods on it, assumed ones among them. */
export interface NodeInfo {
  readonly node: Node;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly allocatable: ResourceAmounts;
  readonly allowedPods: number;
  readonly pods: readonly PodInfo[];
  readonly requested: ResourceAmounts;
  readonly nonZeroMilliCpu: number;
  readonly nonZeroMemory: number;
  /** Image name to size in bytes. */
  readonly images: ReadonlyMap<string, number>;
  /** How many of its pods have affinity or anti-affinity terms, so that most nodes can be passed over. */
  readonly podsWithAffinity: number;
}

/** The cluster at the moment at which one pod is scheduled. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  /** Labels by namespace, for namespaceSelector. */
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly claim: (namespace: string, name: string) => PersistentVolumeClaim | undefined;
  /** Selects the pods that belong together with this one (its Services' and its owner's selectors), for default spreading; undefined where it stands alone. */
  readonly siblings: (pod: PodInfo) => ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
}

/** Why a node will not do. `resolvable`: evicting pods from it could help. */
export interface Rejection {
  readonly reasons: readonly string[];
  readonly resolvable: boolean;
}

export type NodeFilter = (node: NodeInfo) => Rejection | undefined;

/** One file in plugins/. The outer call is made once for a pod, the inner one for each node; undefined means that there is nothing to judge. */
export interface Plugin {
  readonly name: string;
  /** What its score counts for; 0 where it gives none. */
  readonly weight: number;
  /** The events after which a pod it rejected is worth another try. */
  readonly events: readonly ClusterEvent[];
  /** A text when the pod may not enter the queue. */
  readonly preEnqueue?: (pod: PodInfo) => string | undefined;
  /** A text when no node at all will do. */
  readonly preFilter?: (pod: PodInfo, snapshot: Snapshot) => string | undefined;
  readonly filter?: (pod: PodInfo, snapshot: Snapshot) => NodeFilter | undefined;
  /** 0 to 100 for each of the feasible nodes, in their order. */
  readonly score?: (pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[]) => readonly number[] | undefined;
}

export const maxNodeScore = 100;

/** Scales so that the highest becomes 100; reversed, the highest becomes 0. Source: the scheduler's DefaultNormalizeScore. */
export function normalizedScores(scores: readonly number[], reverse: boolean): readonly number[] {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  if (highest === 0) return reverse ? scores.map(() => maxNodeScore) : scores;
  return scores.map((score) => {
    const scaled = Math.floor((maxNodeScore * score) / highest);
    return reverse ? maxNodeScore - scaled : scaled;
  });
}

export const unresolvable = (...reasons: readonly string[]): Rejection => ({ reasons, resolvable: false });
export const resolvable = (...reasons: readonly string[]): Rejection => ({ reasons, resolvable: true });
