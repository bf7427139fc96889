import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { type Counter, exponentialBuckets, type Gauge, type Histogram, metricsType, Registry } from "../metrics/registry";
import { admissionHelp } from "./admission/dynamic/counts";
import { AdmissionFigures } from "./admission/figures";
import { type AuthorizationFigures, newAuthorizationFigures } from "./authorization-chain";
import type { Exchange } from "./call";
import { ExpressionFigures } from "./cel/figures";
import { versionInfo } from "./discovery/version";
import { isLongRunning, isRead } from "./flow-control/long-running";
import { text } from "./health";
import { HealthFigures } from "./health-figures";
import { kindOfRequest, labelsOf, RequestFigures, verbOf } from "./request-figures";
import { sayGoodbye } from "./shutdown";
import type { Ctx, ServerState } from "./state";
import { StorageSizes } from "./storage/storage-sizes";

/** What an API server counts: kube-apiserver's own figures, under its names, with its labels and bounds. */
export interface ServerMetrics {
  readonly registry: Registry;
  readonly answers: RequestFigures;
  readonly watchEvents: Counter;
  readonly cacheEvents: Counter;
  readonly etcdDurations: Histogram;
  readonly etcdRequests: Counter;
  readonly etcdErrors: Counter;
  readonly authentications: Counter;
  readonly authorizations: Counter;
  readonly authorization: AuthorizationFigures;
  readonly terminatedWatchers: Counter;
  readonly auditEvents: Counter;
  readonly auditLevels: Counter;
  readonly auditErrors: Counter;
  readonly auditRejected: Counter;
  readonly webhookDurations: Histogram;
  readonly admission: AdmissionFigures;
  readonly expressions: ExpressionFigures;
  readonly storage: StorageSizes;
  readonly deprecated: Gauge;
  readonly health: HealthFigures;
  /** Requests under way, by kind, without those that go on for as long as somebody wants. */
  readonly inFlight: { readOnly: number; mutating: number };
  startedSeconds: number;
}

const seconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const requestLabels = ["group", "version", "resource", "subresource", "scope", "component"];

