import type { Address, HostName } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Stored } from "../../protocol/kinds/object";
import type { Answer } from "../../runtime/actor";
import type { Gate, Interposer } from "../../runtime/interposer";
import type { Meddler } from "../../runtime/live/join/doings";
import type { LiveWorld } from "../../runtime/live/world";
import type { Cancel } from "../../runtime/world";
import { faultNamed } from "../../scenarios/faults";
import type { Params } from "../../scenarios/faults/fault";
import { type DiskCounts, Impossible, type Tank } from "../../scenarios/tank";
import type { HostFacts } from "../../scenarios/target";

/** A fault that is to be done in the middle of hosts of a joined process. */
export interface FaultWork {
  readonly fault: string;
  readonly targets: readonly string[];
  readonly params: Params;
  readonly id: string;
  /** The API objects that it may look at, by id. */
  readonly objects: Readonly<Record<string, Stored>>;
}

/** Begins in this process what the hub wants; of targets that live elsewhere nothing is done here. */
export function meddlerIn(world: LiveWorld): (what: unknown) => Meddler {
  return (what) => {
    const { fault: name, targets, params, id, objects } = what as FaultWork;
    const fault = faultNamed(name);
    // A hub of a newer version may know more.
    if (!fault) return { did: () => "", end: () => undefined };
    const ongoing = fault.begin(new JoinedTank(world, objects), targets, params, id);
    return { did: () => ongoing.soFar?.() ?? "", end: () => void ongoing.end() };
  };
}

/** The hosts of a joined process as faults in their middle see them. All else is for the hub. */
class JoinedTank implements Tank {
  readonly zones = [];

  constructor(
    private readonly world: LiveWorld,
    private readonly seen: FaultWork["objects"],
  ) {}

  hosts(): readonly HostFacts[] {
    return [];
  }

  actorsOn(host: HostName): readonly Address[] {
    return this.world.hosts.get(host)?.addresses() ?? [];
  }

  residentsOf(host: HostName): readonly Address[] {
    return this.world.hosts.get(host)?.residents() ?? [];
  }

  hostOf(actor: Address): HostName | undefined {
    const host = this.world.directory.hostOf(actor);
    return host !== undefined && this.world.hosts.has(host) ? host : undefined;
  }

  objects(): ReadonlyMap<string, Stored> {
    return new Map(Object.entries(this.seen));
  }

  attempt<T>(begin: () => T): T {
    return begin();
  }

  draw(who: string, purpose: string, index: number): number {
    return this.world.random.draw(who, purpose, index);
  }

  after(delayMs: number, callback: () => void): Cancel {
    return this.world.clock.after(Math.round(delayMs * 1000), callback);
  }

  nowUs(): number {
    return this.world.clock.monotonicUs();
  }

  interpose(host: HostName, make: (gate: Gate) => Interposer): Cancel {
    // A target of another process has its own fault there.
    if (!this.world.hosts.has(host)) return { cancel: () => undefined };
    return this.world.interpose(host, make);
  }

  speakVersion(host: HostName, offset: -1 | 0 | 1): void {
    if (this.world.hosts.has(host)) this.world.wire.versions.set(host, offset);
  }

  startHost(host: HostName): void {
    void this.world.comeBack(host);
  }

  crashActor(actor: Address): void {
    if (this.hostOf(actor) !== undefined) this.world.crashActor(actor);
  }

  ask<M extends Message>(_to: Address, _body: Message, _deadlineMs: number, then: (answer: Answer<M>) => void): void {
    setImmediate(() => then({ ok: false, error: "refused", detail: "a joined process has no voice of its own" }));
  }

  addRule = forTheHub;
  removeRule = forTheHub;
  packetsHitBy = () => 0;
  sendClientsAway = forTheHub;
  crashHost = forTheHub;
  keepActorDown = forTheHub;
  releaseActor = forTheHub;
  placeActor = forTheHub;
  removeActor = forTheHub;
  configOf = () => undefined;
  pauseHost = forTheHub;
  resumeHost = forTheHub;
  slowHost = forTheHub;
  jumpClock = forTheHub;
  driftClock = forTheHub;
  correctClock = forTheHub;
  troubleDisk = forTheHub;
  wipeDisk = forTheHub;
  writeDisk = forTheHub;
  backupOf = forTheHub;
  tellOfBackup = forTheHub;
  tellOfRestore = forTheHub;
  diskCounts = (): DiskCounts => ({ syncs: 0, lostWrites: 0, tornWrites: 0, failedWrites: 0, corruptedWrites: 0, misdirectedWrites: 0 });
}

function forTheHub(): never {
  throw new Impossible("only the hub does this to hosts of joined processes");
}
