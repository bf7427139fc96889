import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type Gauge, Registry } from "../metrics/registry";
import { podLimits, podRequests, type ResourceAmounts } from "./resource-amounts";

const labels = ["namespace", "pod", "node", "scheduler", "priority", "resource", "unit"];

/** What pods that are not over ask for and may take, as text of /metrics/resources. Compared with kubernetes pkg/scheduler/metrics/resources. */
export function podResources(pods: readonly Stored<Pod>[]): string {
  const registry = new Registry();
  const requests = registry.gauge(
    "kube_pod_resource_request",
    "What pods ask for, by resource, as scheduler and kubelet count it.",
    labels,
  );
  const limits = registry.gauge("kube_pod_resource_limit", "What pods may take, by resource, as scheduler and kubelet count it.", labels);
  for (const pod of pods) {
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") continue;
    const { metadata, spec } = pod;
    const own = [metadata.namespace ?? "", metadata.name, spec?.nodeName ?? "", spec?.schedulerName ?? "", String(spec?.priority ?? "")];
    add(requests, own, podRequests(pod));
    add(limits, own, podLimits(pod));
  }
  return registry.text();
}

function add(gauge: Gauge, own: readonly string[], { milliCpu, memory, ephemeralStorage, extended }: ResourceAmounts): void {
  const all: readonly (readonly [resource: string, unit: string, value: number])[] = [
    ["cpu", "cores", milliCpu / 1000],
    ["memory", "bytes", memory],
    ["ephemeral-storage", "bytes", ephemeralStorage],
    ...[...extended].map(([name, value]) => [name, name.startsWith("hugepages-") ? "bytes" : "integer", value] as const),
  ];
  for (const [resource, unit, value] of all) if (value !== 0) gauge.set([...own, resource, unit], value);
}
