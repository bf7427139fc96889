import type { Address } from "../../protocol/address";

/** What a live host's disk suffers. Files hold somebody's data: nothing here damages them. */
export interface LiveDiskTrouble {
  /** A sync takes this many times as long; Infinity stalls it. */
  readonly slowdown: number;
  readonly full: boolean;
  readonly errorProbability: number;
}

/**
 * All that faults have made of one live host, as a whole: to bring a host into a condition twice is the same as once, and a healthy one undoes everything.
 * So whoever loses sight of a fault's controller knows how to heal.
 */
export interface HostCondition {
  readonly down: boolean;
  /** Of one that is down: its peers are not told, as when a machine loses power. */
  readonly silent: boolean;
  readonly paused: boolean;
  /** Everything on it takes this many times as long. */
  readonly slowdown: number;
  /** How far its wall clock is off. */
  readonly clockOffsetUs: number;
  readonly clockDriftPpm: number;
  readonly disk: LiveDiskTrouble;
  /** Actors that are kept from starting. */
  readonly kept: readonly Address[];
}

export const healthyLiveDisk: LiveDiskTrouble = { slowdown: 1, full: false, errorProbability: 0 };

export const healthyHost: HostCondition = {
  down: false,
  silent: false,
  paused: false,
  slowdown: 1,
  clockOffsetUs: 0,
  clockDriftPpm: 0,
  disk: healthyLiveDisk,
  kept: [],
};

/** What a host's disk has been through. */
export interface LiveDiskCounts {
  syncs: number;
  failedWrites: number;
}
