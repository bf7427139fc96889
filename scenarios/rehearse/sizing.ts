import type { Container, PodSpec } from "../../protocol/kinds/generated";
import { quantityMilliValue } from "../../protocol/kinds/quantity";
import { scaledValue } from "../checks/pods";
import { type ClusterShape, defaultShape } from "../cluster";
import type { Subjects } from "./subject";
import { partAt, runsToItsEnd, type Workload } from "./workload";

/** What a pod asks for: thousandths of a processor, and bytes. */
export interface Requests {
  readonly cpu: number;
  readonly memory: number;
}

/** The requests of a pod: those of its containers together, or of its largest init container. */
export function requestsOf({ containers, initContainers = [], overhead = {} }: PodSpec): Requests {
  const of = (resource: "cpu" | "memory") => {
    const one = ({ resources }: Container) => amount(resource, resources?.requests?.[resource] ?? resources?.limits?.[resource]);
    const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
    const together = [...containers, ...sidecars].reduce((sum, container) => sum + one(container), 0);
    return Math.max(together, ...initContainers.map(one)) + amount(resource, overhead[resource]);
  };
  return { cpu: of("cpu"), memory: of("memory") };
}

function amount(resource: "cpu" | "memory", quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  return resource === "cpu" ? quantityMilliValue(quantity) : quantityMilliValue(quantity) / 1000;
}

const zones = 3;
const gibibyte = 1024 ** 3;
/** What the kubelet and others take of a node, so that a pod of exactly its size would not fit. */
const fullest = 0.9;

/**
 * A cluster for these manifests: so many nodes in each of three zones that everything still fits when one zone is gone, and a spare one. A node has
 * four processors and 8 GiB, or twice what the largest pod asks for.
 */
export function sizeFor({ workloads }: Subjects): ClusterShape {
  const running = workloads.filter((workload) => !runsToItsEnd(workload) || workload.kind === "Job");
  const pods = running.filter(({ kind }) => kind !== "DaemonSet").flatMap((one) => podsOf(one).map(() => requestsOf(one.podSpec)));
  const onEach = running.filter(({ kind }) => kind === "DaemonSet").map(({ podSpec }) => requestsOf(podSpec));
  const sum = (all: readonly Requests[], resource: keyof Requests) => all.reduce((total, one) => total + one[resource], 0);
  const largest = (resource: keyof Requests) => Math.max(0, ...pods.map((one) => one[resource]));
  const cpu = Math.max(4, Math.ceil((2 * largest("cpu") + sum(onEach, "cpu")) / 1000));
  const memory = Math.max(8, Math.ceil((2 * largest("memory") + sum(onEach, "memory")) / gibibyte));
  const room = {
    cpu: cpu * 1000 * fullest - sum(onEach, "cpu"),
    memory: memory * gibibyte * fullest - sum(onEach, "memory"),
    pods: 110 - onEach.length,
  };
  const packed = pack(pods, room);
  // Pods that may not share a node need one each, and a rollout or a lost node another.
  const apart = Math.max(0, ...running.filter(keepsApart).map((one) => podsOf(one).length));
  const perZone = Math.max(1, Math.ceil(packed / (zones - 1)), Math.ceil(apart / zones));
  return {
    ...defaultShape,
    zones,
    nodes: perZone * zones + 1,
    capacity: { ...defaultShape.capacity, cpu: String(cpu), memory: `${memory}Gi` },
  };
}

/** The pods of a workload at most: with those that a rollout adds. */
function podsOf({ manifest, kind, replicas }: Workload): readonly number[] {
  const surge = partAt(manifest.object, ["spec", "strategy", "rollingUpdate", "maxSurge"]) as number | string | undefined;
  const more = kind === "Deployment" ? scaledValue(surge ?? "25%", replicas, "up") : 0;
  return Array.from({ length: replicas + more }, (_, i) => i);
}

function keepsApart({ podSpec }: Workload): boolean {
  const anti = podSpec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return anti.some(({ topologyKey }) => topologyKey === "kubernetes.io/hostname");
}

/** How many nodes hold the pods when each goes to the first that has room, the largest first. */
function pack(pods: readonly Requests[], room: Requests & { readonly pods: number }): number {
  const nodes: { cpu: number; memory: number; pods: number }[] = [];
  for (const pod of [...pods].sort((a, b) => b.cpu - a.cpu || b.memory - a.memory)) {
    let node = nodes.find(({ cpu, memory, pods: left }) => cpu >= pod.cpu && memory >= pod.memory && left > 0);
    if (!node) nodes.push((node = { ...room }));
    node.cpu -= pod.cpu;
    node.memory -= pod.memory;
    node.pods--;
  }
  return nodes.length;
}
