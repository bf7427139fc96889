import { snapshotOf } from "../actors/etcd/store/snapshot";
import type { Store } from "../actors/etcd/store/store";
import type { Address, HostName } from "../protocol/address";
import type { Message } from "../protocol/codec";
import type { Stored } from "../protocol/kinds/object";
import type { Answer, DiskOperation } from "../runtime/actor";
import { gateOf } from "../runtime/gate";
import type { Gate, Interposer } from "../runtime/interposer";
import type { WireRule } from "../runtime/rules";
import type { Simulation } from "../runtime/simulated/simulation";
import type { Cancel } from "../runtime/world";
import type { ClusterPlan } from "./cluster";
import type { DiskCounts, DiskTrouble, Tank } from "./tank";
import type { TankKnowledge } from "./tank-knowledge";
import type { HostFacts } from "./target";

/** The simulated world as faults see it. */
export class SimulatedTank implements Tank {
  readonly zones: readonly string[];

  constructor(
    private readonly simulation: Simulation,
    private readonly plan: ClusterPlan,
    private readonly knowledge: TankKnowledge,
  ) {
    this.zones = [...new Set(plan.hosts.map(({ zone }) => zone))];
  }

  hosts(): readonly HostFacts[] {
    return this.plan.hosts.map(({ name, zone, role }) => ({
      name,
      zone,
      role,
      up: this.simulation.host(name).host.up,
      leads: this.knowledge.leads(name),
    }));
  }

  actorsOn(host: HostName): readonly Address[] {
    return this.simulation.host(host).host.addresses();
  }

  residentsOf(host: HostName): readonly Address[] {
    return this.simulation.host(host).host.residents();
  }

  hostOf(actor: Address): HostName | undefined {
    return this.simulation.hostOf(actor);
  }

  objects(): ReadonlyMap<string, Stored> {
    return this.knowledge.objects();
  }

  attempt<T>(begin: () => T): T {
    // A simulation suffers everything.
    return begin();
  }

  draw(who: string, purpose: string, index: number): number {
    return this.simulation.random.draw(who, purpose, index);
  }

  after(delayMs: number, callback: () => void): Cancel {
    return this.simulation.schedule(Math.round(delayMs * 1000), callback);
  }

  nowUs(): number {
    return this.simulation.now();
  }

  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void {
    // The answer comes within a turn of the portal, in which nothing may be done to the world.
    this.simulation.ask<M>(to, body, deadlineMs, (answer) => void this.simulation.schedule(0, () => then(answer)));
  }

  addRule(rule: WireRule): void {
    this.simulation.addRule(rule);
  }

  removeRule(id: string): void {
    this.simulation.removeRule(id);
  }

  packetsHitBy(rule: string): number {
    return this.simulation.wire.ruleCounts.get(rule) ?? 0;
  }

  interpose(host: HostName, make: (gate: Gate) => Interposer): Cancel {
    const one = this.simulation.host(host).host;
    return one.interpose(make(gateOf(() => one)));
  }

  speakVersion(host: HostName, offset: -1 | 0 | 1): void {
    this.simulation.wire.versions.set(host, offset);
  }

  crashHost(host: HostName, silent: boolean): void {
    this.simulation.crashHost(host, { silent });
  }

  startHost(host: HostName): void {
    this.simulation.startHost(host);
  }

  sendClientsAway(): void {}

  crashActor(actor: Address): void {
    this.simulation.crashActor(actor);
  }

  keepActorDown(actor: Address): void {
    const host = this.simulation.hostOf(actor);
    if (host !== undefined) this.simulation.host(host).host.keepDown(actor, "crashed on purpose: kept down");
  }

  releaseActor(actor: Address): void {
    const host = this.simulation.hostOf(actor);
    if (host !== undefined) this.simulation.host(host).host.release(actor);
  }

  placeActor(host: HostName, actor: Address, config: unknown): void {
    this.removeActor(actor);
    this.simulation.place(host, actor, config);
  }

  removeActor(actor: Address): void {
    const host = this.simulation.hostOf(actor);
    if (host !== undefined) this.simulation.host(host).host.remove(actor);
  }

  configOf(actor: Address): unknown {
    const host = this.simulation.hostOf(actor);
    return host === undefined ? undefined : this.simulation.host(host).host.configOf(actor);
  }

  pauseHost(host: HostName): void {
    this.simulation.pauseHost(host);
  }

  resumeHost(host: HostName): void {
    this.simulation.resumeHost(host);
  }

  slowHost(host: HostName, factor: number): void {
    this.simulation.host(host).cpu.slowdown = factor;
  }

  jumpClock(host: HostName, byUs: number): void {
    this.simulation.host(host).clock.jump(byUs);
  }

  driftClock(host: HostName, ppm: number): void {
    this.simulation.host(host).clock.drift(ppm);
  }

  correctClock(host: HostName): void {
    this.simulation.host(host).clock.correct();
  }

  troubleDisk(host: HostName, trouble: DiskTrouble): void {
    const { disk } = this.simulation.host(host);
    Object.assign(disk.faults, trouble);
    disk.resume();
  }

  wipeDisk(host: HostName): void {
    this.simulation.host(host).disk.wipe();
  }

  diskCounts(host: HostName): DiskCounts {
    return this.simulation.host(host).disk.counts;
  }

  writeDisk(host: HostName, actor: Address, operations: readonly DiskOperation[]): void {
    this.simulation.host(host).disk.provision(actor, operations);
  }

  backupOf(member: Address): Uint8Array | undefined {
    const state = this.simulation.stateOf<{ readonly store: Store }>(member);
    return state && snapshotOf(state.store);
  }

  tellOfBackup(revision: number): void {
    this.knowledge.backupSaved(revision);
  }

  tellOfRestore(store: Store, backupRevision: number): void {
    this.knowledge.restored(store, backupRevision);
  }
}
