/** What can be set, under the names of kube-controller-manager's flags and with their defaults. */
export interface ControllerManagerKnob {
  readonly name: string;
  /** Durations are handed over in milliseconds. */
  readonly unit: "duration" | "number";
  /** As it would be written. */
  readonly default: string;
  readonly what: string;
}

export const controllerManagerKnobs: readonly ControllerManagerKnob[] = [
  {
    name: "leader-elect-lease-duration",
    unit: "duration",
    default: "15s",
    what: "how long the others wait for a holder that does not renew",
  },
  { name: "leader-elect-renew-deadline", unit: "duration", default: "10s", what: "how long a holder acts without having renewed" },
  { name: "leader-elect-retry-period", unit: "duration", default: "2s", what: "the time between tries to take or renew the Lease" },
  { name: "node-monitor-period", unit: "duration", default: "5s", what: "the time between looks at the nodes" },
  { name: "node-monitor-grace-period", unit: "duration", default: "50s", what: "how long a node may be silent before it is Unknown" },
  { name: "node-startup-grace-period", unit: "duration", default: "60s", what: "the same for a node that never posted a status" },
  { name: "node-eviction-rate", unit: "number", default: "0.1", what: "nodes emptied per second in a healthy zone" },
  {
    name: "secondary-node-eviction-rate",
    unit: "number",
    default: "0.01",
    what: "nodes emptied per second in a large zone that is unhealthy",
  },
  { name: "unhealthy-zone-threshold", unit: "number", default: "0.55", what: "the share of lost nodes that makes a zone unhealthy" },
  { name: "large-cluster-size-threshold", unit: "number", default: "50", what: "above so many nodes a zone is large" },
  { name: "terminated-pod-gc-threshold", unit: "number", default: "12500", what: "so many ended pods are kept" },
  { name: "max-endpoints-per-slice", unit: "number", default: "100", what: "the most endpoints in an EndpointSlice" },
];
