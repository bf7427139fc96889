import type { Address } from "../../protocol/address";

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