/** `state` is asked when somebody looks: it is made after its metrics. */
export function newMetrics(state: () => ServerState): ServerMetrics {
  const registry = new Registry();
  const metrics: ServerMetrics = {
    registry,
    answers: new RequestFigures({
      requests: registry.counter("apiserver_request_total", "Requests that were answered, by verb, dry run, resource, scope and code.", [
        "verb",
        "dry_run",
        ...requestLabels,
        "code",
      ]),
      durations: registry.histogram(
        "apiserver_request_duration_seconds",
        "How long requests took, by verb, dry run, resource and scope.",
        ["verb", "dry_run", ...requestLabels],
        seconds,
      ),
      sliDurations: registry.histogram(
        "apiserver_request_sli_duration_seconds",
        "How long requests took without the time that webhooks and queues took of it.",
        ["verb", ...requestLabels],
        seconds.slice(2),
      ),
      responseSizes: registry.histogram(
        "apiserver_response_sizes",
        "Bytes in the bodies of answers.",
        ["verb", ...requestLabels],
        exponentialBuckets(1000, 10, 7),
      ),
      terminations: registry.counter(
        "apiserver_request_terminations_total",
        "Requests that the server broke off or turned away to protect itself.",
        ["verb", ...requestLabels, "code"],
      ),
    }),
    watchEvents: registry.counter("apiserver_watch_events_total", "Events sent to watchers.", ["group", "version", "resource"]),
    cacheEvents: registry.counter("apiserver_watch_cache_events_received_total", "Changes that the watch caches took in.", [
      "group",
      "resource",
    ]),
    etcdDurations: registry.histogram(
      "etcd_request_duration_seconds",
      "How long requests to etcd took, by operation and resource.",
      ["operation", "group", "resource"],
      seconds,
    ),
    etcdRequests: registry.counter("etcd_requests_total", "Requests to etcd, by operation and resource.", [
      "operation",
      "group",
      "resource",
    ]),
    etcdErrors: registry.counter("etcd_request_errors_total", "Requests to etcd that failed.", ["operation", "group", "resource"]),
    authentications: registry.counter("authentication_attempts", "Credentials that were looked at, by what came of it.", ["result"]),
    authorizations: registry.counter("authorization_attempts_total", "Questions whether somebody may, by what came of it.", ["result"]),
    authorization: newAuthorizationFigures(registry),
    terminatedWatchers: registry.counter(
      "apiserver_terminated_watchers_total",
      "Watchers that were cut off because they did not keep up.",
      ["group", "resource"],
    ),
    webhookDurations: registry.histogram(
      "apiserver_admission_webhook_admission_duration_seconds",
      "How long admission webhooks took, by webhook, operation and outcome.",
      ["name", "type", "operation", "rejected"],
      [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
    ),
    admission: new AdmissionFigures(registry),
    expressions: new ExpressionFigures(registry),
    storage: new StorageSizes(registry),
    deprecated: registry.gauge("apiserver_requested_deprecated_apis", "Deprecated APIs that somebody has asked for.", [
      "group",
      "version",
      "resource",
      "subresource",
      "removed_release",
    ]),
    health: new HealthFigures(),
    auditEvents: registry.counter("apiserver_audit_event_total", "Events that were written to the audit log.", []),
    auditErrors: registry.counter("apiserver_audit_error_total", "Audit events that were lost, by who was to keep them.", ["plugin"]),
    auditRejected: registry.counter(
      "apiserver_audit_requests_rejected_total",
      "Requests that were refused because their beginning could not be kept in the audit log.",
    ),
    auditLevels: registry.counter("apiserver_audit_level_total", "Requests by the level at which the policy has them written.", ["level"]),
    inFlight: { readOnly: 0, mutating: 0 },
    startedSeconds: 0,
  };
  registry.computed("gauge", "apiserver_current_inflight_requests", "Requests under way, by kind.", ["request_kind"], () =>
    (["mutating", "readOnly"] as const).map((kind) => ({ labels: [kind], value: metrics.inFlight[kind] })),
  );
  for (const [name, help] of admissionHelp) registry.labelled("counter", name, help, () => state().admissions.get(name) ?? []);
  addStorageFigures(registry, state);
  addWatchFigures(registry, state);
  registry.computed("gauge", "process_start_time_seconds", "When this server started, in seconds since 1970.", [], () => [
    { labels: [], value: metrics.startedSeconds },
  ]);
  registry.computed(
    "gauge",
    "kubernetes_build_info",
    "The version that is emulated.",
    ["git_version", "major", "minor", "platform"],
    () => [{ labels: [versionInfo.gitVersion, versionInfo.major, versionInfo.minor, versionInfo.platform], value: 1 }],
  );
  return metrics;
}

function addStorageFigures(registry: Registry, state: () => ServerState): void {
  const caches = () => [...state().feed.caches.values()];
  const named = (value: (cache: ReturnType<typeof caches>[number]) => number) => () =>
    caches().map((cache) => ({ labels: [cache.resource.kind.group, cache.resource.kind.plural], value: value(cache) }));
  registry.computed("gauge", "apiserver_storage_objects", "Objects that are stored, by resource.", ["resource"], () =>
    caches().map((cache) => ({ labels: [cache.resource.name], value: cache.size })),
  );
  registry.computed(
    "gauge",
    "apiserver_resource_objects",
    "Objects that are stored, by group and resource.",
    ["group", "resource"],
    named((cache) => cache.size),
  );
  registry.computed(
    "gauge",
    "apiserver_watch_cache_resource_version",
    "The resourceVersion at which a watch cache stands.",
    ["group", "resource"],
    named(() => state().feed.revision),
  );
  registry.computed(
    "gauge",
    "apiserver_watch_cache_capacity",
    "Changes that a watch cache keeps at most.",
    ["group", "resource"],
    named(() => state().feed.windowSizeMax),
  );
}

function addWatchFigures(registry: Registry, state: () => ServerState): void {
  registry.computed(
    "gauge",
    "apiserver_longrunning_requests",
    "Watches that are open, logs that are followed, tunnels and other requests that go on, by verb and resource.",
    ["verb", ...requestLabels],
    () => {
      const { watchers, relays, served } = state();
      const relayed = new Map<string, { readonly labels: readonly string[]; value: number }>();
      for (const { request } of relays.values()) {
        const labels = [verbOf(request), ...labelsOf(kindOfRequest(served, request), request)];
        const counted = relayed.get(labels.join(" ")) ?? { labels, value: 0 };
        counted.value++;
        relayed.set(labels.join(" "), counted);
      }
      const watched = [...watchers.byResource]
        .filter(([, open]) => open.size > 0)
        .map(([name, open]) => {
          const kind = state().feed.caches.get(name)?.resource.kind;
          const { group = "", version = "", plural = name } = kind ?? {};
          return { labels: ["WATCH", group, version, plural, "", "cluster", "apiserver"], value: open.size };
        });
      return [...watched, ...relayed.values()];
    },
  );
}

/** GET /metrics. */
export function metrics({ metrics: { registry } }: ServerState): ApiResponse {
  return { ...text(200, registry.text()), contentType: metricsType };
}

/** GET /metrics/slis. */
export function healthMetrics({ metrics: { health } }: ServerState): ApiResponse {
  return { ...text(200, health.registry.text()), contentType: metricsType };
}

/** To be called for each request that comes: counts it, and its answer when it leaves. */
export function observe(state: ServerState, ctx: Ctx, request: ApiRequest, { onAnswer }: Exchange): void {
  const { metrics, served } = state;
  const arrivedUs = ctx.monotonicUs();
  const longRunning = isLongRunning(request);
  const kind = isRead(request) ? "readOnly" : "mutating";
  if (!longRunning) metrics.inFlight[kind]++;
  onAnswer.push((ctx, { code, body }) => {
    if (!longRunning) metrics.inFlight[kind]--;
    sayGoodbye(state, ctx);
    metrics.answers.answered(served, request, code, (ctx.monotonicUs() - arrivedUs) / 1e6, body.length);
  });
}
