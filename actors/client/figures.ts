import { type Counter, exponentialBuckets, Gauge, Histogram, Registry } from "../metrics/registry";
import type { Measure } from "./measures";

/** What a client of the API counts, and its work queues and elections: client-go's own figures, under its names. */
export class ClientFigures {
  readonly registry = new Registry();
  /** Watches are not counted: they are not answered once. */
  readonly requests: Counter;
  readonly adds: Counter;
  readonly retries: Counter;
  readonly queueDurations: Histogram;
  readonly workDurations: Histogram;
  /** The work queues by name: how many keys are in line, and since when each of those that are worked on is, in monotonic ms. */
  readonly queues = new Map<string, { readonly length: () => number; readonly begun: () => Iterable<number> }>();
  /** Whether this candidate leads, by Lease. */
  readonly leads = new Map<string, () => boolean>();
  private readonly measures = new Map<string, Counter | Histogram>();
  /** When somebody asks for the text, in monotonic ms. */
  private askedMs = 0;

  constructor() {
    const { registry } = this;
    this.requests = registry.counter("rest_client_requests_total", "Requests to the API, by what came of them.", [
      "code",
      "host",
      "method",
    ]);
    this.adds = registry.counter("workqueue_adds_total", "Keys that came into line.", ["name"]);
    this.retries = registry.counter("workqueue_retries_total", "Keys that were put off after a failure.", ["name"]);
    registry.computed("gauge", "workqueue_depth", "Keys in line.", ["name"], () =>
      [...this.queues].map(([name, { length }]) => ({ labels: [name], value: length() })),
    );
    const durations = exponentialBuckets(1e-6, 10, 10);
    this.queueDurations = registry.histogram("workqueue_queue_duration_seconds", "How long keys were in line.", ["name"], durations);
    this.workDurations = registry.histogram("workqueue_work_duration_seconds", "How long keys were worked on.", ["name"], durations);
    const underWay = (seconds: (each: readonly number[]) => number) => () =>
      [...this.queues].map(([name, { begun }]) => ({
        labels: [name],
        value: seconds([...begun()].map((begunMs) => (this.askedMs - begunMs) / 1000)),
      }));
    const all = underWay((each) => each.reduce((sum, one) => sum + one, 0));
    registry.computed("gauge", "workqueue_unfinished_work_seconds", "How long what is worked on has been, all together.", ["name"], all);
    const longest = underWay((each) => Math.max(0, ...each));
    registry.computed("gauge", "workqueue_longest_running_processor_seconds", "How long the longest has been.", ["name"], longest);
    registry.computed("gauge", "leader_election_master_status", "1 for the one who leads, 0 for those who stand by.", ["name"], () =>
      [...this.leads].map(([name, leads]) => ({ labels: [name], value: leads() ? 1 : 0 })),
    );
  }

  /** Something happened of which a controller keeps a family. */
  measured({ family, labels, value, isGone }: Measure): void {
    const { name, help, labels: names, bounds, isGauge } = family;
    let known = this.measures.get(name);
    if (known === undefined) {
      known = bounds
        ? this.registry.histogram(name, help, names, bounds)
        : isGauge
          ? this.registry.gauge(name, help, names)
          : this.registry.counter(name, help, names);
      this.measures.set(name, known);
    }
    if (known instanceof Histogram) known.observe(labels, value);
    else if (known instanceof Gauge) isGone ? known.forget(labels) : known.set(labels, value);
    else known.add(labels, value);
  }

  /** All figures, as they are at that moment of the monotonic clock. */
  text(nowMs: number): string {
    this.askedMs = nowMs;
    return this.registry.text();
  }
}
