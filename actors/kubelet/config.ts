import type { Address } from "../../protocol/address";
import type { SoftEviction } from "./eviction";

export interface KubeletConfig {
  /** The Node's name, and the name of the actors of this node. */
  readonly node: string;
  /** "" where there are no zones. */
  readonly zone: string;
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly capacity: {
    readonly cpu: string | number;
    readonly memory: string | number;
    readonly pods: string | number;
    readonly "ephemeral-storage"?: string | number;
  };
  readonly internalIp: string;
  /** Flags by their names, with plain numbers; times in seconds. */
  readonly knobs?: Readonly<Record<string, number>>;
}

/** What the flags say, in milliseconds. */
export interface KubeletTimes {
  readonly statusUpdateMs: number;
  readonly statusReportMs: number;
  readonly leaseDurationSeconds: number;
  readonly backOffInitialMs: number;
  readonly backOffMaxMs: number;
  readonly pressureTransitionMs: number;
}

/**
 * The soft thresholds, none where not given: eviction-soft-memory-available in Mi, eviction-soft-nodefs-available in percent, eviction-soft-grace-period 90 and
 * eviction-max-pod-grace-period 0 in seconds. The kubelet takes the first three as eviction-soft and eviction-soft-grace-period, a list by signal.
 */
export function softEvictionOf(knobs: Readonly<Record<string, number>> = {}): SoftEviction {
  return {
    memoryBytes: (knobs["eviction-soft-memory-available"] ?? 0) * 2 ** 20,
    diskPart: (knobs["eviction-soft-nodefs-available"] ?? 0) / 100,
    graceMs: (knobs["eviction-soft-grace-period"] ?? 90) * 1000,
    maxPodGraceMs: (knobs["eviction-max-pod-grace-period"] ?? 0) * 1000,
  };
}

/**
 * node-status-update-frequency 10, node-status-report-frequency 300, node-lease-duration-seconds 40 (renewed every quarter of it), and the back-off of
 * crashing containers and failing pulls: container-back-off-initial 10, max-container-restart-period 300. How long a node stays under pressure after it was
 * last short: eviction-pressure-transition-period 300.
 */
export function kubeletTimes(knobs: Readonly<Record<string, number>> = {}): KubeletTimes {
  return {
    statusUpdateMs: (knobs["node-status-update-frequency"] ?? 10) * 1000,
    statusReportMs: (knobs["node-status-report-frequency"] ?? 300) * 1000,
    leaseDurationSeconds: knobs["node-lease-duration-seconds"] ?? 40,
    backOffInitialMs: (knobs["container-back-off-initial"] ?? 10) * 1000,
    backOffMaxMs: (knobs["max-container-restart-period"] ?? 300) * 1000,
    pressureTransitionMs: (knobs["eviction-pressure-transition-period"] ?? 300) * 1000,
  };
}
