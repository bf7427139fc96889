import type { Distribution, Registry, Tally } from "../../metrics/registry";
import { seatsOf } from "./fair-queues";
import type { FlowControl, FlowRequest, Refusal } from "./flow-control";
import type { Level } from "./levels";

/** What the requests of one schema in one level are counted in: each when there is something to count first, so that no line says nothing. */
interface FlowTallies {
  readonly labels: readonly string[];
  seats?: Distribution;
  watchers?: Distribution;
  queueLength?: Distribution;
  dispatched?: Tally;
  waited?: Distribution;
  readonly executed: { regular?: Distribution; watch?: Distribution };
}

/** apiserver_flowcontrol_*: names, labels and bounds are kube-apiserver's. */
export class FlowFigures {
  private readonly rejectedTotal;
  private readonly dispatchedTotal;
  private readonly queueLength;
  private readonly waited;
  private readonly executed;
  private readonly seats;
  private readonly watchers;
  private readonly droppedTotal;
  /** By level and the name of the schema: labels are put together once. */
  private readonly known = new WeakMap<Level, Map<string, FlowTallies>>();

  constructor(registry: Registry, flow: () => FlowControl) {
    const byFlow = ["priority_level", "flow_schema"] as const;
    const seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
    const name = (rest: string) => `apiserver_flowcontrol_${rest}`;
    this.rejectedTotal = registry.counter(name("rejected_requests_total"), "Requests that were turned away, by why.", [
      ...byFlow,
      "reason",
    ]);
    this.dispatchedTotal = registry.counter(name("dispatched_requests_total"), "Requests that were let run.", byFlow);
    this.queueLength = registry.histogram(
      name("request_queue_length_after_enqueue"),
      "The length of its queue as each request found it, itself included.",
      byFlow,
      [0, 10, 25, 50, 100, 250, 500, 1000],
    );
    this.waited = registry.histogram(
      name("request_wait_duration_seconds"),
      "How long requests waited in their queues.",
      [...byFlow, "execute"],
      seconds,
    );
    this.executed = registry.histogram(
      name("request_execution_seconds"),
      "How long requests ran; of watches only their beginning.",
      [...byFlow, "type"],
      seconds,
    );
    this.seats = registry.histogram(name("work_estimated_seats"), "Seats that requests were thought to take.", byFlow, [1, 2, 4, 10]);
    this.watchers = registry.histogram(
      name("watch_count_samples"),
      "Watchers that writes had to tell.",
      byFlow,
      [0, 1, 10, 100, 1000, 10000],
    );
    this.droppedTotal = registry.counter(
      "apiserver_dropped_requests_total",
      "Requests that were turned away because too many were in flight.",
      ["request_kind"],
    );
    const levels = () => [...flow().levels.byName.values()];
    const gauge = (rest: string, help: string, value: (level: ReturnType<typeof levels>[number]) => number) =>
      registry.computed("gauge", name(rest), help, ["priority_level"], () =>
        levels().map((level) => ({ labels: [level.name], value: value(level) })),
      );
    gauge("nominal_limit_seats", "Seats that a level has by its shares.", ({ limits }) => limits.nominal);
    gauge("lower_limit_seats", "Seats that a level has when it lends all that it may.", ({ limits }) => limits.min);
    gauge("upper_limit_seats", "Seats that a level has when it borrows all that it may.", ({ limits }) => limits.max);
    gauge("current_limit_seats", "Seats that a level has now.", ({ queues }) => queues.seatLimit);
    gauge("current_r", "Virtual time of a level's queues, in seconds.", ({ queues }) => queues.currentR / 1e6);
    const counts = (rest: string, help: string, count: (request: FlowRequest) => number) =>
      registry.computed("gauge", name(rest), help, byFlow, () => {
        const found = new Map<string, { readonly labels: readonly string[]; value: number }>();
        for (const request of flow().requests.values()) {
          const labels = labelsOf(request);
          const key = labels.join(" ");
          const sample = found.get(key) ?? { labels, value: 0 };
          sample.value += count(request);
          found.set(key, sample);
        }
        return [...found.values()];
      });
    counts("current_inqueue_requests", "Requests that wait in queues.", ({ startedUs }) => (startedUs === undefined ? 1 : 0));
    counts("current_executing_requests", "Requests that run.", ({ startedUs }) => (startedUs === undefined ? 0 : 1));
    counts("current_executing_seats", "Seats that are taken.", ({ startedUs, width }) => (startedUs === undefined ? 0 : seatsOf(width)));
  }

  estimated(request: FlowRequest, watchers: number): void {
    const tallies = this.talliesOf(request);
    (tallies.seats ??= this.seats.at(tallies.labels)).observe(seatsOf(request.width));
    if (writes.has(request.call.request.verb)) (tallies.watchers ??= this.watchers.at(tallies.labels)).observe(watchers);
  }

  enqueued(request: FlowRequest, length: number): void {
    const tallies = this.talliesOf(request);
    (tallies.queueLength ??= this.queueLength.at(tallies.labels)).observe(length);
  }

  dispatched(request: FlowRequest): void {
    const tallies = this.talliesOf(request);
    (tallies.dispatched ??= this.dispatchedTotal.at(tallies.labels)).add();
    if (request.level.exempt) return;
    const waitedUs = (request.startedUs ?? request.arrivedUs) - request.arrivedUs;
    (tallies.waited ??= this.waited.at([...tallies.labels, "true"])).observe(waitedUs / 1e6);
  }

  answered(request: FlowRequest, nowUs: number): void {
    const type = request.call.request.verb === "watch" ? "watch" : "regular";
    const { executed, labels } = this.talliesOf(request);
    (executed[type] ??= this.executed.at([...labels, type])).observe((nowUs - (request.startedUs ?? nowUs)) / 1e6);
  }

  private talliesOf(request: FlowRequest): FlowTallies {
    const { level, schema } = request;
    let ofLevel = this.known.get(level);
    if (ofLevel === undefined) this.known.set(level, (ofLevel = new Map()));
    let tallies = ofLevel.get(schema);
    if (tallies === undefined) ofLevel.set(schema, (tallies = { labels: labelsOf(request), executed: {} }));
    return tallies;
  }

  rejected(request: FlowRequest, reason: Refusal, nowUs: number): void {
    const labels = labelsOf(request);
    this.rejectedTotal.add([...labels, reason]);
    if (reason === "time-out") this.waited.observe([...labels, "false"], (nowUs - request.arrivedUs) / 1e6);
  }

  dropped(side: "reading" | "writing"): void {
    this.droppedTotal.add([side === "reading" ? "readOnly" : "mutating"]);
  }
}

const writes: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

function labelsOf({ level, schema }: FlowRequest): readonly string[] {
  return [level.name, schema];
}
