import { type Counter, Registry } from "../metrics/registry";

/** What a client of the API counts, and its work queues and elections: client-go's own figures, under its names. */
export class ClientFigures {
  readonly registry = new Registry();
  /** Watches are not counted: they are not answered once. */
  readonly requests: Counter;
  readonly adds: Counter;
  readonly retries: Counter;
  /** How many keys are in line, by queue. */
  readonly depths = new Map<string, () => number>();
  /** Whether this candidate leads, by Lease. */
  readonly leads = new Map<string, () => boolean>();

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
      [...this.depths].map(([name, length]) => ({ labels: [name], value: length() })),
    );
    registry.computed("gauge", "leader_election_master_status", "1 for the one who leads, 0 for those who stand by.", ["name"], () =>
      [...this.leads].map(([name, leads]) => ({ labels: [name], value: leads() ? 1 : 0 })),
    );
  }
}
