import type { Store } from "../actors/etcd/store/store";
import type { Address, HostName } from "../protocol/address";
import type { Message } from "../protocol/codec";
import type { Stored } from "../protocol/kinds/object";
import type { Answer, DiskOperation } from "../runtime/actor";
import type { Gate, Interposer } from "../runtime/interposer";
import type { WireRule } from "../runtime/rules";
import type { Cancel } from "../runtime/world";
import type { Fault, Ongoing, Params } from "./faults/fault";
import type { HostFacts } from "./target";

/** What a disk suffers; as in the simulated disk. */
export interface DiskTrouble {
  /** A sync takes this many times as long; Infinity stalls it. */
  readonly slowdown: number;
  readonly full: boolean;
  readonly errorProbability: number;
  /** Chance that of the writes under way at a crash a part reached the disk. */
  readonly tornProbability: number;
  /** Chance that a record is stored with a wrong bit. */
  readonly corruptProbability: number;
  /** Chance that a record is stored over another one. */
  readonly misdirectProbability: number;
}

export const healthyDisk: DiskTrouble = {
  slowdown: 1,
  full: false,
  errorProbability: 0,
  tornProbability: 0.5,
  corruptProbability: 0,
  misdirectProbability: 0,
};

/** What has happened to a disk so far. */
export interface DiskCounts {
  readonly syncs: number;
  readonly lostWrites: number;
  readonly tornWrites: number;
  readonly failedWrites: number;
  readonly corruptedWrites: number;
  readonly misdirectedWrites: number;
}

/** What a world cannot do or suffer; the message says why. A step that wants it counts for nothing, and its run is violated. */
export class Impossible extends Error {}

/** It would be possible in the process where the host lives, into which whoever wants it does not reach. */
export class OutOfReach extends Impossible {}

/**
 * The world as faults see it: everything that can be done to a cluster, simulated or live, and all of it can be undone. Every call returns at once; what
 * takes time goes on with `after` and `ask`, whose callbacks come outside of all turns of actors.
 */
export interface Tank {
  readonly zones: readonly string[];
  hosts(): readonly HostFacts[];
  /** The actors that run on a host now. */
  actorsOn(host: HostName): readonly Address[];
  /** The actors that start with a host, whether it is up or not. */
  residentsOf(host: HostName): readonly Address[];
  /** Where an actor lives; undefined where there is none of that name. */
  hostOf(actor: Address): HostName | undefined;
  /** The API objects by id, "Pod shop/web-1", as the store has them. */
  objects(): ReadonlyMap<string, Stored>;
  /** Begins a fault in its own way, where its targets live in several processes; where this is not given, the fault's own begin does. */
  begin?(fault: Fault, targets: readonly string[], params: Params, id: string): Ongoing;
  /** Lets a fault begin. Where that is not possible here, what it has done already is undone, and Impossible thrown. */
  attempt<T>(begin: () => T): T;

  // ——— time, chance and a voice of its own ———

  /** A draw in [0, 1) that depends on nothing but the run's seed and these: a replay draws the same. */
  draw(who: string, purpose: string, index: number): number;
  /** Calls back once after so much of the world's time. */
  after(delayMs: number, callback: () => void): Cancel;
  /** Whole microseconds since the run began, never going back. */
  nowUs(): number;
  /** Asks an actor from outside of the cluster, as whoever runs it: API servers take it for a member of system:masters. Answered exactly once. */
  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void;

  // ——— the network ———

  addRule(rule: WireRule): void;
  removeRule(id: string): void;
  /** How many packets the rule of that id has done something to; the proof that it took effect. */
  packetsHitBy(rule: string): number;
  /** Stands between a host's actors and the world, through all lives of the host, until it is cancelled. */
  interpose(host: HostName, make: (gate: Gate) => Interposer): Cancel;
  /** Lets a host speak a neighbouring version of the protocol: 1 for the next, -1 for the one before, 0 for its own. */
  speakVersion(host: HostName, offset: -1 | 0 | 1): void;

  // ——— hosts and actors ———

  /** Kills a host; silently means that its peers find out by their own time-outs only. */
  crashHost(host: HostName, silent: boolean): void;
  startHost(host: HostName): void;
  /**
   * What a balancer and the door of a host do when its server goes: "new" connections go elsewhere; with "all", clients of open ones are told to go
   * as well. Until the host starts again. Hosts without a door, as all simulated ones, have nobody to send away.
   */
  sendClientsAway(host: HostName, which: "new" | "all"): void;
  crashActor(actor: Address): void;
  /** Kills an actor and keeps it from starting, also with its host, until it is released. */
  keepActorDown(actor: Address): void;
  releaseActor(actor: Address): void;
  /** Puts another actor on a host, which starts it with itself from now on; with the address of one that is there, it starts anew with that configuration. */
  placeActor(host: HostName, actor: Address, config: unknown): void;
  /** Takes an actor off its host for good. */
  removeActor(actor: Address): void;
  /** What a placed actor was configured with; undefined where there is none. */
  configOf(actor: Address): unknown;
  pauseHost(host: HostName): void;
  resumeHost(host: HostName): void;
  /** Everything on the host takes this many times as long. */
  slowHost(host: HostName, factor: number): void;

  // ——— clocks and disks ———

  jumpClock(host: HostName, byUs: number): void;
  driftClock(host: HostName, ppm: number): void;
  correctClock(host: HostName): void;
  troubleDisk(host: HostName, trouble: DiskTrouble): void;
  /** Empties a host's disk; the host should be down. */
  wipeDisk(host: HostName): void;
  diskCounts(host: HostName): DiskCounts;
  /** Puts these on the disk of a host that is down, for the actor to find when it starts. */
  writeDisk(host: HostName, actor: Address, operations: readonly DiskOperation[]): void;

  // ——— backups of etcd ———

  /** The store as a member of etcd holds it now, in the bytes of a backup; undefined where it does not run. */
  backupOf(member: Address): Uint8Array | undefined;
  /** Tells whoever watches that a backup was saved: what was written up to that revision must never be lost. */
  tellOfBackup(revision: number): void;
  /** Tells whoever watches that etcd is made anew with that store, out of the backup of that revision: a new epoch of its history begins. */
  tellOfRestore(store: Store, backupRevision: number): void;
}
