/** What a kubelet's /metrics/resource says, and what follows from two looks at it. As metrics-server's pkg/storage. */

/** What something had taken at one moment. */
export interface Point {
  /** Milliseconds since 1970 by the node's clock. */
  readonly atMs: number;
  /** When it started; 0 of a node, which nobody says. */
  readonly startedMs: number;
  /** Core-seconds since then. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** One look at one node. */
export interface Scrape {
  readonly node: Point | undefined;
  /** By "namespace/pod", then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Point>>;
}

/** What something takes: over the time between two looks. */
export interface Usage {
  readonly atMs: number;
  readonly windowMs: number;
  readonly cpuNanos: number;
  readonly memoryBytes: number;
}

interface Sample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly atMs: number | undefined;
}

/** Reads the text of /metrics/resource. What is not known there is passed over. */
export function readScrape(text: string): Scrape {
  const families = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const read = /^([a-z_]+)(?:\{(.*)\})? (\S+)(?: (\d+))?$/.exec(line);
    if (!read) continue;
    const [, name = "", labels = "", value, atMs] = read;
    const sample = {
      labels: new Map([...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, label, is]) => [label!, is!] as const)),
      value: Number(value),
      atMs: atMs === undefined ? undefined : Number(atMs),
    };
    families.set(name, [...(families.get(name) ?? []), sample]);
  }
  const of = (name: string) => families.get(name) ?? [];
  const keyOf = ({ labels }: Sample) => `${labels.get("namespace")}/${labels.get("pod")} ${labels.get("container")}`;
  const memory = new Map(of("container_memory_working_set_bytes").map((sample) => [keyOf(sample), sample.value]));
  const started = new Map(of("container_start_time_seconds").map((sample) => [keyOf(sample), sample.value * 1000]));
  const pods = new Map<string, Map<string, Point>>();
  for (const sample of of("container_cpu_usage_seconds_total")) {
    const key = keyOf(sample);
    const [pod = "", container = ""] = key.split(" ");
    const memoryBytes = memory.get(key);
    if (memoryBytes === undefined || sample.atMs === undefined) continue;
    const point = { atMs: sample.atMs, startedMs: started.get(key) ?? 0, cpuSeconds: sample.value, memoryBytes };
    pods.set(pod, (pods.get(pod) ?? new Map<string, Point>()).set(container, point));
  }
  const [cpu] = of("node_cpu_usage_seconds_total");
  const [taken] = of("node_memory_working_set_bytes");
  const node =
    cpu?.atMs !== undefined && taken ? { atMs: cpu.atMs, startedMs: 0, cpuSeconds: cpu.value, memoryBytes: taken.value } : undefined;
  return { node, pods };
}

/** A container that is younger than a look apart, and older than this, is judged since its start. */
const freshMs = 10_000;

/**
 * What something takes, by the last look and the one before; undefined while that is not known: after the first look, and after a restart. One
 * that has just started is compared with its start.
 */
export function usageOf(last: Point, before: Point | undefined, resolutionMs: number): Usage | undefined {
  const age = last.atMs - last.startedMs;
  if (last.startedMs > 0 && age >= freshMs && age < resolutionMs)
    return usageBetween(last, { atMs: last.startedMs, startedMs: last.startedMs, cpuSeconds: 0, memoryBytes: 0 });
  if (!before || last.startedMs >= before.atMs) return undefined;
  return usageBetween(last, before);
}

function usageBetween(last: Point, before: Point): Usage | undefined {
  const windowMs = last.atMs - before.atMs;
  // A clock that was set back, or a counter that began anew.
  if (windowMs <= 0 || last.cpuSeconds < before.cpuSeconds) return undefined;
  const cpuNanos = Math.round(((last.cpuSeconds - before.cpuSeconds) * 1e12) / windowMs);
  return { atMs: last.atMs, windowMs, cpuNanos, memoryBytes: last.memoryBytes };
}
