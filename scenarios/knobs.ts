import { knobOfPlugin, pluginDefaults, pluginNames } from "../actors/api-server/admission/plugin-names";
import { parseDurationMs } from "../protocol/kinds/duration";

/** A setting of a component under the name of the real component's flag or configuration field, with the real default. */
export interface Knob {
  /** "etcd.heartbeat-interval": the component, a dot, and the flag's name. */
  readonly name: string;
  /** Durations are written as "30s"; actors take them in these units. */
  readonly unit: "milliseconds" | "seconds" | "number" | "flag";
  /** As it would be written. */
  readonly default: string;
  readonly what: string;
}

function of(
  component: string,
  ...knobs: readonly (readonly [name: string, unit: Knob["unit"], standard: string, what: string])[]
): readonly Knob[] {
  return knobs.map(([name, unit, standard, what]) => ({ name: `${component}.${name}`, unit, default: standard, what }));
}

/** What every candidate for a Lease can be told. */
function leaderElection(component: string): readonly Knob[] {
  return of(
    component,
    ["leader-elect-lease-duration", "milliseconds", "15s", "how long others wait for a leader that does not renew"],
    ["leader-elect-renew-deadline", "milliseconds", "10s", "how long a leader goes on without having renewed"],
    ["leader-elect-retry-period", "milliseconds", "2s", "the time between tries to take or renew the Lease"],
  );
}

/** Admission plug-ins that are turned on and off: what enable-admission-plugins and disable-admission-plugins list. */
const admissionPlugins = of(
  "kube-apiserver",
  ...pluginNames.map((name) => {
    const is = pluginDefaults[name] ? "on unless this is false" : "off unless this is true";
    return [knobOfPlugin(name), "flag", String(pluginDefaults[name]), `the admission plug-in ${name}, ${is}`] as const;
  }),
);

