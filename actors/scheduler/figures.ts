import type { ComponentGetResponse } from "../../protocol/cluster";
import { answer, componentGet } from "../metrics/component";
import { type Counter, exponentialBuckets, type Histogram, metricsType, type Registry } from "../metrics/registry";
import { podResources } from "./pod-resources";
import type { QueuedPod } from "./queue";
import type { Stopwatch } from "./schedule";
import { type State, schedulerName } from "./state";

/** Those that Kubernetes asks once before they judge nodes; others here have nothing but their filter. */
const judgesAhead: ReadonlySet<string> = new Set([
  "NodeAffinity",
  "NodePorts",
  "NodeResourcesFit",
  "VolumeBinding",
  "PodTopologySpread",
  "InterPodAffinity",
]);

/** kube-scheduler's own figures, under its names, with its labels and bounds. Compared with kubernetes pkg/scheduler/metrics/metrics.go. */
export class SchedulerFigures {
  /** How attempts to schedule pods ended. */
  private readonly attempts: Counter;
  private readonly attemptDurations: Histogram;
  private readonly algorithmDurations: Histogram;
  private readonly podDurations: Histogram;
  private readonly podAttempts: Histogram;
  private readonly preemptions: Counter;
  private readonly victims: Histogram;
  private readonly points: Histogram;
  private readonly plugins: Histogram;
  private readonly incoming: Counter;

  constructor(registry: Registry) {
    const labels = ["profile", "result"];
    const durations = exponentialBuckets(0.001, 2, 15);
    this.attempts = registry.counter("scheduler_schedule_attempts_total", "Attempts to schedule pods, by how they ended.", labels);
    const attempt = "How long attempts to schedule took, with the binding.";
    this.attemptDurations = registry.histogram("scheduler_scheduling_attempt_duration_seconds", attempt, labels, durations);
    const algorithm = "How long it took to find a node.";
    this.algorithmDurations = registry.histogram("scheduler_scheduling_algorithm_duration_seconds", algorithm, [], durations);
    const pod = "From a pod's way into the queue to its binding, over all attempts.";
    const podBounds = exponentialBuckets(0.01, 2, 20);
    this.podDurations = registry.histogram("scheduler_pod_scheduling_sli_duration_seconds", pod, ["attempts"], podBounds);
    const attempts = "How many attempts it took to schedule a pod.";
    this.podAttempts = registry.histogram("scheduler_pod_scheduling_attempts", attempts, [], exponentialBuckets(1, 2, 5));
    this.preemptions = registry.counter("scheduler_preemption_attempts_total", "How often room was to be made for a pod.");
    const victims = "How many pods had to go for one.";
    this.victims = registry.histogram("scheduler_preemption_victims", victims, [], exponentialBuckets(1, 2, 7));
    const point = "How long all plug-ins of an extension point took.";
    const pointLabels = ["extension_point", "status", "profile"];
    const pointBounds = exponentialBuckets(0.0001, 2, 12);
    this.points = registry.histogram("scheduler_framework_extension_point_duration_seconds", point, pointLabels, pointBounds);
    const plugin = "How long one plug-in took at an extension point, of one attempt in ten.";
    const pluginLabels = ["plugin", "extension_point", "status"];
    this.plugins = registry.histogram(
      "scheduler_plugin_execution_duration_seconds",
      plugin,
      pluginLabels,
      exponentialBuckets(0.00001, 1.5, 20),
    );
    const incoming = "Pods that came into a queue, by why.";
    this.incoming = registry.counter("scheduler_queue_incoming_pods_total", incoming, ["queue", "event"]);
  }

  /** A node was found, or none. Times are monotonic milliseconds. */
  searched(begunMs: number, nowMs: number): void {
    this.algorithmDurations.observe([], (nowMs - begunMs) / 1000);
  }

  /** An attempt has come to its end. */
  attempted(result: "scheduled" | "unschedulable" | "error", begunMs: number, nowMs: number): void {
    this.attempts.add([schedulerName, result]);
    this.attemptDurations.observe([schedulerName, result], (nowMs - begunMs) / 1000);
  }

  /** A pod has its node. Fifteen attempts and more are counted together, as there. */
  scheduled({ attempts, firstMs }: QueuedPod, nowMs: number): void {
    this.podDurations.observe([attempts > 15 ? "16+" : String(attempts)], (nowMs - firstMs) / 1000);
    this.podAttempts.observe([], attempts);
  }

  /** What tells of one attempt; `closely` where single plug-ins are to be told of too. */
  stopwatch(nowUs: () => number, closely: boolean): Stopwatch {
    const point = (name: string, status: string, tookUs: number) => this.points.observe([name, status, schedulerName], tookUs / 1e6);
    if (!closely) return { nowUs, point };
    return {
      nowUs,
      point,
      plugin: (plugin, extensionPoint, status, tookUs) => {
        if (extensionPoint === "PreFilter" && !judgesAhead.has(plugin)) return;
        this.plugins.observe([plugin, extensionPoint, status], tookUs / 1e6);
      },
    };
  }

  /** The API has answered a binding. */
  bound(ok: boolean, askedMs: number, nowMs: number): void {
    this.points.observe(["Bind", ok ? "Success" : "Error", schedulerName], (nowMs - askedMs) / 1000);
  }

  /** A pod has come into a queue because of that. */
  queued(queue: string, event: string): void {
    this.incoming.add([queue, event]);
  }

  /** Room was to be made: for how many pods, if any have to go. */
  preempted(victims: number | undefined): void {
    this.preemptions.add();
    if (victims !== undefined) this.victims.observe([], victims);
  }
}

/** What a scheduler answers at its own address; at /metrics/resources what the pods of the cluster ask for. */
export function schedulerGet({ client, informers }: State, path: string, nowMs: number): ComponentGetResponse {
  if (path.split("?")[0] !== "/metrics/resources") return componentGet(path, () => client.figures.text(nowMs));
  return answer(200, metricsType, podResources([...informers.pods.store.list()]));
}

/** What is there when somebody asks: pods that wait, by where in the queue, and what is in the cache. To be called once, when the state is made. */
export function countPending({ queue, cache, client: { figures } }: State): void {
  const waiting = "Pods that wait: to be tried, for their back-off, for an event that helps, or for their gates.";
  figures.registry.computed("gauge", "scheduler_pending_pods", waiting, ["queue"], () => {
    const counts = queue.counts();
    return (["active", "backoff", "unschedulable", "gated"] as const).map((place) => ({ labels: [place], value: counts[place] }));
  });
  const rejected = "Pods that wait, by the plug-ins that turned them down last.";
  figures.registry.computed("gauge", "scheduler_unschedulable_pods", rejected, ["plugin", "profile"], () =>
    [...queue.rejections()].map(([plugin, value]) => ({ labels: [plugin, schedulerName], value })),
  );
  figures.registry.computed("gauge", "scheduler_cache_size", "Nodes, pods and assumed pods in the cache.", ["type"], () => [
    { labels: ["assumed_pods"], value: cache.assumedCount },
    { labels: ["nodes"], value: cache.nodes.length },
    { labels: ["pods"], value: cache.podCount },
  ]);
}
