import type { ContainerUsage, CriUsageListed } from "../../protocol/cri";
import { timestamp } from "../../protocol/kinds/object";
import { quantityValue } from "../../protocol/kinds/quantity";
import { metricLine } from "../metrics/registry";
import type { KubeletConfig } from "./config";

type Config = Pick<KubeletConfig, "node" | "capacity">;

/**
 * What a node and its containers take of processor, memory and disk, as kubelets tell it. Names, types and labels compared with kubernetes
 * pkg/kubelet/metrics/collectors/resource_metrics.go and cAdvisor's metrics/prometheus.go. What a simulated process takes is its working set.
 */

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
  /** Whether samples carry the time at which they were taken. */
  readonly timed: boolean;
}

/** GET /metrics/resource. */
export function resourceMetrics(_config: Config, { atUs, containers, otherMemoryBytes }: CriUsageListed): string {
  const ofContainers = (value: (one: ContainerUsage) => number) =>
    containers.map((one) => [{ container: one.name, pod: nameOf(one), namespace: namespaceOf(one) }, value(one)] as const);
  const ofPods = (value: (one: ContainerUsage) => number) =>
    podsOf(containers).map((own) => [{ pod: nameOf(own[0]!), namespace: namespaceOf(own[0]!) }, sum(own, value)] as const);
  const families: readonly Family[] = [
    counter("container_cpu_usage_seconds_total", "Processor time that a container has taken, in core-seconds.", ofContainers(cpuSeconds)),
    gauge("container_memory_working_set_bytes", "Memory that a container takes.", ofContainers(memory)),
    {
      ...gauge("container_start_time_seconds", "When a container started, in seconds since 1970.", ofContainers(startSeconds)),
      timed: false,
    },
    counter("node_cpu_usage_seconds_total", "Processor time that the node has taken, in core-seconds.", [
      [{}, sum(containers, cpuSeconds)],
    ]),
    gauge("node_memory_working_set_bytes", "Memory that the node takes.", [[{}, sum(containers, memory) + otherMemoryBytes]]),
    counter("pod_cpu_usage_seconds_total", "Processor time that a pod has taken, in core-seconds.", ofPods(cpuSeconds)),
    gauge("pod_memory_working_set_bytes", "Memory that a pod takes.", ofPods(memory)),
    { ...gauge("resource_scrape_error", "1 if the figures of containers could not be had.", [[{}, 0]]), timed: false },
  ];
  return textOf(families, Math.round(atUs / 1000));
}

/** GET /metrics/cadvisor. */
export function containerMetrics({ capacity }: Config, { atUs, containers }: CriUsageListed): string {
  const samples = (value: (one: ContainerUsage) => number, extra: Readonly<Record<string, string>> = {}) =>
    containers.map((one) => {
      const { podUid, id, image, name } = one;
      const place = { id: `/kubepods/pod${podUid}/${id}`, image, name: id, namespace: namespaceOf(one), pod: nameOf(one) };
      return [{ container: name, ...extra, ...place }, value(one)] as const;
    });
  const machine = (name: string, help: string, value: number): Family => ({ ...gauge(name, help, [[{}, value]]), timed: false });
  const families: readonly Family[] = [
    counter(
      "container_cpu_usage_seconds_total",
      "Processor time that a container has taken, in seconds.",
      samples(cpuSeconds, { cpu: "total" }),
    ),
    gauge(
      "container_fs_usage_bytes",
      "What a container has written to the disk.",
      samples(({ diskBytes }) => diskBytes),
    ),
    gauge("container_memory_usage_bytes", "Memory that a container takes, with what could be taken from it.", samples(memory)),
    gauge("container_memory_working_set_bytes", "Memory that a container takes.", samples(memory)),
    gauge("container_start_time_seconds", "When a container started, in seconds since 1970.", samples(startSeconds)),
    machine("machine_cpu_cores", "Cores of the machine.", quantityValue(capacity.cpu)),
    machine("machine_memory_bytes", "Memory of the machine.", quantityValue(capacity.memory)),
  ];
  return textOf(families, Math.round(atUs / 1000));
}

/** GET /stats/summary. */
export function statsSummary({ node, capacity }: Config, usage: CriUsageListed): object {
  const { atUs, containers, otherMemoryBytes, diskBytes } = usage;
  const time = rfc3339(atUs);
  const cpuOf = (own: readonly ContainerUsage[]) => ({
    time,
    usageNanoCores: Math.round(sum(own, ({ cpuUs, startedUs }) => (cpuUs * 1e9) / Math.max(1, atUs - startedUs))),
    usageCoreNanoSeconds: Math.round(sum(own, ({ cpuUs }) => cpuUs) * 1000),
  });
  const memoryOf = (bytes: number) => ({ time, usageBytes: bytes, workingSetBytes: bytes, rssBytes: bytes });
  const taken = sum(containers, memory) + otherMemoryBytes;
  const storage = quantityValue(capacity["ephemeral-storage"] ?? "100Gi");
  return {
    node: {
      nodeName: node,
      cpu: cpuOf(containers),
      memory: { ...memoryOf(taken), availableBytes: Math.max(0, quantityValue(capacity.memory) - taken) },
      fs: { time, capacityBytes: storage, usedBytes: diskBytes, availableBytes: Math.max(0, storage - diskBytes) },
    },
    pods: podsOf(containers).map((own) => ({
      podRef: { name: nameOf(own[0]!), namespace: namespaceOf(own[0]!), uid: own[0]!.podUid },
      startTime: rfc3339(Math.min(...own.map(({ startedUs }) => startedUs))),
      containers: own.map((one) => ({
        name: one.name,
        startTime: rfc3339(one.startedUs),
        cpu: cpuOf([one]),
        memory: memoryOf(one.memoryBytes),
        rootfs: { time, usedBytes: one.diskBytes },
      })),
      cpu: cpuOf(own),
      memory: memoryOf(sum(own, memory)),
    })),
  };
}

const cpuSeconds = ({ cpuUs }: ContainerUsage) => cpuUs / 1e6;
const memory = ({ memoryBytes }: ContainerUsage) => memoryBytes;
const startSeconds = ({ startedUs }: ContainerUsage) => startedUs / 1e6;
const namespaceOf = ({ pod }: ContainerUsage) => pod.slice(0, pod.indexOf("/"));
const nameOf = ({ pod }: ContainerUsage) => pod.slice(pod.indexOf("/") + 1);

function counter(name: string, help: string, samples: Family["samples"]): Family {
  return { name, type: "counter", help, samples, timed: true };
}

function gauge(name: string, help: string, samples: Family["samples"]): Family {
  return { name, type: "gauge", help, samples, timed: true };
}

function sum(containers: readonly ContainerUsage[], value: (one: ContainerUsage) => number): number {
  return containers.reduce((total, one) => total + value(one), 0);
}

/** The containers of each pod. */
function podsOf(containers: readonly ContainerUsage[]): readonly (readonly ContainerUsage[])[] {
  const pods = new Map<string, ContainerUsage[]>();
  for (const one of containers) pods.set(one.podUid, [...(pods.get(one.podUid) ?? []), one]);
  return [...pods.values()];
}

function textOf(families: readonly Family[], atMs: number): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples, timed }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(
        ([labels, value]) => `${metricLine(name, Object.keys(labels), Object.values(labels), value)}${timed ? ` ${atMs}` : ""}`,
      ),
    ]);
  return `${lines.join("\n")}\n`;
}

function rfc3339(us: number): string {
  return timestamp(Math.floor(us / 1000));
}
