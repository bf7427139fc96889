import { type Counter, exponentialBuckets, type Histogram, type Registry } from "../metrics/registry";

/** kube-proxy's own figures, under its names. Compared with kubernetes pkg/proxy/metrics/metrics.go; those of iptables and nftables have no place here. */
export class ProxyFigures {
  private readonly durations: Histogram;
  private readonly services: Counter;
  private readonly endpoints: Counter;
  private pending = { services: 0, endpoints: 0 };
  private queuedSeconds = 0;
  private syncedSeconds = 0;

  constructor(registry: Registry) {
    const name = (rest: string) => `kubeproxy_sync_proxy_rules_${rest}`;
    const gauge = (rest: string, help: string, value: () => number) =>
      registry.computed("gauge", name(rest), help, [], () => [{ labels: [], value: value() }]);
    const duration = "From the first change to the table in which it is.";
    this.durations = registry.histogram(name("duration_seconds"), duration, [], exponentialBuckets(0.001, 2, 15));
    this.services = registry.counter(name("service_changes_total"), "Changes of Services.");
    this.endpoints = registry.counter(name("endpoint_changes_total"), "Changes of EndpointSlices.");
    gauge("service_changes_pending", "Changes of Services that are in no table yet.", () => this.pending.services);
    gauge("endpoint_changes_pending", "Changes of EndpointSlices that are in no table yet.", () => this.pending.endpoints);
    gauge("last_queued_timestamp_seconds", "When the table was last to be made anew, in seconds since 1970.", () => this.queuedSeconds);
    gauge("last_timestamp_seconds", "When it last was, in seconds since 1970.", () => this.syncedSeconds);
  }

  changed(what: "services" | "endpoints"): void {
    this[what].add();
    this.pending[what]++;
  }

  queued(wallUs: number): void {
    this.queuedSeconds = wallUs / 1e6;
  }

  /** A table is in force; it was to be made `tookMs` ago. */
  synced(wallUs: number, tookMs: number): void {
    this.syncedSeconds = wallUs / 1e6;
    this.pending = { services: 0, endpoints: 0 };
    this.durations.observe([], tookMs / 1000);
  }
}