/** Every knob of every component, in the order in which a request meets the components. */
export const knobs: readonly Knob[] = [
  ...of(
    "kube-apiserver",
    ["request-timeout", "milliseconds", "60s", "the longest that a request other than a watch may take"],
    ["min-request-timeout", "milliseconds", "30m", "a watch ends after this long, or up to twice as long"],
    [
      "enable-priority-and-fairness",
      "flag",
      "true",
      "requests get seats by FlowSchemas; false: the two limits below are held as they stand",
    ],
    ["max-requests-inflight", "number", "400", "reading requests at once; with the next one the number of seats"],
    ["max-mutating-requests-inflight", "number", "200", "writing requests at once"],
    ["shutdown-delay-duration", "milliseconds", "0", "how long a server that was told to stop serves on while others hear of it"],
    ["goaway-chance", "number", "0", "how often an HTTP/2 client is told to connect anew, so that clients spread over servers; live only"],
    ["event-ttl", "milliseconds", "1h", "how long Events are kept"],
    ["etcd-compaction-interval", "milliseconds", "5m", "how often old revisions are compacted; 0 turns it off"],
    ["etcd-read-timeout", "milliseconds", "3s", "how long one member is waited for before a read goes to the next"],
    ["etcd-write-timeout", "milliseconds", "7s", "how long a write waits for etcd before its outcome counts as unknown"],
    ["etcd-sync-interval", "milliseconds", "10s", "how often an API server asks etcd who its members are; 0 for never"],
    ["default-watch-cache-size", "number", "1000", "recent changes of each resource that are kept for watches from the past"],
    ["freshness-timeout", "milliseconds", "3s", "how long a read waits for the cache to come to the revision it asks for"],
    ["bookmark-interval", "milliseconds", "60s", "the time between bookmarks on a quiet watch"],
    ["endpoint-reconcile-interval", "milliseconds", "10s", "how often an API server confirms that it lives"],
    ["service-node-port-first", "number", "30000", "the first port for Services of type NodePort"],
    ["service-node-port-last", "number", "32767", "the last port for Services of type NodePort"],
    [
      "default-not-ready-toleration-seconds",
      "number",
      "300",
      "how long pods that say nothing stay on a node that is not ready, in seconds",
    ],
    ["default-unreachable-toleration-seconds", "number", "300", "the same for a node that is out of reach"],
    ["service-account-max-token-expiration", "milliseconds", "8760h", "the longest life of a service account's token"],
  ),
  ...admissionPlugins,
  ...of(
    "etcd",
    ["heartbeat-interval", "milliseconds", "100ms", "the time between a leader's heartbeats"],
    ["election-timeout", "milliseconds", "1s", "how long a follower waits for its leader; at least five heartbeats"],
    ["snapshot-count", "number", "10000", "applied entries that make the next snapshot due"],
    ["snapshot-catchup-entries", "number", "5000", "entries that stay in the log behind a snapshot for slow followers"],
    ["pre-vote", "flag", "true", "ask before an election whether it could be won"],
    ["max-request-bytes", "number", "1572864", "the largest request"],
    ["max-txn-ops", "number", "128", "the most operations in a transaction"],
    ["quota-backend-bytes", "number", "2147483648", "the size of the store beyond which writes are refused"],
    ["watch-progress-notify-interval", "milliseconds", "10m", "the time between progress notifications on a quiet watch"],
    ["corrupt-check-time", "milliseconds", "0", "how often the leader compares the members' stores; 0 means never"],
    ["lease-checkpoint-interval", "milliseconds", "5m", "how often the remaining time of leases is replicated"],
    [
      "max-size-per-msg",
      "number",
      "1048576",
      "bytes of entries in one append, a constant of etcd; small, followers get the log bit by bit",
    ],
    ["watch-batch-max-revs", "number", "1000", "changes that a watcher who is behind is told of at a time, a constant of etcd"],
  ),
  ...of(
    "kube-controller-manager",
    ["cluster-signing-duration", "milliseconds", "8760h", "the longest life of a certificate that the signers issue"],
    [
      "legacy-service-account-token-clean-up-period",
      "milliseconds",
      "8760h",
      "how long a token that its account lists may go unused until it is no longer believed",
    ],
    ["node-monitor-period", "milliseconds", "5s", "how often the health of nodes is looked at"],
    ["node-monitor-grace-period", "milliseconds", "50s", "how long a node may be silent before it is NotReady"],
    ["node-startup-grace-period", "milliseconds", "60s", "the same for a node that has not posted a status yet"],
    ["node-eviction-rate", "number", "0.1", "nodes a second that are tainted NoExecute in a healthy zone"],
    ["secondary-node-eviction-rate", "number", "0.01", "the same in a zone where many nodes are lost"],
    ["unhealthy-zone-threshold", "number", "0.55", "the share of lost nodes from which a zone counts as unhealthy"],
    ["large-cluster-size-threshold", "number", "50", "nodes up to which evictions stop in an unhealthy zone"],
    ["terminated-pod-gc-threshold", "number", "12500", "finished pods that are kept"],
    ["max-endpoints-per-slice", "number", "100", "endpoints in one EndpointSlice"],
    ["kube-api-qps", "number", "20", "requests a second that each controller may make in the long run"],
    ["kube-api-burst", "number", "30", "requests that each controller may make at once"],
  ),
  ...leaderElection("kube-controller-manager"),
  ...of(
    "kube-scheduler",
    ["pod-initial-backoff-seconds", "number", "1", "the first back-off of a pod that could not be scheduled"],
    ["pod-max-backoff-seconds", "number", "10", "the longest back-off"],
    [
      "pod-max-in-unschedulable-pods-duration",
      "seconds",
      "5m",
      "how long an unschedulable pod waits without any event before it is tried again",
    ],
  ),
  ...leaderElection("kube-scheduler"),
  ...of(
    "operator",
    ["kube-api-qps", "number", "20", "requests a second that each controller of your own may make in the long run"],
    ["kube-api-burst", "number", "30", "requests that it may make at once"],
  ),
  ...leaderElection("operator"),
  ...of(
    "kubelet",
    ["node-status-update-frequency", "seconds", "10s", "how often the node's status is computed and its lease renewed"],
    ["node-status-report-frequency", "seconds", "5m", "how often an unchanged status is reported all the same"],
    ["node-lease-duration-seconds", "number", "40", "the duration of the node's lease"],
    ["container-back-off-initial", "seconds", "10s", "the first back-off of a container that crashes"],
    ["max-container-restart-period", "seconds", "5m", "the longest back-off"],
    [
      "eviction-pressure-transition-period",
      "seconds",
      "5m",
      "how long a node counts as under pressure after it was last short of memory or disk",
    ],
    ["eviction-soft-memory-available", "number", "0", "Mi of memory below which pods are evicted after a grace period; 0 means none"],
    [
      "eviction-soft-nodefs-available",
      "number",
      "0",
      "percent of the disk below which pods are evicted after a grace period; 0 means none",
    ],
    ["eviction-soft-grace-period", "seconds", "1m30s", "how long a node may be below a soft threshold before pods are evicted"],
    ["eviction-max-pod-grace-period", "seconds", "0s", "the longest that a pod gets to end when a soft threshold was crossed"],
  ),
];

export function knobNamed(name: string): Knob | undefined {
  return knobs.find((knob) => knob.name === name);
}

/** What a knob's text or number means in its unit; undefined with what was expected where it means nothing. */
export function readKnob(knob: Knob, value: unknown): { readonly value: number | boolean } | { readonly expected: string } {
  switch (knob.unit) {
    case "flag":
      return typeof value === "boolean" ? { value } : { expected: "true or false" };
    case "number":
      return typeof value === "number" && value >= 0 ? { value } : { expected: "a number, 0 or more" };
    default: {
      const ms = parseDurationMs(String(value));
      if (ms === undefined || ms < 0) return { expected: 'a duration such as "30s"' };
      return { value: knob.unit === "seconds" ? ms / 1000 : ms };
    }
  }
}

/** A knob's value as it would be written in a file, from the units that actors take. */
export function knobText(name: string, value: number | boolean): number | boolean | string {
  switch (knobNamed(name)?.unit) {
    case "milliseconds":
      return `${value}ms`;
    case "seconds":
      return `${value}s`;
    default:
      return value;
  }
}
