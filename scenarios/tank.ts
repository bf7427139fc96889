import type { Address, HostName } from "../protocol/address";
import type { WireRule } from "../runtime/rules";
import type { HostFacts } from "./target";

/** What a disk suffers; as in the simulated disk. */
export interface DiskTrouble {
  /** A sync takes this many times as long; Infinity stalls it. */
  readonly slowdown: number;
  readonly full: boolean;
  readonly errorProbability: number;
}

export const healthyDisk: DiskTrouble = { slowdown: 1, full: false, errorProbability: 0 };

/** The world as faults see it: everything that can be done to a cluster, simulated or live, and all of it can be undone. */
export interface Tank {
  readonly zones: readonly string[];
  hosts(): readonly HostFacts[];
  actorsOn(host: HostName): readonly Address[];
  addRule(rule: WireRule): void;
  removeRule(id: string): void;
  /** Kills a host; silently means that its peers find out by their own time-outs only. */
  crashHost(host: HostName, silent: boolean): void;
  startHost(host: HostName): void;
  crashActor(actor: Address): void;
  pauseHost(host: HostName): void;
  resumeHost(host: HostName): void;
  /** Everything on the host takes this many times as long. */
  slowHost(host: HostName, factor: number): void;
  jumpClock(host: HostName, byUs: number): void;
  driftClock(host: HostName, ppm: number): void;
  correctClock(host: HostName): void;
  troubleDisk(host: HostName, trouble: DiskTrouble): void;
  wipeDisk(host: HostName): void;
  /** Failed and lost writes of a host's disk so far. */
  diskCounts(host: HostName): { readonly lostWrites: number; readonly failedWrites: number; readonly syncs: number };
  /** How many packets the rule of that id has done something to; the proof that it took effect. */
  packetsHitBy(rule: string): number;
}
