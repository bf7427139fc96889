import { Registry } from "../metrics/registry";

/** What health checks said, for /metrics/slis. Compared with kubernetes component-base/metrics/prometheus/slis. */
export class HealthFigures {
  readonly registry = new Registry();
  private readonly last = this.registry.gauge("kubernetes_healthcheck", "What a health check said last: 1 where it passed.", [
    "name",
    "type",
  ]);
  private readonly all = this.registry.counter("kubernetes_healthchecks_total", "Health checks, by what they said.", [
    "name",
    "type",
    "status",
  ]);

  /** `endpoint` is "livez", "readyz" or "healthz". */
  checked(name: string, endpoint: string, passes: boolean): void {
    this.last.set([name, endpoint], passes ? 1 : 0);
    this.all.add([name, endpoint, passes ? "success" : "error"]);
  }
}
